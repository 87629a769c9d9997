//! Why the router could not start.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;

/// A listener, a file or the bus was not to be had.
#[derive(Debug, Error)]
pub enum StartError {
    /// The access log cannot be written.
    #[error("cannot open the access log {path}: {source}")]
    AccessLog {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// An operator's port cannot be opened.
    #[error(transparent)]
    Admin(#[from] crate::admin::BindError),
    /// The bus cannot be reached.
    #[error("nats-connection-error: {0}")]
    Bus(#[source] bus::ConnectError),
    /// The component log cannot be set up.
    #[error(transparent)]
    Events(#[from] crate::observe::events::EventsError),
    /// A traffic port cannot be opened.
    #[error("cannot listen on {addr}: {source}{}", hint(.source, .addr))]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The metrics contradict each other.
    #[error(transparent)]
    Metrics(#[from] prometheus::Error),
    /// The routes cannot be learnt.
    #[error("{0}")]
    Registry(#[source] crate::registry::RegistryError),
    /// The control thread has ended without a word.
    #[error("the control thread has ended; its events say why")]
    Silence,
    /// A thread cannot be made.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] io::Error),
    /// A certificate or key cannot be used.
    #[error("cannot use the TLS configuration: {0}")]
    Tls(#[from] rustls::Error),
}

fn hint(error: &io::Error, addr: &SocketAddr) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            " (another program listens there: `ss -ltnp 'sport = :{}'` names it)",
            addr.port()
        ),
        io::ErrorKind::PermissionDenied if addr.port() < 1024 => {
            " (ports below 1024 need CAP_NET_BIND_SERVICE)".to_owned()
        }
        _ => String::new(),
    }
}
