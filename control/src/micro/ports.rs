//! Which port is free? Found by binding it for ourselves alone.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::ops::Range;

use super::holder::{self, Holder};

/// A free port, and the ports before it that were not.
#[derive(Debug, Eq, PartialEq)]
pub struct Found {
    /// Nothing listened on it a moment ago, on IPv4 and IPv6 loopback alike.
    pub port: u16,
    /// The ports that were tried first, in order.
    pub taken: Vec<Taken>,
}

/// A port that somebody else listens on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Taken {
    /// The port's number.
    pub port: u16,
    /// Who listens there, where the kernel lets us see it.
    pub holder: Option<Holder>,
}

/// Why no port was found.
#[derive(Debug, thiserror::Error)]
pub enum NoPort {
    /// A port could not be tried at all.
    #[error("cannot bind port {port} on loopback")]
    Bind {
        /// The port's number.
        port: u16,
        /// What the kernel said.
        source: io::Error,
    },
    /// A whole range is in use.
    #[error("ports {first} to {last} are all taken")]
    Range {
        /// The first port that was tried.
        first: u16,
        /// The last port that was tried.
        last: u16,
    },
}

/// Ports handed out in this run, so that no two parts are given the same one.
#[derive(Debug, Default)]
pub struct Ports {
    given: Vec<u16>,
}

impl Ports {
    /// Finds the first free port from `first` on; 0 means from anywhere.
    ///
    /// # Errors
    ///
    /// Fails when none of the next hundred is free, or when binding is not permitted.
    pub fn find(&mut self, first: u16) -> Result<Found, NoPort> {
        if first == 0 {
            let found = self.find(rand::random_range(QUIET))?;
            let taken = Vec::new();
            return Ok(Found { taken, ..found });
        }
        let last = first.saturating_add(RANGE);
        let mut taken = Vec::new();
        for port in first..=last {
            if self.given.contains(&port) {
                continue;
            }
            match bind_alone(port) {
                Ok(free) => {
                    self.given.push(free);
                    return Ok(Found { port: free, taken });
                }
                Err(error) if error.kind() == ErrorKind::AddrInUse => taken.push(Taken {
                    port,
                    holder: holder::of(port),
                }),
                Err(source) => return Err(NoPort::Bind { port, source }),
            }
        }
        Err(NoPort::Range { first, last })
    }
}

/// Binds `port` on both loopbacks without sharing, lets go again and returns its number.
///
/// The router listens with `SO_REUSEPORT`, which would silently share a port with another process
/// of the same user. The standard listener sets `SO_REUSEADDR` only: it fails beside any listener,
/// and does not stumble over the remains of our own last run.
fn bind_alone(port: u16) -> io::Result<u16> {
    let v4 = TcpListener::bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))?;
    let port = v4.local_addr()?.port();
    // `hello.localhost` may resolve to ::1 first, so a stranger there would get our requests.
    match TcpListener::bind(SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), port)) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => Err(error),
        // No IPv6 on this machine: nobody can listen there either.
        Ok(_) | Err(_) => Ok(port),
    }
}

/// Where a port is taken from when any will do: below those that the kernel gives away by itself, for
/// it would give ours to the next connection of anybody before a part of ours listens there.
const QUIET: Range<u16> = 10_000..30_000;

/// How many ports after the first are tried.
const RANGE: u16 = 99;

#[cfg(test)]
mod tests {
    use super::*;

    /// A listener whose next port is free as well, or at least not ours.
    fn busy(addr: &str) -> TcpListener {
        TcpListener::bind(addr).unwrap()
    }

    #[test]
    fn a_busy_port_is_named_and_the_next_free_one_taken() {
        let listener = busy("127.0.0.1:0");
        let port = listener.local_addr().unwrap().port();
        let found = Ports::default().find(port).unwrap();
        assert!(found.port > port);
        assert_eq!(found.taken.first().unwrap().port, port);
    }

    #[test]
    fn the_holder_of_a_busy_port_is_named() {
        let listener = busy("127.0.0.1:0");
        let port = listener.local_addr().unwrap().port();
        let found = Ports::default().find(port).unwrap();
        let holder = found.taken.first().unwrap().holder.as_ref().unwrap();
        assert_eq!(holder.pid, std::process::id());
    }

    #[test]
    fn a_port_shared_with_reuseport_counts_as_busy() {
        let socket =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.set_reuse_port(true).unwrap();
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        socket.bind(&any.into()).unwrap();
        socket.listen(1).unwrap();
        let port = socket.local_addr().unwrap().as_socket().unwrap().port();
        assert_ne!(Ports::default().find(port).unwrap().port, port);
    }

    #[test]
    fn a_stranger_on_ipv6_loopback_counts_as_busy() {
        let Ok(listener) = TcpListener::bind("[::1]:0") else {
            return; // this machine has no IPv6
        };
        let port = listener.local_addr().unwrap().port();
        assert_ne!(Ports::default().find(port).unwrap().port, port);
    }

    #[test]
    fn any_port_is_none_that_the_kernel_gives_away() {
        let found = Ports::default().find(0).unwrap();
        assert!(found.port < 32_768 && found.taken.is_empty(), "{found:?}");
    }

    #[test]
    fn no_two_parts_are_given_the_same_port() {
        let mut ports = Ports::default();
        let first = ports.find(0).unwrap().port;
        assert_ne!(ports.find(first).unwrap().port, first);
    }
}
