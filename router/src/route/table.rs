//! The route table as readers see it: which pool serves this host and path?

use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use arc_swap::ArcSwapOption;
use foldhash::fast::RandomState;

use super::Millis;
use super::pool::Pool;
use super::request_key::RequestKey;
use super::shard::{Place, Shard};

/// All routes. Any number of threads find pools in it, one [`TableWriter`](super::TableWriter)
/// changes it; neither waits for the other.
///
/// It holds a tree by segments as gorouter does, but every node of the tree lies in a hash table
/// under its whole key, so that neither a wide host nor a deep path makes a change dear (ADR 0003).
pub struct RouteTable {
    /// A power of two of them, chosen by the low bits of a key's hash.
    shards: Box<[ArcSwapOption<Shard>]>,
    hasher: RandomState,
    routes: AtomicUsize,
    endpoints: AtomicUsize,
    updated: AtomicU64,
    changes: AtomicU64,
}

/// What a host and a path lead to.
pub enum Lookup {
    /// A pool with an endpoint at least.
    Found(Arc<Pool>),
    /// A registered route that has no endpoint now.
    Empty(Arc<Pool>),
    /// No registered route.
    Unknown,
}

/// Shards of a table; a change copies one of them.
// perf: at 1 000 000 routes a shard holds 15 nodes and a change costs 1 us (bench `route`, ADR 0003);
// an empty table costs 512 KiB.
const SHARD_BITS: u32 = 16;

impl RouteTable {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::with_shard_bits(SHARD_BITS)
    }

    /// An empty table of `1 << bits` shards, 1 to 31 bits.
    pub(super) fn with_shard_bits(bits: u32) -> Self {
        Self {
            shards: (0..1_usize << bits)
                .map(|_| ArcSwapOption::empty())
                .collect(),
            hasher: RandomState::default(),
            routes: AtomicUsize::new(0),
            endpoints: AtomicUsize::new(0),
            updated: AtomicU64::new(0),
            changes: AtomicU64::new(0),
        }
    }

    /// Finds the pool for a request (gorouter 2.2 and 2.3): `host` without a port, in any case;
    /// `path` as received, without the query.
    #[must_use]
    pub fn find(&self, host: impl AsRef<[u8]>, path: impl AsRef<[u8]>) -> Lookup {
        // Bytes, not text: what is no UTF-8 was never registered, so it is simply not found.
        let mut request = RequestKey::blank();
        if request.fill(host.as_ref(), path.as_ref()).is_none() {
            return Lookup::Unknown;
        }
        loop {
            match self.walk(&mut request) {
                Lookup::Unknown if request.next_wildcard() => {}
                answer => return answer,
            }
        }
    }

    /// Walks the tree along the request: the deepest pool with an endpoint, else what the end holds.
    fn walk(&self, request: &mut RequestKey<'_>) -> Lookup {
        let mut end = request.host_end();
        let mut best = None;
        let mut last = None;
        while let Some(node) = self.node(request.prefix(end)) {
            let leads_deeper = node.leads_deeper();
            if !node.is_empty() {
                best = Some(Arc::clone(&node));
            }
            last = Some(node);
            match request.next_segment(end) {
                Some(next) if leads_deeper => end = next,
                Some(_) | None => break,
            }
        }
        match (best, last) {
            (Some(pool), _) => Lookup::Found(pool),
            (None, Some(pool)) if pool.is_route() => Lookup::Empty(pool),
            (None, _) => Lookup::Unknown,
        }
    }

    /// Calls `visit` for each route, in no particular order, shard by shard: the table may change
    /// meanwhile, and what stands throughout is visited once.
    pub fn for_each(&self, mut visit: impl FnMut(&Arc<Pool>)) {
        for shard in 0..self.shards.len() {
            self.for_each_in(shard, &mut visit);
        }
    }

    /// Calls `visit` for each route of one shard, so that a long visit can be cut in pieces.
    pub fn for_each_in(&self, shard: usize, visit: impl FnMut(&Arc<Pool>)) {
        let shard = self.shards.get(shard).and_then(ArcSwapOption::load_full);
        if let Some(shard) = shard {
            shard.pools().filter(|pool| pool.is_route()).for_each(visit);
        }
    }

    /// How many shards there are; always the same.
    #[must_use]
    pub fn shard_count(&self) -> usize {
        self.shards.len()
    }

    /// Registered routes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.routes.load(Ordering::Relaxed)
    }

    /// Whether no route is registered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Members of all routes; an endpoint counts once for each of its routes.
    #[must_use]
    pub fn endpoint_count(&self) -> usize {
        self.endpoints.load(Ordering::Relaxed)
    }

    /// When the last registration or unregistration was accepted, whether or not it changed anything.
    #[must_use]
    pub fn last_update(&self) -> Millis {
        Millis(self.updated.load(Ordering::Relaxed))
    }

    /// How often anything but the time of an announcement has changed.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    pub(super) fn place(&self, key: &[u8]) -> Place {
        let hash = self.hasher.hash_one(key);
        // The number of shards is a power of two below 2^32, so shard and tag share no bit.
        Place {
            shard: hash as usize & (self.shards.len() - 1),
            tag: (hash >> u32::BITS) as u32,
        }
    }

    pub(super) fn node(&self, key: &[u8]) -> Option<Arc<Pool>> {
        self.node_at(self.place(key), key)
    }

    pub(super) fn node_at(&self, place: Place, key: &[u8]) -> Option<Arc<Pool>> {
        let guard = self.shards.get(place.shard)?.load();
        guard.as_deref()?.find(place.tag, key).map(Arc::clone)
    }

    /// The first answer of the nodes in one place.
    pub(super) fn ask_at<T>(&self, place: Place, ask: impl FnMut(&Pool) -> Option<T>) -> Option<T> {
        let guard = self.shards.get(place.shard)?.load();
        let mut nodes = guard.as_deref()?.tagged(place.tag).map(Arc::as_ref);
        nodes.find_map(ask)
    }

    /// Publishes a node in its place. For the writer only.
    pub(super) fn put(&self, place: Place, pool: Arc<Pool>) {
        let Some(shard) = self.shards.get(place.shard) else {
            return;
        };
        let changed = match shard.load().as_deref() {
            Some(shard) => shard.with(place.tag, pool),
            None => Shard::default().with(place.tag, pool),
        };
        shard.store(Some(Arc::new(changed)));
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes a node out. For the writer only.
    pub(super) fn take_out(&self, key: &[u8]) {
        let place = self.place(key);
        let Some(shard) = self.shards.get(place.shard) else {
            return;
        };
        let changed = shard
            .load()
            .as_deref()
            .and_then(|shard| shard.without(place.tag, key));
        shard.store(changed.map(Arc::new));
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    /// Calls `visit` for every node of one shard, waypoints too.
    pub(super) fn nodes_in(&self, shard: usize, visit: impl FnMut(&Arc<Pool>)) {
        let shard = self.shards.get(shard).and_then(ArcSwapOption::load_full);
        if let Some(shard) = shard {
            shard.pools().for_each(visit);
        }
    }

    pub(super) fn count_routes(&self, change: isize) {
        add(&self.routes, change);
    }

    pub(super) fn count_endpoints(&self, change: isize) {
        add(&self.endpoints, change);
    }

    pub(super) fn note_update(&self, now: Millis) {
        self.updated.store(now.0, Ordering::Relaxed);
    }

    #[cfg(test)]
    pub(super) fn shards_are_sorted(&self) -> bool {
        self.shards
            .iter()
            .all(|shard| shard.load().as_deref().is_none_or(Shard::is_sorted))
    }
}

impl Default for RouteTable {
    fn default() -> Self {
        Self::new()
    }
}

/// Adds to a counter that one thread writes.
fn add(counter: &AtomicUsize, change: isize) {
    counter.store(
        counter
            .load(Ordering::Relaxed)
            .saturating_add_signed(change),
        Ordering::Relaxed,
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::model::found;
    use crate::route::{Algorithm, Announcement, EmptyPools, TableWriter};

    fn endpoint(port: u16) -> Announcement<'static> {
        Announcement {
            host: "10.0.0.1",
            port,
            ..Announcement::default()
        }
    }

    fn table_of(uris: &[&str]) -> TableWriter {
        let mut writer = TableWriter::of(RouteTable::with_shard_bits(2), Algorithm::RoundRobin);
        for uri in uris {
            writer.register(uri, &endpoint(1), Millis(0)).unwrap();
        }
        writer
    }

    /// Empties a route and keeps it in the table.
    fn empty(writer: &mut TableWriter, uri: &str) {
        let keep = EmptyPools::Keep(std::time::Duration::from_secs(60));
        let _fate = writer
            .unregister(uri, &endpoint(1), keep, Millis(0))
            .unwrap();
    }

    #[track_caller]
    fn assert_leads(writer: &TableWriter, host: &str, path: &str, route: &str) {
        assert_eq!(
            found(&writer.table().find(host, path)),
            Some((route, true)),
            "{host} {path}"
        );
    }

    #[track_caller]
    fn assert_unknown(writer: &TableWriter, host: &str, path: &str) {
        assert_eq!(
            found(&writer.table().find(host, path)),
            None,
            "{host} {path}"
        );
    }

    #[test]
    fn host_and_path_ignore_case_and_a_trailing_slash() {
        let table = table_of(&["H.example.com/Foo"]);
        for path in ["/foo", "/FOO/", "/foo/bar", "/fOO/?"] {
            assert_leads(&table, "h.Example.COM", path, "h.example.com/foo");
        }
    }

    #[test]
    fn a_path_matches_whole_segments_only() {
        let table = table_of(&["h/foo"]);
        assert_unknown(&table, "h", "/foobar");
        assert_unknown(&table, "h", "/");
        assert_unknown(&table, "h", "//foo");
    }

    #[test]
    fn percent_encoded_slashes_are_no_boundary() {
        let table = table_of(&["h/a%2Fb", "h/a"]);
        assert_leads(&table, "h", "/a%2fb/c", "h/a%2fb");
        assert_leads(&table, "h", "/a/b", "h/a");
        assert_unknown(&table, "h", "/a%2Fc");
    }

    #[test]
    fn the_longest_prefix_wins() {
        let table = table_of(&["h", "h/a", "h/a/b/c"]);
        assert_leads(&table, "h", "/x", "h");
        assert_leads(&table, "h", "/a/b", "h/a");
        assert_leads(&table, "h", "/a/b/c/d", "h/a/b/c");
    }

    #[test]
    fn wildcards_match_any_number_of_leading_labels() {
        let table = table_of(&["*.c.com", "*.c.com/x"]);
        assert_leads(&table, "b.c.com", "/", "*.c.com");
        assert_leads(&table, "a.b.c.com", "/x/y", "*.c.com/x");
        assert_leads(&table, ".c.com", "", "*.c.com");
        assert_unknown(&table, "c.com", "/");
    }

    #[test]
    fn wildcard_loses_to_exact_host() {
        let table = table_of(&["*.c.com/long/path", "a.c.com"]);
        assert_leads(&table, "a.c.com", "/long/path", "a.c.com");
    }

    #[test]
    fn a_lone_asterisk_is_unreachable() {
        let table = table_of(&["*"]);
        assert_unknown(&table, "com", "/");
        assert_unknown(&table, "a.com", "/");
    }

    #[test]
    fn wildcard_ignores_dots_in_the_path() {
        let table = table_of(&["*.example.com", "*.example.com/bar"]);
        assert_unknown(&table, "unknown.org", "/foo.example.com/bar");
    }

    #[test]
    fn an_empty_route_shadows_the_wildcard_at_the_end_of_the_walk_only() {
        let mut table = table_of(&["*.c.com", "a.c.com/x", "b.c.com/x/y"]);
        empty(&mut table, "a.c.com/x");
        assert_eq!(
            found(&table.table().find("a.c.com", "/x/y")),
            Some(("a.c.com/x", false))
        );
        // Nothing is registered at the end of these walks.
        assert_leads(&table, "a.c.com", "/", "*.c.com");
        assert_leads(&table, "b.c.com", "/x", "*.c.com");
    }

    #[test]
    fn an_empty_route_gives_way_to_a_shorter_one_with_endpoints() {
        let mut table = table_of(&["h", "h/x"]);
        empty(&mut table, "h/x");
        assert_leads(&table, "h", "/x/y", "h");
    }

    #[test]
    fn a_route_whose_endpoints_are_all_evicted_is_empty() {
        let writer = table_of(&["h"]);
        let Lookup::Found(pool) = writer.table().find("h", "/") else {
            panic!("registered")
        };
        pool.members()[0].endpoint().evict();
        assert_eq!(found(&writer.table().find("h", "/")), Some(("h", false)));
    }

    #[test]
    fn what_cannot_be_a_key_is_unknown() {
        let table = table_of(&["h", "*.c"]);
        assert_unknown(&table, "", "/h");
        assert_unknown(&table, "h", "*");
        assert_unknown(&table, &"h".repeat(10_000), "/");
        assert_leads(&table, "h", &format!("/{}", "x".repeat(100_000)), "h");
    }
}
