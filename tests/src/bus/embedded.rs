//! Our own server of the bus, on a thread of this process.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use bus::server::{Server, ServerOptions};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// A running server; dropping it stops it.
#[derive(Debug)]
pub(super) struct Embedded {
    /// Where it listens.
    pub(super) addr: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Embedded {
    /// Starts on `addr`; port 0 is any free port.
    pub(super) fn start(addr: SocketAddr) -> Self {
        let (ready, started) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let options = ServerOptions {
                    addr,
                    ..ServerOptions::default()
                };
                let server = Server::start(options).await.expect("the bus starts");
                let _ = ready.send(server.addr());
                let _ = stopped.await;
                server.shutdown().await;
            });
        });
        let addr = started.recv().expect("the bus starts");
        Self {
            addr,
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
