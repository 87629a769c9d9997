//! The only one who changes a table: register and unregister.

use std::sync::Arc;
use std::time::Duration;

use super::announcement::Announcement;
use super::index::EndpointIndex;
use super::key::{KeyText, RouteKey, RouteKeyError};
use super::member::Member;
use super::pool::Pool;
use super::repeat::Renewed;
use super::repeats::Repeats;
use super::shard::Place;
use super::table::RouteTable;
use super::{Algorithm, Endpoint, Millis};

/// Changes a table. There is one for each, so that no two changes meet.
pub struct TableWriter {
    pub(super) table: Arc<RouteTable>,
    pub(super) endpoints: EndpointIndex,
    pub(super) repeats: Repeats,
    algorithm: Algorithm,
    last_pool: u32,
}

/// What a registration did to one route.
pub enum Registered {
    /// The address was new to the route.
    Added {
        /// The endpoint as it is now.
        endpoint: Arc<Endpoint>,
        /// Whether the route was new, too.
        route: RouteOrigin,
    },
    /// Nothing new: only the time was noted.
    Refreshed(Renewed),
    /// The address was known and something about it, or about the pool, has changed.
    Updated {
        /// The endpoint as it is now.
        endpoint: Arc<Endpoint>,
    },
}

/// Whether a route was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteOrigin {
    /// It was made by this registration.
    Created,
    /// It was there.
    Known,
}

/// What an unregistration did to one route.
pub enum Unregistered {
    /// The endpoint left; the route went with it if `route_removed`.
    Removed {
        /// Who left.
        endpoint: Arc<Endpoint>,
        /// What became of the route.
        route: super::RouteFate,
    },
    /// The route has no such endpoint. An empty route may have gone all the same.
    UnknownEndpoint {
        /// What became of the route.
        route: super::RouteFate,
    },
    /// There is no such route.
    UnknownRoute,
}

/// What becomes of a route that loses its last endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmptyPools {
    /// It is kept this long, so that requests are answered 503 and not 404.
    Keep(Duration),
    /// It is removed at once.
    Remove,
}

impl TableWriter {
    /// A writer of a new, empty table, whose pools choose by `algorithm` unless a route says else.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        Self::of(RouteTable::new(), algorithm)
    }

    pub(super) fn of(table: RouteTable, algorithm: Algorithm) -> Self {
        let endpoints = EndpointIndex::default();
        Self {
            table: Arc::new(table),
            endpoints,
            repeats: Repeats::new(),
            algorithm,
            last_pool: 0,
        }
    }

    /// The table, for readers.
    #[must_use]
    pub fn table(&self) -> Arc<RouteTable> {
        Arc::clone(&self.table)
    }

    /// Registers an endpoint for one URI (gorouter 1.4).
    ///
    /// A registration that says nothing new is one store, and touches no heap (unless its URI has capitals).
    ///
    /// # Errors
    ///
    /// When the URI cannot be a route key.
    pub fn register(
        &mut self,
        uri: &str,
        announcement: &Announcement<'_>,
        now: Millis,
    ) -> Result<Registered, RouteKeyError> {
        let key = KeyText::parse(uri)?;
        let place = self.table.place(key.as_str().as_bytes());
        let tag = self.endpoints.tag(announcement);
        self.table.note_update(now);
        let node = self.table.node_at(place, key.as_str().as_bytes());
        if let Some(pool) = &node
            && let Some(position) = pool.position(tag, announcement)
        {
            return Ok(self.renew(place, pool, position, (announcement, now)));
        }
        let endpoint = self.endpoints.obtain(announcement);
        let member = Member::announced(Arc::clone(&endpoint), tag, now);
        let route = self.add(place, node, &RouteKey::with_written_path(&key, uri), member);
        Ok(Registered::Added { endpoint, route })
    }

    /// Registers an endpoint that a snapshot remembers: it serves, but goes when nobody confirms it.
    ///
    /// An address that the route has already is left alone.
    ///
    /// # Errors
    ///
    /// When the URI cannot be a route key.
    pub fn restore(
        &mut self,
        uri: &str,
        announcement: &Announcement<'_>,
        now: Millis,
    ) -> Result<(), RouteKeyError> {
        let key = KeyText::parse(uri)?;
        let place = self.table.place(key.as_str().as_bytes());
        let tag = self.endpoints.tag(announcement);
        let node = self.table.node_at(place, key.as_str().as_bytes());
        if node
            .as_ref()
            .is_none_or(|pool| pool.position(tag, announcement).is_none())
        {
            let member = Member::restored(self.endpoints.obtain(announcement), tag, now);
            self.add(place, node, &RouteKey::with_written_path(&key, uri), member);
        }
        Ok(())
    }

    /// Unregisters the address of an announcement from one URI (gorouter 1.5); nothing else of the
    /// announcement is looked at.
    ///
    /// # Errors
    ///
    /// When the URI cannot be a route key.
    pub fn unregister(
        &mut self,
        uri: &str,
        announcement: &Announcement<'_>,
        empty_pools: EmptyPools,
        now: Millis,
    ) -> Result<Unregistered, RouteKeyError> {
        let key = KeyText::parse(uri)?;
        let place = self.table.place(key.as_str().as_bytes());
        let node = self.table.node_at(place, key.as_str().as_bytes());
        let Some(pool) = node.filter(|node| node.is_route()) else {
            return Ok(Unregistered::UnknownRoute);
        };
        self.table.note_update(now);
        let tag = self.endpoints.tag(announcement);
        let leaving = pool
            .position(tag, announcement)
            .and_then(|at| pool.members().get(at));
        let Some(endpoint) = leaving.map(|member| Arc::clone(member.endpoint())) else {
            let route = self.settle(&pool, empty_pools, now);
            return Ok(Unregistered::UnknownEndpoint { route });
        };
        let route = self.remove_members(&pool, now, empty_pools, &|member| {
            Arc::ptr_eq(member.endpoint(), &endpoint)
        });
        Ok(Unregistered::Removed { endpoint, route })
    }

    /// A known address was announced again: touches it, or replaces it.
    fn renew(
        &mut self,
        place: Place,
        pool: &Arc<Pool>,
        position: usize,
        news: (&Announcement<'_>, Millis),
    ) -> Registered {
        let (announcement, now) = news;
        let algorithm = announcement
            .load_balancing
            .unwrap_or_else(|| pool.algorithm());
        let known = pool.members().get(position);
        if let Some(member) = known
            && member.endpoint().says_the_same(announcement)
            && algorithm == pool.algorithm()
        {
            pool.renew(position, now);
            return Registered::Refreshed(Renewed::of(place, pool, position));
        }
        let endpoint = self.endpoints.obtain(announcement);
        endpoint.join();
        endpoint.readmit();
        let member =
            Member::announced(Arc::clone(&endpoint), self.endpoints.tag(announcement), now);
        self.table.put(
            place,
            Arc::new(pool.with_replaced(position, member, algorithm)),
        );
        if let Some(old) = known {
            self.release(old.endpoint());
        }
        Registered::Updated { endpoint }
    }

    /// Adds a member to a route that lacks it; makes the route if there is none.
    fn add(
        &mut self,
        place: Place,
        node: Option<Arc<Pool>>,
        key: &RouteKey,
        member: Member,
    ) -> RouteOrigin {
        let endpoint = member.endpoint();
        endpoint.join();
        endpoint.readmit();
        let algorithm = endpoint.load_balancing();
        self.table.count_endpoints(1);
        let (pool, origin) = match node {
            Some(pool) if pool.is_route() => (
                pool.with_added(member, algorithm.unwrap_or_else(|| pool.algorithm())),
                RouteOrigin::Known,
            ),
            Some(waypoint) => (
                waypoint.promoted(key.clone(), algorithm.unwrap_or(self.algorithm), member),
                RouteOrigin::Created,
            ),
            None => {
                let id = self.next_pool();
                (
                    Pool::new(id, key.clone(), algorithm.unwrap_or(self.algorithm), member),
                    RouteOrigin::Created,
                )
            }
        };
        self.table.put(place, Arc::new(pool));
        if origin == RouteOrigin::Created {
            self.table.count_routes(1);
            self.open_way(key.as_str());
        }
        origin
    }

    /// Counts a new route in every node above it, from the nearest up, making those that lack.
    ///
    // invariant: a node is linked only when all below it is in place, so no reader runs into a gap.
    fn open_way(&mut self, key: &str) {
        for (end, _) in key.rmatch_indices('/') {
            let above = key.get(..end).unwrap_or_default();
            if let Some(node) = self.table.node(above.as_bytes()) {
                node.add_below();
            } else {
                let text = KeyText::canonical(above);
                let id = self.next_pool();
                let node = Pool::waypoint(
                    id,
                    RouteKey::with_written_path(&text, above),
                    self.algorithm,
                );
                node.add_below();
                self.table
                    .put(self.table.place(above.as_bytes()), Arc::new(node));
            }
        }
    }

    /// Counts a route less in every node above it, from the host down, dropping waypoints to nowhere.
    fn close_way(&self, key: &str) {
        for (end, _) in key.match_indices('/') {
            let above = key.get(..end).unwrap_or_default().as_bytes();
            if let Some(node) = self.table.node(above) {
                node.remove_below();
                if node.is_waypoint() && !node.leads_deeper() {
                    self.table.take_out(above);
                }
            }
        }
    }

    /// Takes members out of a pool and settles what becomes of it.
    pub(super) fn remove_members(
        &mut self,
        pool: &Pool,
        now: Millis,
        empty_pools: EmptyPools,
        goes: &dyn Fn(&Member) -> bool,
    ) -> super::RouteFate {
        let rest = Arc::new(pool.without(now, goes));
        let leaving: Vec<_> = pool
            .members()
            .iter()
            .filter(|member| goes(member))
            .collect();
        self.table
            .count_endpoints(-isize::try_from(leaving.len()).unwrap_or(0));
        let fate = if rest.empty_since().is_some() {
            self.settle(&rest, empty_pools, now)
        } else {
            super::RouteFate::Kept
        };
        if fate == super::RouteFate::Kept {
            self.table.put(self.table.place(rest.key_bytes()), rest);
        }
        for member in leaving {
            self.release(member.endpoint());
        }
        fate
    }

    /// Removes an empty pool whose time has come.
    pub(super) fn settle(
        &self,
        pool: &Pool,
        empty_pools: EmptyPools,
        now: Millis,
    ) -> super::RouteFate {
        let Some(since) = pool.empty_since() else {
            return super::RouteFate::Kept;
        };
        if let EmptyPools::Keep(timeout) = empty_pools
            && now.since(since) <= timeout
        {
            return super::RouteFate::Kept;
        }
        let key = pool.key();
        self.close_way(key);
        if pool.leads_deeper() {
            self.table.put(
                self.table.place(key.as_bytes()),
                Arc::new(pool.emptied_to_waypoint()),
            );
        } else {
            self.table.take_out(key.as_bytes());
        }
        self.table.count_routes(-1);
        super::RouteFate::Removed
    }

    /// One membership less; the endpoint is evicted, and forgotten, with its last.
    fn release(&mut self, endpoint: &Endpoint) {
        if endpoint.leave() {
            // So that idle connections to it are closed, and pools still held do not choose it.
            endpoint.evict();
            self.endpoints.forget(endpoint);
        }
    }

    fn next_pool(&mut self) -> u32 {
        // Ids only separate round-robin positions, so a wrap costs nothing; 0 is no pool.
        self.last_pool = self.last_pool.checked_add(1).unwrap_or(1);
        self.last_pool
    }
}
