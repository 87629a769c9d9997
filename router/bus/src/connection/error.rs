//! What can go wrong on the way to the bus, and on it.

use std::error::Error as _;
use std::fmt;

use async_nats::ConnectErrorKind;

use super::options::ServerAddr;

/// Why there is no connection to start with.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The options name no server.
    #[error("no NATS server is configured")]
    NoServers,
    /// Certificates or key are unusable.
    #[error("NATS TLS settings: {0}")]
    Tls(String),
    /// Every server was tried, several times.
    #[error("no NATS server can be used: {}", list(.0))]
    Unusable(Vec<FailedServer>),
}

/// A server that could not be used, and why at the last try.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FailedServer {
    /// The server.
    pub server: ServerAddr,
    /// What kind of failure it was.
    pub failure: Failure,
    /// The same in words.
    pub detail: String,
}

/// Kinds of failure to connect.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Failure {
    /// The address makes no sense.
    Address,
    /// The server does not accept the credentials.
    Authorization,
    /// The name does not resolve.
    Dns,
    /// The connection failed, or TLS on it.
    Io,
    /// The server took too long.
    TimedOut,
    /// TLS could not be set up.
    Tls,
}

/// Why an operation on the bus failed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BusError {
    /// The connection was closed by this side.
    #[error("the bus connection is closed")]
    Closed,
    /// Nobody listens on the subject of a request.
    #[error("nobody answers on {0}")]
    NoResponders(String),
    /// The subject makes no sense.
    #[error("{0:?} is not a subject")]
    Subject(String),
    /// There was no answer, or no connection, in time.
    #[error("the bus did not respond in time")]
    TimedOut,
    /// The payload exceeds the server's limit.
    #[error("a payload of {0} bytes is over the server's limit")]
    TooLarge(usize),
}

impl FailedServer {
    pub(super) fn new(server: ServerAddr, error: &async_nats::ConnectError) -> Self {
        let failure = Failure::of(error.kind());
        let detail = match failure {
            Failure::Authorization => "the server refuses the credentials".into(),
            Failure::TimedOut => "timed out".into(),
            _ => error
                .source()
                .map_or_else(|| error.to_string(), ToString::to_string),
        };
        Self {
            server,
            failure,
            detail,
        }
    }

    pub(super) fn timed_out(server: ServerAddr) -> Self {
        Self {
            server,
            failure: Failure::TimedOut,
            detail: "timed out".into(),
        }
    }
}

impl Failure {
    fn of(kind: ConnectErrorKind) -> Self {
        match kind {
            ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
                Self::Authorization
            }
            ConnectErrorKind::Dns => Self::Dns,
            ConnectErrorKind::Io | ConnectErrorKind::MaxReconnects => Self::Io,
            ConnectErrorKind::ServerParse => Self::Address,
            ConnectErrorKind::TimedOut => Self::TimedOut,
            ConnectErrorKind::Tls => Self::Tls,
        }
    }
}

impl fmt::Display for FailedServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.server, self.detail)
    }
}

fn list(failures: &[FailedServer]) -> String {
    let failures: Vec<_> = failures.iter().map(ToString::to_string).collect();
    failures.join("; ")
}
