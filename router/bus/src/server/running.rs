//! Starts and stops a server.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;
use tracing::{info, warn};

use super::connection::serve;
use super::hub::Hub;
use super::options::ServerOptions;

/// The embedded server, before it runs.
#[derive(Debug)]
pub struct Server;

/// A server that accepts clients. Dropping it stops it without waiting.
pub struct RunningServer {
    addr: SocketAddr,
    hub: Arc<Hub>,
    stop: watch::Sender<()>,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Binds the address and serves clients on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// Fails when the address cannot be bound.
    pub async fn start(options: ServerOptions) -> io::Result<RunningServer> {
        let listener = TcpListener::bind(options.addr).await?;
        let addr = listener.local_addr()?;
        let hub = Arc::new(Hub::new(options));
        let (stop, stopped) = watch::channel(());
        let accepting = tokio::spawn(accept(listener, Arc::clone(&hub), stopped));
        info!(%addr, "bus-server-started");
        Ok(RunningServer {
            addr,
            hub,
            stop,
            accepting,
        })
    }
}

impl RunningServer {
    /// The address that clients connect to.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Clients that are connected.
    pub fn connections(&self) -> usize {
        self.hub.clients()
    }

    /// Subscriptions of all clients.
    pub fn subscriptions(&self) -> usize {
        self.hub.subscriptions()
    }

    /// Stops accepting, disconnects every client and waits until all are gone.
    pub async fn shutdown(self) {
        let Self {
            stop, accepting, ..
        } = self;
        drop(stop);
        // It fails only where the task panicked or the runtime ends; it is over then too.
        let _over = accepting.await;
    }
}

impl fmt::Debug for RunningServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningServer")
            .field("addr", &self.addr)
            .finish_non_exhaustive()
    }
}

async fn accept(listener: TcpListener, hub: Arc<Hub>, mut stop: watch::Receiver<()>) {
    let mut sessions = JoinSet::new();
    let stopped = stop.clone();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _peer)) => {
                    sessions.spawn(serve(stream, Arc::clone(&hub), stopped.clone()));
                }
                Err(error) => pause(&error).await,
            },
            Some(_ended) = sessions.join_next() => {}
            _ = stop.changed() => break,
        }
    }
    drop(listener);
    while sessions.join_next().await.is_some() {}
}

/// Waits a little: out of descriptors, accepting again at once would only burn a core.
async fn pause(error: &io::Error) {
    warn!(%error, "bus-accept-failed");
    sleep(Duration::from_millis(50)).await;
}
