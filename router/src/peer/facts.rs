//! The facts themselves.

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};

use arrayvec::ArrayString;

/// Facts proved about a client's connection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Peer {
    addr: SocketAddr,
    local: SocketAddr,
    transport: Transport,
    // perf: addresses are written into every request and every log line, so their text is made
    // once per connection.
    ip_text: ArrayString<46>,
    addr_text: ArrayString<58>,
    local_text: ArrayString<58>,
}

impl Peer {
    /// A client at `addr`, which reached us at `local`. An IPv4 address that came through a
    /// dual-stack listener is the IPv4 address that it is.
    #[must_use]
    pub fn new(addr: SocketAddr, local: SocketAddr, transport: Transport) -> Self {
        let addr = SocketAddr::new(addr.ip().to_canonical(), addr.port());
        let local = SocketAddr::new(local.ip().to_canonical(), local.port());
        let mut ip_text = ArrayString::new();
        let mut addr_text = ArrayString::new();
        let mut local_text = ArrayString::new();
        // invariant: the longest address with a port has 58 characters at most, so writing fits.
        let _fits = write!(ip_text, "{}", addr.ip());
        let _fits = write!(addr_text, "{addr}");
        let _fits = write!(local_text, "{local}");
        Self {
            addr,
            local,
            transport,
            ip_text,
            addr_text,
            local_text,
        }
    }

    /// The client's address (after a PROXY header, the address it names).
    #[must_use]
    pub fn ip(&self) -> IpAddr {
        self.addr.ip()
    }

    /// The client's address as text, without the port.
    #[must_use]
    pub fn ip_text(&self) -> &str {
        &self.ip_text
    }

    /// The client's address and port as text.
    #[must_use]
    pub fn addr_text(&self) -> &str {
        &self.addr_text
    }

    /// Our own side of the connection.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Our own address and port on this connection, as text.
    #[must_use]
    pub fn local_text(&self) -> &str {
        &self.local_text
    }

    /// How the client's bytes travel.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.transport
    }
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
    pub const fn scheme(self) -> &'static str {
        match self {
            Self::Plain => "http",
            Self::Tls => "https",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv4_client_of_a_dual_stack_listener_has_an_ipv4_address() {
        let local = "[::1]:80".parse().unwrap();
        let peer = Peer::new(
            "[::ffff:10.1.2.3]:4000".parse().unwrap(),
            local,
            Transport::Plain,
        );
        assert_eq!(peer.ip_text(), "10.1.2.3");
        assert_eq!(peer.addr_text(), "10.1.2.3:4000");
    }

    #[test]
    fn the_longest_address_fits() {
        let text = "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535";
        let addr: SocketAddr = text.parse().unwrap();
        assert_eq!(Peer::new(addr, addr, Transport::Tls).addr_text(), text);
    }
}
