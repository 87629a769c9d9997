//! Idle connections of one core, the most recently used first.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::session::Caution;
use crate::config::UpstreamConfig;
use crate::route::{EndpointId, Millis};
use crate::wire::h1::Connection;

/// The idle connections of one core.
#[derive(Debug)]
pub(super) struct Idle {
    endpoints: RefCell<HashMap<u64, Vec<Resting>, RandomState>>,
    total: Cell<usize>,
    max_total: usize,
    max_per_endpoint: usize,
    max_age: Duration,
}

/// Idle connections over all endpoints and cores, so that many endpoints cannot use up the file
/// descriptors.
const MOST_IDLE: usize = 64 * 1024;

#[derive(Debug)]
struct Resting {
    connection: Box<Connection>,
    since: Millis,
}

impl Idle {
    pub(super) fn new(config: &UpstreamConfig, cores: usize) -> Self {
        let share = |limit: usize| limit.div_ceil(cores.max(1));
        // compat: gorouter has one transport for each endpoint, so that both keys limit the same
        // connections (gorouter 5.5).
        let per_endpoint = match config.max_idle_conns {
            0 => config.max_idle_conns_per_host,
            limit => limit.min(config.max_idle_conns_per_host),
        };
        Self {
            endpoints: RefCell::default(),
            total: Cell::new(0),
            max_total: share(MOST_IDLE),
            max_per_endpoint: share(per_endpoint),
            max_age: config.idle_endpoint_timeout,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.total.get()
    }

    /// The connection that rested for the shortest time and is still silent.
    pub(super) fn take(
        &self,
        endpoint: EndpointId,
        caution: Caution,
        now: Millis,
    ) -> Option<Box<Connection>> {
        let mut endpoints = self.endpoints.borrow_mut();
        let list = endpoints.get_mut(&endpoint.0)?;
        while let Some(resting) = list.pop() {
            self.total.set(self.total.get() - 1);
            let socket = resting.connection.stream().socket();
            let usable = now.since(resting.since) < self.max_age
                && !socket.is_spoken_to()
                && (caution == Caution::Usual || !socket.is_spoken_to_for_certain());
            if usable {
                return Some(resting.connection);
            }
        }
        None
    }

    /// Keeps a connection, unless there are enough.
    pub(super) fn put(&self, endpoint: EndpointId, connection: Box<Connection>, now: Millis) {
        if self.total.get() >= self.max_total {
            return;
        }
        let mut endpoints = self.endpoints.borrow_mut();
        let list = endpoints.entry(endpoint.0).or_default();
        if list.len() < self.max_per_endpoint {
            list.push(Resting {
                connection,
                since: now,
            });
            self.total.set(self.total.get() + 1);
        }
    }

    /// Drops what is too old or was closed, and the lists that are empty.
    pub(super) fn sweep(&self, now: Millis) {
        let mut left = 0;
        self.endpoints.borrow_mut().retain(|_, list| {
            list.retain(|resting| {
                now.since(resting.since) < self.max_age
                    && !resting.connection.stream().socket().is_spoken_to()
            });
            left += list.len();
            !list.is_empty()
        });
        self.total.set(left);
    }
}
