//! The physical limit: a forwarder of bytes that parses nothing, logs nothing and routes nowhere.
//!
//! Each client connection has an origin connection of its own, opened when the client arrives, so that in steady state
//! a request costs two reads, two writes and its share of a wait: what no proxy on readiness I/O can go below.

use std::convert::Infallible;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};

use crate::poller::{Poller, Ready, unless_blocked};

/// Forwards between a non-blocking listener and an origin for ever, on this thread.
///
/// # Errors
///
/// Fails when the poller does; the failure of one pair ends only that one.
pub fn serve(listener: TcpListener, origin: SocketAddr) -> io::Result<Infallible> {
    let poller = Poller::new()?;
    poller.watch_listener(&listener, LISTENER)?;
    let mut forwarder = Forwarder {
        listener,
        origin,
        poller,
        pairs: Vec::new(),
        free: Vec::new(),
    };
    let mut scratch = vec![0; SCRATCH_BYTES];
    let mut ready = Vec::new();
    loop {
        forwarder.poller.wait(None, &mut ready)?;
        for one in &ready {
            if one.token == LISTENER {
                forwarder.accept()?;
            } else {
                forwarder.forward(*one, &mut scratch);
            }
        }
    }
}

struct Forwarder {
    listener: TcpListener,
    origin: SocketAddr,
    poller: Poller,
    pairs: Vec<Option<Pair>>,
    free: Vec<usize>,
}

/// A client's connection and the origin's, with what could not be written at once.
struct Pair {
    client: TcpStream,
    origin: TcpStream,
    to_origin: Flow,
    to_client: Flow,
}

/// One direction of a pair.
#[derive(Default)]
struct Flow {
    unsent: Vec<u8>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Stage {
    #[default]
    Open,
    Ending,
    Ended,
}

impl Forwarder {
    fn accept(&mut self) -> io::Result<()> {
        while let Ok((client, _)) = self.listener.accept() {
            // A blocking connect: on the loopback it takes microseconds, and only while the bench warms up.
            let Ok(origin) = TcpStream::connect(self.origin) else {
                continue;
            };
            for stream in [&client, &origin] {
                stream.set_nonblocking(true)?;
                stream.set_nodelay(true)?;
            }
            let slot = self.free.pop().unwrap_or_else(|| {
                self.pairs.push(None);
                self.pairs.len() - 1
            });
            let first = LISTENER + 1 + 2 * slot as u64;
            self.poller.watch(&client, first)?;
            self.poller.watch(&origin, first + 1)?;
            let (to_origin, to_client) = (Flow::default(), Flow::default());
            if let Some(place) = self.pairs.get_mut(slot) {
                *place = Some(Pair {
                    client,
                    origin,
                    to_origin,
                    to_client,
                });
            }
        }
        Ok(())
    }

    fn forward(&mut self, ready: Ready, scratch: &mut [u8]) {
        let index = ready.token - LISTENER - 1;
        let slot = (index / 2) as usize;
        let Some(place) = self.pairs.get_mut(slot) else {
            return;
        };
        let Some(pair) = place else { return };
        let until = if ready.ended {
            Until::Blocked
        } else {
            Until::Short
        };
        let outcome = if index.is_multiple_of(2) {
            pair.drive_client(until, scratch)
        } else {
            pair.drive_origin(until, scratch)
        };
        if outcome.is_err() || pair.is_done() {
            *place = None;
            self.free.push(slot);
        }
    }
}

impl Pair {
    // invariant: an edge on a socket can unblock the flow that reads it and the flow that writes it.
    fn drive_client(&mut self, until: Until, scratch: &mut [u8]) -> io::Result<()> {
        self.to_origin
            .forward((&self.client, &self.origin), until, scratch)?;
        if !self.to_client.unsent.is_empty() {
            self.to_client
                .forward((&self.origin, &self.client), Until::Blocked, scratch)?;
        }
        Ok(())
    }

    fn drive_origin(&mut self, until: Until, scratch: &mut [u8]) -> io::Result<()> {
        self.to_client
            .forward((&self.origin, &self.client), until, scratch)?;
        if !self.to_origin.unsent.is_empty() {
            self.to_origin
                .forward((&self.client, &self.origin), Until::Blocked, scratch)?;
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.to_origin.stage == Stage::Ended && self.to_client.stage == Stage::Ended
    }
}

/// How long to read on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Until {
    /// Until a read says that the socket is empty: an edge may have been passed over.
    Blocked,
    /// Until a read is short; the next byte brings an edge of its own.
    Short,
}

impl Flow {
    /// Moves bytes until the source is empty or the destination full.
    fn forward(
        &mut self,
        (mut from, to): (&TcpStream, &TcpStream),
        until: Until,
        scratch: &mut [u8],
    ) -> io::Result<()> {
        loop {
            if !self.flush(to)? || self.stage != Stage::Open {
                return Ok(());
            }
            let Some(count) = unless_blocked(from.read(scratch))? else {
                return Ok(());
            };
            if count == 0 {
                self.stage = Stage::Ending;
                continue;
            }
            self.send(scratch.get(..count).unwrap_or_default(), to)?;
            // perf: a short read has emptied the socket, so the read that would say so is saved.
            if until == Until::Short && count < scratch.len() && self.unsent.is_empty() {
                return Ok(());
            }
        }
    }

    fn send(&mut self, bytes: &[u8], mut to: &TcpStream) -> io::Result<()> {
        let written = unless_blocked(to.write(bytes))?.unwrap_or(0);
        self.unsent
            .extend_from_slice(bytes.get(written..).unwrap_or_default());
        Ok(())
    }

    /// Sends what was left over; says whether nothing is left.
    fn flush(&mut self, mut to: &TcpStream) -> io::Result<bool> {
        while !self.unsent.is_empty() {
            let Some(written) = unless_blocked(to.write(&self.unsent))? else {
                return Ok(false);
            };
            self.unsent.drain(..written);
        }
        if self.stage == Stage::Ending {
            to.shutdown(Shutdown::Write)?;
            self.stage = Stage::Ended;
        }
        Ok(true)
    }
}

const LISTENER: u64 = 0;
const SCRATCH_BYTES: usize = 64 * 1024;
