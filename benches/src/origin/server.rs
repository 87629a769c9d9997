//! The origin's loop: accepts, drives, wakes.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use super::connection::{Connection, Wish};
use crate::poller::{Poller, Ready};

/// Answers on a non-blocking listener for ever.
///
/// # Errors
///
/// Fails when the poller does; the failure of one connection ends only that one.
pub fn serve(listener: TcpListener) -> io::Result<Infallible> {
    Server::new(listener)?.run()
}

struct Server {
    listener: TcpListener,
    poller: Poller,
    connections: HashMap<u64, Connection>,
    next_token: u64,
    sleepers: VecDeque<(Instant, u64)>,
    scratch: Vec<u8>,
}

impl Server {
    fn new(listener: TcpListener) -> io::Result<Self> {
        let poller = Poller::new()?;
        poller.watch_listener(&listener, LISTENER)?;
        Ok(Self {
            listener,
            poller,
            connections: HashMap::new(),
            next_token: LISTENER + 1,
            sleepers: VecDeque::new(),
            scratch: vec![0; SCRATCH_BYTES],
        })
    }

    fn run(mut self) -> io::Result<Infallible> {
        let mut ready = Vec::new();
        loop {
            let now = Instant::now();
            let timeout = self
                .sleepers
                .front()
                .map(|(until, _)| until.duration_since(now));
            self.poller.wait(timeout, &mut ready)?;
            for one in &ready {
                self.serve_one(*one)?;
            }
            self.wake_sleepers();
        }
    }

    fn serve_one(&mut self, ready: Ready) -> io::Result<()> {
        if ready.token == LISTENER {
            return self.accept();
        }
        if let Some(connection) = self.connections.get_mut(&ready.token) {
            if ready.ended {
                connection.end();
            }
            let wish = connection.drive(&mut self.scratch);
            self.grant(ready.token, wish);
        }
        Ok(())
    }

    fn accept(&mut self) -> io::Result<()> {
        // A client that is gone again, or a lack of descriptors, must not end the origin.
        while let Ok((stream, _)) = self.listener.accept() {
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let token = self.next_token;
            self.next_token += 1;
            let connection = Connection::new(stream);
            self.poller.watch(connection.stream(), token)?;
            self.connections.insert(token, connection);
        }
        Ok(())
    }

    fn wake_sleepers(&mut self) {
        let now = Instant::now();
        while let Some((_, token)) = self.sleepers.pop_front_if(|(until, _)| *until <= now) {
            if let Some(connection) = self.connections.get_mut(&token) {
                let wish = connection.wake(&mut self.scratch);
                self.grant(token, wish);
            }
        }
    }

    fn grant(&mut self, token: u64, wish: io::Result<Wish>) {
        match wish {
            Ok(Wish::Wait) => {}
            Ok(Wish::Wake) => self.sleepers.push_back((Instant::now() + SLOW, token)),
            Ok(Wish::Close) | Err(_) => {
                self.connections.remove(&token);
            }
        }
    }
}

const LISTENER: u64 = 0;
const SCRATCH_BYTES: usize = 64 * 1024;
const SLOW: Duration = Duration::from_secs(1);
