//! Peer: who is on the other end, as proved so far.
//!
//! In: the accepted socket's addresses and, once there was a handshake, what TLS proved.
//! Out: a [`Peer`] that every room of the walk may read. Never: anything a client only claims
//! (that is in the head).

use std::net::SocketAddr;

/// Facts proved about a client's connection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Peer {
    /// The client's address (after a PROXY header, the address it names).
    pub addr: SocketAddr,
    /// Our own side of the connection.
    pub local: SocketAddr,
    /// How the bytes travel.
    pub transport: Transport,
}

/// How a client's bytes travel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Transport {
    /// In the clear.
    Plain,
    /// Inside TLS.
    Tls,
}

impl Transport {
    /// The URL scheme that this transport stands for.
    #[must_use]
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Plain => "http",
            Self::Tls => "https",
        }
    }
}
