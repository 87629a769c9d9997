//! What changes about an endpoint while it serves: marks, counts, slots.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Endpoint;
use crate::route::Millis;

impl Endpoint {
    /// Skips this endpoint until then; an evicted one stays evicted.
    pub fn mark_failed(&self, until: Millis) {
        let until = until.0.clamp(HEALTHY + 1, EVICTED - 1);
        let mark = |now: u64| (now != EVICTED).then_some(until);
        let _unless_evicted =
            self.vitals()
                .failed_until
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, mark);
    }

    /// Whether it cools down (or is evicted) at `now`.
    #[must_use]
    pub fn is_failed(&self, now: Millis) -> bool {
        self.vitals().failed_until.load(Ordering::Relaxed) > now.0
    }

    /// Ends a cool-down early; an eviction stays.
    pub(in crate::route) fn forgive(&self) {
        let heal = |now: u64| (now != EVICTED && now != HEALTHY).then_some(HEALTHY);
        let _unless_evicted =
            self.vitals()
                .failed_until
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, heal);
    }

    /// Takes it out of every choice at once; the writer removes it on its next sweep, unless it is
    /// announced again before.
    pub fn evict(&self) {
        self.vitals().failed_until.store(EVICTED, Ordering::Relaxed);
    }

    /// Whether it was evicted, or left the table.
    #[must_use]
    pub fn is_evicted(&self) -> bool {
        self.vitals().failed_until.load(Ordering::Relaxed) == EVICTED
    }

    /// Takes an eviction back: the endpoint was announced again.
    pub(in crate::route) fn readmit(&self) {
        let vitals = self.vitals();
        let _unless_changed = vitals.failed_until.compare_exchange(
            EVICTED,
            HEALTHY,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
    }

    /// Exchanges that hold a slot of it now.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.vitals().in_flight.load(Ordering::Relaxed)
    }

    /// Takes a slot, or nothing when `max` (0 for no limit) are taken.
    #[must_use]
    pub fn admit(self: &Arc<Self>, max: u32) -> Option<InFlight> {
        let slot = InFlight(Arc::clone(self));
        // perf: Relaxed, because the count guards no other memory.
        let before = self.vitals().in_flight.fetch_add(1, Ordering::Relaxed);
        (max == 0 || before < max).then_some(slot)
    }

    /// Counts one more pool.
    pub(in crate::route) fn join(&self) {
        self.vitals().memberships.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts one pool less; true when none is left.
    pub(in crate::route) fn leave(&self) -> bool {
        self.vitals().memberships.fetch_sub(1, Ordering::Relaxed) == 1
    }

    #[cfg(test)]
    pub(in crate::route) fn membership_count(&self) -> u32 {
        self.vitals().memberships.load(Ordering::Relaxed)
    }

    /// The one whose atomics count, for the next replacement.
    pub(in crate::route) fn root(self: &Arc<Self>) -> Arc<Self> {
        Arc::clone(self.origin.as_ref().unwrap_or(self))
    }

    /// The endpoint whose atomics count for this one.
    fn vitals(&self) -> &Self {
        self.origin.as_deref().unwrap_or(self)
    }
}

/// An exchange in flight to an endpoint. Dropping it gives the slot back.
pub struct InFlight(Arc<Endpoint>);

impl InFlight {
    /// The endpoint itself, for what outlives the exchange, such as an idle connection.
    #[must_use]
    pub fn endpoint(&self) -> &Arc<Endpoint> {
        &self.0
    }
}

impl Deref for InFlight {
    type Target = Endpoint;

    fn deref(&self) -> &Endpoint {
        &self.0
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.vitals().in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Value of `failed_until` for an endpoint that is out of every choice.
const EVICTED: u64 = u64::MAX;
/// Value of `failed_until` for an endpoint without a mark.
pub(super) const HEALTHY: u64 = 0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::Announcement;
    use crate::route::endpoint::examples::{endpoint, plain};

    #[test]
    fn a_slot_is_given_back_when_dropped() {
        let endpoint = endpoint(&plain());
        let slot = endpoint.admit(1).unwrap();
        assert_eq!(slot.in_flight(), 1);
        assert!(endpoint.admit(1).is_none());
        drop(slot);
        assert_eq!(endpoint.in_flight(), 0);
    }

    #[test]
    fn a_replacement_carries_count_and_failure_mark() {
        let old = endpoint(&plain());
        let _slot = old.admit(0).unwrap();
        let new = Endpoint::new(
            old.id(),
            &Announcement {
                app_id: "v2",
                ..plain()
            },
            Some(old.root()),
        );
        new.mark_failed(Millis(50));
        assert_eq!(new.in_flight(), 1);
        assert!(old.is_failed(Millis(49)) && !old.is_failed(Millis(50)));
    }

    #[test]
    fn an_eviction_outlasts_marks_and_is_ended_by_an_announcement() {
        let endpoint = endpoint(&plain());
        endpoint.evict();
        endpoint.mark_failed(Millis(1));
        endpoint.forgive();
        assert!(endpoint.is_evicted());
        endpoint.readmit();
        assert!(!endpoint.is_evicted() && !endpoint.is_failed(Millis(0)));
    }
}
