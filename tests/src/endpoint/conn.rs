//! A script's side of one connection.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use rustix::net::connect_unspec;

use super::memory::{Connection, Shared};
use crate::oracle::{Fault, Message, Oracle};
use crate::wait::DEADLINE;

/// The script's side of one connection.
#[derive(Debug)]
pub struct Conn {
    oracle: Oracle<Tap>,
    /// Which connection of its endpoint this is, from 0.
    pub number: usize,
}

impl Conn {
    pub(super) fn new(stream: TcpStream, shared: &Arc<Shared>) -> Self {
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut connections = shared.connections.lock().unwrap();
        let number = connections.len();
        connections.push(Connection {
            stream: stream.try_clone().unwrap(),
            received: Vec::new(),
            ended: false,
        });
        let tap = Tap {
            stream,
            shared: Arc::clone(shared),
            number,
        };
        Self {
            oracle: Oracle::new(tap),
            number,
        }
    }

    /// Reads a whole request, or nothing when none comes (or only a part).
    pub fn request(&mut self) -> Option<Message> {
        self.oracle.request().ok()
    }

    /// Reads the head of a request and leaves its body.
    pub fn head(&mut self) -> Option<Message> {
        self.oracle.request_head().ok()
    }

    /// Reads the body that a head announced, as far as it comes.
    pub fn body(&mut self, message: &mut Message) -> Result<(), Fault> {
        self.oracle.body(message)
    }

    /// Reads exactly `length` bytes, as of a tunnel.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        self.oracle.bytes(length).unwrap_or_default()
    }

    /// Sends bytes as they are; the other side may have gone.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = (&self.oracle.source().stream).write_all(bytes.as_ref());
    }

    /// Another handle to the socket, to write while this one reads.
    ///
    /// # Panics
    ///
    /// When there are no file descriptors left.
    #[must_use]
    pub fn writer(&self) -> TcpStream {
        self.oracle.source().stream.try_clone().unwrap()
    }

    /// Waits until the router closes its side.
    pub fn until_closed(&mut self) {
        let _ = self.oracle.to_end(&mut Vec::new());
    }

    /// Closes the sending side and keeps reading.
    pub fn half_close(&mut self) {
        let _ = self.oracle.source().stream.shutdown(Shutdown::Write);
    }

    /// Closes with a reset instead of a FIN.
    pub fn reset(&mut self) {
        reset(&self.oracle.source().stream);
    }

    pub(super) fn close(&self) {
        let _ = self.oracle.source().stream.shutdown(Shutdown::Both);
    }
}

/// Resets a connection at once, however many handles to it are open.
pub(crate) fn reset(stream: &TcpStream) {
    // Linux's `tcp_disconnect`: a connect to "no address" sends a RST and forgets the peer.
    let _ = connect_unspec(stream);
}

/// Records what is read.
#[derive(Debug)]
struct Tap {
    stream: TcpStream,
    shared: Arc<Shared>,
    number: usize,
}

impl Read for Tap {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = (&self.stream).read(into);
        let mut connections = self.shared.connections.lock().unwrap();
        let connection = &mut connections[self.number];
        match &read {
            Ok(0) | Err(_) => connection.ended = true,
            Ok(read) => connection.received.extend_from_slice(&into[..*read]),
        }
        read
    }
}
