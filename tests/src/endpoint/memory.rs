//! What an endpoint remembers, and the oracle's verdicts on it.

use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use super::{Endpoint, reset};
use crate::oracle::{Fault, Message, Oracle};
use crate::wait::eventually;

#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) stopped: AtomicBool,
    pub(super) connections: Mutex<Vec<Connection>>,
}

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) received: Vec<u8>,
    pub(super) ended: bool,
}

impl Endpoint {
    /// How many connections it has accepted.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.lock().unwrap().len()
    }

    /// What each connection has been sent so far.
    #[must_use]
    pub fn received(&self) -> Vec<Vec<u8>> {
        let connections = self.shared.connections.lock().unwrap();
        connections
            .iter()
            .map(|connection| connection.received.clone())
            .collect()
    }

    /// The verdict of the oracle on everything received: messages, and why one broke off.
    #[must_use]
    pub fn judged(&self) -> Vec<Result<Message, Fault>> {
        self.received()
            .iter()
            .flat_map(|bytes| judge(bytes))
            .collect()
    }

    /// Waits until a connection has ended in the middle of a request.
    pub fn eventually_sees_a_cut(&self) {
        eventually("the endpoint sees a request cut short", || {
            let connections = self.shared.connections.lock().unwrap();
            let mut ended = connections.iter().filter(|connection| connection.ended);
            ended.any(|one| matches!(judge(&one.received).last(), Some(Err(Fault::Cut(_)))))
        });
    }

    /// Waits until the router has closed all connections to it but `kept`.
    pub fn eventually_left_but(&self, kept: usize) {
        eventually(&format!("the router keeps {kept} connections"), || {
            let connections = self.shared.connections.lock().unwrap();
            connections
                .iter()
                .filter(|connection| !connection.ended)
                .count()
                == kept
        });
    }

    /// The whole requests received, in order of their connections.
    ///
    /// # Panics
    ///
    /// When the router sent something that can be read in two ways.
    #[must_use]
    pub fn requests(&self) -> Vec<Message> {
        let judge = |verdict| match verdict {
            Ok(message) => Some(message),
            Err(Fault::Ambiguous(why)) => {
                panic!("the router forwarded an ambiguous request: {why}")
            }
            Err(_unfinished) => None,
        };
        self.judged().into_iter().filter_map(judge).collect()
    }

    /// The one request that was received.
    ///
    /// # Panics
    ///
    /// When it is not exactly one.
    #[must_use]
    pub fn request(&self) -> Message {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:#?}");
        requests[0].clone()
    }

    /// Forgets what was received so far; open connections go on.
    pub fn forget(&self) {
        for connection in &mut *self.shared.connections.lock().unwrap() {
            connection.received.clear();
        }
    }

    /// Waits until `wanted` whole requests were received.
    pub fn eventually_has(&self, wanted: usize) {
        eventually("the endpoint has its requests", || {
            self.requests().len() >= wanted
        });
    }

    /// Resets every connection that is open now.
    pub fn reset_all(&self) {
        for connection in &*self.shared.connections.lock().unwrap() {
            reset(&connection.stream);
        }
    }
}

fn judge(bytes: &[u8]) -> Vec<Result<Message, Fault>> {
    let mut oracle = Oracle::new(bytes);
    let mut verdicts = Vec::new();
    loop {
        match oracle.request() {
            Err(Fault::End) => return verdicts,
            Err(fault) => {
                verdicts.push(Err(fault));
                return verdicts;
            }
            whole => verdicts.push(whole),
        }
    }
}
