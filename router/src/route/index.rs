//! Which endpoints exist: one per address and TLS identity, whatever routes they serve.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::announcement::Announcement;
use super::endpoint::{Endpoint, EndpointId};

/// The latest version of every endpoint that some pool holds. Belongs to the writer.
#[derive(Default)]
pub(super) struct EndpointIndex {
    endpoints: HashTable<Arc<Endpoint>>,
    hasher: RandomState,
    last_id: u64,
}

impl EndpointIndex {
    /// Hash of an address, which a pool keeps beside each member.
    pub(super) fn tag(&self, announcement: &Announcement<'_>) -> u32 {
        // The low half is enough to search a pool.
        self.hash(announcement.host, announcement.port) as u32
    }

    /// The endpoint for an announcement: the known one, a replacement for it, or a new one.
    pub(super) fn obtain(&mut self, announcement: &Announcement<'_>) -> Arc<Endpoint> {
        let hash = self.hash(announcement.host, announcement.port);
        let known = self
            .endpoints
            .find_mut(hash, |endpoint| endpoint.is_identity_of(announcement));
        if let Some(known) = known {
            if !known.says_the_same(announcement) {
                *known = Arc::new(Endpoint::new(known.id(), announcement, Some(known.root())));
            }
            return Arc::clone(known);
        }
        self.last_id += 1;
        let endpoint = Arc::new(Endpoint::new(EndpointId(self.last_id), announcement, None));
        let hasher = &self.hasher;
        let rehash = |endpoint: &Arc<Endpoint>| hasher.hash_one((endpoint.host(), endpoint.port()));
        self.endpoints
            .insert_unique(hash, Arc::clone(&endpoint), rehash);
        endpoint
    }

    /// Forgets an endpoint that no pool holds any more.
    pub(super) fn forget(&mut self, endpoint: &Endpoint) {
        let hash = self.hash(endpoint.host(), endpoint.port());
        if let Ok(entry) = self
            .endpoints
            .find_entry(hash, |known| known.is_same_identity(endpoint))
        {
            entry.remove();
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.endpoints.len()
    }

    fn hash(&self, host: &str, port: u16) -> u64 {
        self.hasher.hash_one((host, port))
    }
}
