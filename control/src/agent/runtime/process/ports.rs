//! Ports of the node, each kept for one container.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::sync::{Arc, Mutex, PoisonError};

use super::super::error::RuntimeError;

/// The ports that were given to containers. Clones are the same table.
///
/// A program opens its port some time after it was chosen; until then nobody else must choose it.
/// For agents of the same machine, each port that is given is marked by a socket without a file: it
/// ends with its process, so that nothing has to be cleared away after a kill.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ports(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    given: BTreeMap<u16, Given>,
    next: u16,
}

#[derive(Debug)]
struct Given {
    handle: String,
    /// `None` when another process holds the mark: the port was taken over as it was.
    _mark: Option<UnixListener>,
}

impl Ports {
    /// Gives a free port to `handle`.
    pub(crate) fn take(&self, handle: &str) -> Result<u16, RuntimeError> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let range = u16::MAX - FIRST;
        if table.next == 0 {
            // Agents that start together should not all try the same ports.
            table.next = rand::random_range(0..range);
        }
        for _ in 0..range {
            table.next = (table.next + 1) % range;
            let port = FIRST + table.next;
            if table.given.contains_key(&port) || !is_free(port) {
                continue;
            }
            let Some(mark) = mark(port) else { continue };
            let given = Given {
                handle: handle.to_owned(),
                _mark: Some(mark),
            };
            table.given.insert(port, given);
            return Ok(port);
        }
        Err(RuntimeError::NoPort {
            first: FIRST,
            last: u16::MAX - 1,
        })
    }

    /// Takes over the port of a container that was there before this agent.
    pub(crate) fn adopt(&self, handle: &str, port: u16) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let given = Given {
            handle: handle.to_owned(),
            _mark: mark(port),
        };
        table.given.insert(port, given);
    }

    /// Gives back the ports of a container.
    pub(crate) fn release(&self, handle: &str) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.given.retain(|_, given| given.handle != handle);
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
}

fn mark(port: u16) -> Option<UnixListener> {
    let name = SocketAddr::from_abstract_name(format!("switchyard-port-{port}")).ok()?;
    UnixListener::bind_addr(&name).ok()
}

/// Above the ports that Linux gives to outgoing connections, which would get in the way.
const FIRST: u16 = 61001;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn two_agents_of_a_machine_never_give_the_same_port() {
        let (one, other) = (Ports::default(), Ports::default());
        let mut given = BTreeSet::new();
        for n in 0..200 {
            assert!(given.insert(one.take(&format!("a{n}")).unwrap()));
            assert!(given.insert(other.take(&format!("b{n}")).unwrap()));
        }
    }

    #[test]
    fn a_port_that_somebody_listens_on_is_not_given() {
        let ports = Ports::default();
        let port = ports.take("a").unwrap();
        ports.release("a");
        let _theirs = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        assert!(!is_free(port));
    }
}
