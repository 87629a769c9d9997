//! Who serves a new connection: listeners of one port for every core, and the balance between
//! them.
//!
//! The kernel spreads connections over the listeners of a port by a hash, which is fair for
//! thousands of connections and unfair for the eight that an external balancer keeps for hours.
//! So a core that has clearly more connections than another one hands a new one over.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crossbeam_utils::CachePadded;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::sync::mpsc;

/// Connections that wait to be accepted, per listener.
const BACKLOG: i32 = 4096;
/// Connections that wait to be taken over by another core.
const HANDOVER_QUEUE: usize = 1024;

/// Binds one listener per core to one address. Port 0 takes any free port, the same for all.
///
/// # Errors
///
/// Fails when the port is taken: this is found by an exclusive bind, because listeners that share
/// a port would share it with a stranger in silence.
pub fn bind(addr: SocketAddr, count: usize) -> io::Result<Vec<TcpListener>> {
    let exclusive = listener(addr, Sharing::Exclusive)?;
    let addr = exclusive.local_addr()?;
    drop(exclusive);
    (0..count)
        .map(|_| listener(addr, Sharing::AmongCores))
        .collect()
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Sharing {
    Exclusive,
    AmongCores,
}

fn listener(addr: SocketAddr, sharing: Sharing) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    if addr.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(sharing == Sharing::AmongCores)?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// A connection on its way to the core that will serve it.
#[derive(Debug)]
pub struct Arrival<G> {
    /// The connection.
    pub socket: TcpStream,
    /// Who is at its other end.
    pub addr: SocketAddr,
    /// Which gate it came through.
    pub gate: G,
    /// Its place in the count of the core that serves it.
    pub place: Place,
}

/// One connection in a core's count. Dropping it takes it out.
#[derive(Debug)]
pub struct Place {
    counts: Arc<Counts>,
    core: usize,
}

type Counts = Box<[CachePadded<AtomicU32>]>;

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(count) = self.counts.get(self.core) {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Counts the connections of all cores and knows the way to each.
#[derive(Debug)]
pub struct Balance<G> {
    counts: Arc<Counts>,
    doors: Box<[mpsc::Sender<Arrival<G>>]>,
}

impl<G> Balance<G> {
    /// For so many cores; gives each core's inbox as well.
    #[must_use]
    pub fn new(cores: usize) -> (Self, Vec<mpsc::Receiver<Arrival<G>>>) {
        let (doors, inboxes) = (0..cores)
            .map(|_| mpsc::channel(HANDOVER_QUEUE))
            .unzip::<_, _, Vec<_>, Vec<_>>();
        let counts: Counts = (0..cores).map(|_| CachePadded::default()).collect();
        (
            Self {
                counts: Arc::new(counts),
                doors: doors.into(),
            },
            inboxes,
        )
    }

    /// Connections over all cores.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.counts
            .iter()
            .map(|count| count.load(Ordering::Relaxed))
            .sum()
    }

    /// Which core should serve a connection that `core` has accepted.
    #[must_use]
    pub fn choose(&self, core: usize) -> usize {
        let count = |core: usize| {
            self.counts
                .get(core)
                .map_or(0, |count| count.load(Ordering::Relaxed))
        };
        let least = (0..self.counts.len())
            .min_by_key(|core| count(*core))
            .unwrap_or(core);
        // A small lead is left alone: it costs a wake-up of another core to level it.
        if count(core) > count(least) + 1 + count(least) / 8 {
            least
        } else {
            core
        }
    }

    /// Takes a place in the count of `core`.
    #[must_use]
    pub fn place(&self, core: usize) -> Place {
        if let Some(count) = self.counts.get(core) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        Place {
            counts: Arc::clone(&self.counts),
            core,
        }
    }

    /// Hands a connection over to the core whose place it has.
    ///
    /// # Errors
    ///
    /// Gives the connection back when that core has too many waiting already.
    pub fn hand_over(&self, arrival: Arrival<G>) -> Result<(), Arrival<G>> {
        match self.doors.get(arrival.place.core) {
            Some(door) => door.try_send(arrival).map_err(|full| match full {
                mpsc::error::TrySendError::Full(arrival)
                | mpsc::error::TrySendError::Closed(arrival) => arrival,
            }),
            None => Err(arrival),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_an_error_even_if_it_is_shared() {
        let first = bind("127.0.0.1:0".parse().unwrap(), 2).unwrap();
        let addr = first[0].local_addr().unwrap();
        assert_eq!(bind(addr, 1).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn all_listeners_share_one_port() {
        let listeners = bind("127.0.0.1:0".parse().unwrap(), 3).unwrap();
        let ports: Vec<u16> = listeners
            .iter()
            .map(|listener| listener.local_addr().unwrap().port())
            .collect();
        assert!(ports.iter().all(|port| *port == ports[0] && *port != 0));
    }

    #[test]
    fn few_connections_spread_even_if_one_core_accepts_them_all() {
        let (balance, _inboxes) = Balance::<()>::new(2);
        let places: Vec<Place> = (0..8).map(|_| balance.place(balance.choose(0))).collect();
        let on_first = places.iter().filter(|place| place.core == 0).count();
        assert!((3..=5).contains(&on_first), "{on_first} of 8");
    }

    #[test]
    fn a_connection_that_ends_leaves_the_count() {
        let (balance, _inboxes) = Balance::<()>::new(1);
        let place = balance.place(0);
        assert_eq!(balance.total(), 1);
        drop(place);
        assert_eq!(balance.total(), 0);
    }
}
