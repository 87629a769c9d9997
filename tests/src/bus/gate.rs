//! A way to the bus that can be closed, so that a test decides when somebody finds the bus again.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::Bus;

/// A port that leads to a bus while it is open; it stays bound while it is closed.
#[derive(Debug)]
pub struct Gate {
    addr: SocketAddr,
    /// Both ends of every connection while the gate is open; nothing while it is closed.
    open: Arc<Mutex<Option<Vec<TcpStream>>>>,
}

impl Gate {
    /// Makes an open gate in front of `bus`.
    ///
    /// # Panics
    ///
    /// When loopback has no free port.
    #[must_use]
    pub fn before(bus: &Bus) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let addr = listener.local_addr().unwrap();
        let open = Arc::new(Mutex::new(Some(Vec::new())));
        let (doors, bus) = (Arc::clone(&open), bus.addr());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if let Some(ends) = doors.lock().unwrap().as_mut() {
                    // Without a bus behind it, whoever came is let go.
                    let _refused = join(stream, bus).map(|both| ends.extend(both));
                }
            }
        });
        Self { addr, open }
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Cuts every connection, and each that comes from now on.
    ///
    /// # Panics
    ///
    /// When the gate's own thread has panicked.
    pub fn close(&self) {
        for end in self.open.lock().unwrap().take().into_iter().flatten() {
            let _gone = end.shutdown(Shutdown::Both);
        }
    }

    /// Lets connections through again.
    ///
    /// # Panics
    ///
    /// When the gate's own thread has panicked.
    pub fn open(&self) {
        self.open.lock().unwrap().get_or_insert_default();
    }
}

/// Carries bytes between `stream` and the bus, both ways, until one of them ends.
fn join(stream: TcpStream, bus: SocketAddr) -> io::Result<[TcpStream; 2]> {
    let onward = TcpStream::connect(bus)?;
    let both = [stream.try_clone()?, onward.try_clone()?];
    for (from, to) in [(stream.try_clone()?, onward.try_clone()?), (onward, stream)] {
        thread::spawn(move || {
            let _cut = io::copy(&mut &from, &mut &to);
            let _gone = to.shutdown(Shutdown::Both);
        });
    }
    Ok(both)
}
