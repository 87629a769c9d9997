//! An endpoint's port, and the scripts that run behind it.

use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};

use super::Conn;
use super::memory::Shared;
use crate::wait::DEADLINE;

/// A listening endpoint; dropping it cuts its connections.
#[derive(Debug)]
pub struct Endpoint {
    addr: SocketAddr,
    pub(super) shared: Arc<Shared>,
    _unheard: Option<OwnedFd>,
}

impl Endpoint {
    /// Runs `script` on every connection, each on a thread of its own.
    ///
    /// # Panics
    ///
    /// When loopback has no free port.
    pub fn scripted(script: impl Fn(&mut Conn) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let addr = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let (script, accepting) = (Arc::new(script), Arc::clone(&shared));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { continue };
                if accepting.stopped.load(Ordering::Acquire) {
                    return;
                }
                let (script, mut conn) = (Arc::clone(&script), Conn::new(stream, &accepting));
                thread::spawn(move || {
                    script(&mut conn);
                    conn.close();
                });
            }
        });
        Self {
            addr,
            shared,
            _unheard: None,
        }
    }

    /// Answers every request with `response`, byte for byte, and keeps the connection.
    pub fn answering(response: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        Self::scripted(move |conn| {
            while conn.request().is_some() {
                conn.send(&response);
            }
        })
    }

    /// Answers every request with 200 and `body`.
    #[must_use]
    pub fn saying(body: &str) -> Self {
        let length = body.len();
        Self::answering(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
    }

    /// Has an address at which every dial is refused.
    ///
    /// # Panics
    ///
    /// When loopback has no free port.
    #[must_use]
    pub fn refusing() -> Self {
        // Bound, so that nobody else takes the port, but never listening.
        let unheard = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        bind(&unheard, &SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let addr = getsockname(&unheard).unwrap().try_into().unwrap();
        Self {
            addr,
            shared: Arc::default(),
            _unheard: Some(unheard),
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Release);
        // Wakes the accepting thread, which then lets go of the port.
        let _ = TcpStream::connect_timeout(&self.addr, DEADLINE);
        for connection in &*self.shared.connections.lock().unwrap() {
            let _ = connection.stream.shutdown(Shutdown::Both);
        }
    }
}
