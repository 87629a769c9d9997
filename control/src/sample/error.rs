//! Why the sample could not start.

use std::io;
use std::net::SocketAddr;

use super::url::BadBusUrl;
use crate::explain::{Exit, Explain};

/// Why `switchyard sample` ended with an error.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// The bus cannot be reached, or does not want us.
    #[error("no bus at {url}")]
    Bus {
        /// Its address, without credentials.
        url: String,
        /// What was tried and what came of it.
        source: bus::ConnectError,
    },
    /// The bus's address makes no sense.
    #[error("`--bus {text}` is no address of a bus")]
    BusUrl {
        /// The address as it was given.
        text: String,
        /// What was expected.
        source: BadBusUrl,
    },
    /// The connection to the bus was closed for good.
    #[error("the bus is closed")]
    Closed,
    /// A port could not be opened.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address that was tried.
        address: SocketAddr,
        /// What the kernel said.
        source: io::Error,
    },
    /// There are not enough ports for that many instances.
    #[error("{instances} instances do not fit on the ports from {port} on")]
    Ports {
        /// How many were asked for.
        instances: u16,
        /// The first port.
        port: u16,
    },
    /// The bus went away between the connection and the subscription.
    #[error("the bus does not take our subscription")]
    Subscribe(#[source] bus::BusError),
    /// The asynchronous runtime or its signals could not be set up.
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
}

impl Explain for SampleError {
    fn help(&self) -> Option<String> {
        match self {
            Self::Bus { .. } => Some(
                "`switchyard micro` prints the address of its bus; name yours with --bus URL"
                    .into(),
            ),
            Self::Listen { .. } => Some("--port 0 takes any free port".into()),
            Self::BusUrl { .. }
            | Self::Closed
            | Self::Ports { .. }
            | Self::Subscribe(_)
            | Self::Runtime(_) => None,
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Bus { .. } | Self::Closed | Self::Subscribe(_) => Exit::Unreachable,
            Self::BusUrl { .. } | Self::Ports { .. } => Exit::Usage,
            Self::Listen { .. } | Self::Runtime(_) => Exit::Failed,
        }
    }
}
