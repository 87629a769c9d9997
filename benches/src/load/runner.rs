//! What both loops share: whom to load, and the connections that do it.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Instant;

use socket2::{Domain, Protocol, Socket, Type};

use super::connection::{Answered, Connection};
use super::report::Errors;
use crate::poller::{Poller, Ready};

/// Whom to load and with what.
#[derive(Clone, Debug)]
pub struct Target {
    /// The proxy, or the origin itself.
    pub addr: SocketAddr,
    /// The `Host` field.
    pub host: String,
    /// The request target.
    pub path: String,
    /// Bytes of body to upload with each request; 0 sends a GET.
    pub upload_bytes: usize,
    /// Addresses of ours to connect from, in turn; empty leaves the choice to the kernel.
    pub sources: Vec<IpAddr>,
}

/// The border of the measured window, told at the moment it is crossed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Edge {
    /// The warm-up is over.
    Begin,
    /// The window is over; connections are still open.
    End,
}

impl Target {
    /// One request, as it goes over the wire.
    pub fn request(&self) -> Vec<u8> {
        let Self {
            path,
            host,
            upload_bytes,
            ..
        } = self;
        if *upload_bytes == 0 {
            return format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes();
        }
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {upload_bytes}\r\n\r\n"
        );
        let mut request = head.into_bytes();
        request.resize(request.len() + upload_bytes, b'u');
        request
    }

    /// Connects, for the `nth` time, from the address whose turn it is.
    pub(super) fn connect(&self, nth: usize) -> io::Result<TcpStream> {
        let socket = Socket::new(
            Domain::for_address(self.addr),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        if let Some(source) = nth
            .checked_rem(self.sources.len())
            .and_then(|n| self.sources.get(n))
        {
            socket.bind(&SocketAddr::new(*source, 0).into())?;
        }
        socket.connect(&self.addr.into())?;
        socket.set_tcp_nodelay(true)?;
        Ok(socket.into())
    }
}

/// The connections of one run.
pub(super) struct Fleet<'a> {
    target: &'a Target,
    pub(super) poller: Poller,
    connections: Vec<Connection>,
    request: Vec<u8>,
    requests: Vec<u8>,
    scratch: Vec<u8>,
    pub(super) errors: Errors,
}

impl<'a> Fleet<'a> {
    /// Opens all connections. `depth` is how many requests may be on their way on each.
    pub(super) fn connect(target: &'a Target, size: usize, depth: usize) -> io::Result<Self> {
        let request = target.request();
        let mut fleet = Self {
            target,
            poller: Poller::new()?,
            connections: Vec::with_capacity(size),
            requests: request.repeat(depth + 1),
            request,
            scratch: vec![0; SCRATCH_BYTES],
            errors: Errors::default(),
        };
        for token in 0..size {
            let connection = fleet.open(token)?;
            fleet.connections.push(connection);
        }
        Ok(fleet)
    }

    /// Plans a request on a connection; nothing is sent before [`Fleet::flush`].
    pub(super) fn ask(&mut self, token: usize, due: Instant) {
        if let Some(connection) = self.connections.get_mut(token) {
            connection.ask(&self.request, due);
        }
    }

    /// Sends what was planned on a connection, which is replaced when it breaks.
    pub(super) fn flush(&mut self, token: usize) -> io::Result<()> {
        let Some(connection) = self.connections.get_mut(token) else {
            return Ok(());
        };
        if connection.flush(&self.request, &self.requests).is_err() {
            self.replace(token)?;
        }
        Ok(())
    }

    /// Reads what has arrived on a ready connection. One that broke or closed is replaced, and owes nothing.
    ///
    /// # Errors
    ///
    /// Fails when a new connection cannot be opened: then there is nothing left to load.
    pub(super) fn receive(
        &mut self,
        ready: Ready,
        answered: &mut impl FnMut(Answered),
    ) -> io::Result<()> {
        let token = ready.token as usize;
        let Some(connection) = self.connections.get_mut(token) else {
            return Ok(());
        };
        if ready.writable {
            connection.flush(&self.request, &self.requests).ok();
        }
        let mut wrong = 0;
        let outcome = connection.receive(&mut self.scratch, ready.ended, &mut |one| {
            wrong += u64::from(!(200..300).contains(&one.status));
            answered(one);
        });
        self.errors.status += wrong;
        if connection.is_closing() && connection.owed() == 0 {
            let fresh = self.open(token)?;
            self.put(token, fresh);
            return Ok(());
        }
        if outcome.is_err() {
            self.replace(token)?;
        }
        Ok(())
    }

    /// Requests without an answer, over all connections.
    pub(super) fn owed(&self) -> usize {
        self.connections.iter().map(Connection::owed).sum()
    }

    /// Requests without an answer on one connection.
    pub(super) fn owed_by(&self, token: usize) -> usize {
        self.connections.get(token).map_or(0, Connection::owed)
    }

    /// Takes when each request without an answer was due.
    pub(super) fn take_owed(&mut self) -> Vec<Instant> {
        self.connections
            .iter_mut()
            .flat_map(Connection::take_owed)
            .collect()
    }

    fn replace(&mut self, token: usize) -> io::Result<()> {
        self.errors.connection += 1;
        let fresh = self.open(token)?;
        self.put(token, fresh);
        Ok(())
    }

    fn put(&mut self, token: usize, fresh: Connection) {
        if let Some(place) = self.connections.get_mut(token) {
            *place = fresh;
        }
    }

    fn open(&self, token: usize) -> io::Result<Connection> {
        let stream = self.target.connect(token)?;
        stream.set_nonblocking(true)?;
        self.poller.watch(&stream, token as u64)?;
        Ok(Connection::new(stream))
    }
}

const SCRATCH_BYTES: usize = 256 * 1024;
