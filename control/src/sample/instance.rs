//! One instance of the application.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

/// An instance and what it has done so far.
#[derive(Debug)]
pub(super) struct Instance {
    /// Unique for each life of an instance.
    pub(super) id: String,
    /// Its number among the instances of this application, from 0.
    pub(super) index: u16,
    /// Where it listens.
    pub(super) address: SocketAddr,
    requests: AtomicU64,
}

impl Instance {
    /// A new instance with a new identity.
    pub(super) fn new(index: u16, address: SocketAddr) -> Self {
        Self {
            id: random_id(),
            index,
            address,
            requests: AtomicU64::new(0),
        }
    }

    /// Counts a request and returns its number, from 1.
    pub(super) fn count(&self) -> u64 {
        // Relaxed, because the count guards no other memory.
        self.requests.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// A random version 4 UUID.
pub(super) fn random_id() -> String {
    uuid::Builder::from_random_bytes(rand::random())
        .into_uuid()
        .to_string()
}
