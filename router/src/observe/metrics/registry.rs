//! Registry metrics: what the control thread counts while the table changes.

use std::time::Duration;

use crate::core::cells::{CoreCells, CoreCounter, CoreCounters, CoreGauge, CoreHistogram};

use super::catalogue::Catalogue;
use super::labels::RegistryAction;

/// What the table's writer counts (gorouter 10.1). For one thread.
#[derive(Debug)]
pub struct RegistryMetrics {
    registry_message: CoreCounters,
    unregistry_message: CoreCounters,
    routes_pruned: CoreCounter,
    total_routes: CoreGauge,
    ms_since_last_update: CoreGauge,
    registration_latency: CoreHistogram,
    buffered_messages: CoreGauge,
    dropped_messages: CoreGauge,
}

impl RegistryMetrics {
    pub(super) fn new(catalogue: &Catalogue, core: &CoreCells) -> Self {
        Self {
            registry_message: core.counters(catalogue.registry_message),
            unregistry_message: core.counters(catalogue.unregistry_message),
            routes_pruned: core.counter(catalogue.routes_pruned),
            total_routes: core.gauge(catalogue.total_routes),
            ms_since_last_update: core.gauge(catalogue.ms_since_last_update),
            registration_latency: core.histogram(&catalogue.registration_latency),
            buffered_messages: core.gauge(catalogue.buffered_messages),
            dropped_messages: core.gauge(catalogue.dropped_messages),
        }
    }

    /// `registry_message`: one route of one message was registered, with this outcome.
    #[inline]
    pub fn registered(&self, component: u16, action: RegistryAction) {
        let label = usize::from(component) * RegistryAction::NAMES.len() + action as usize;
        self.registry_message.increment(label);
    }

    /// `unregistry_message`: one route of one message was unregistered.
    #[inline]
    pub fn unregistered(&self, component: u16) {
        self.unregistry_message.increment(component.into());
    }

    /// `routes_pruned`: endpoints were pruned.
    pub fn pruned(&self, endpoints: u64) {
        self.routes_pruned.add(endpoints);
    }

    /// `total_routes`: how many routes the table has.
    pub fn total_routes(&self, routes: usize) {
        self.total_routes.set(saturate(routes as u64));
    }

    /// `ms_since_last_registry_update`: the table's age.
    pub fn ms_since_last_update(&self, age: Duration) {
        self.ms_since_last_update
            .set(i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
    }

    /// `route_registration_latency`: from an endpoint's start, as announced, to its registration.
    pub fn registration_latency(&self, latency: Duration) {
        self.registration_latency
            .observe(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
    }

    /// `buffered_messages`: bus messages that wait for us.
    pub fn buffered_messages(&self, messages: u64) {
        self.buffered_messages.set(saturate(messages));
    }

    /// `total_dropped_messages`: bus messages lost since the start.
    pub fn dropped_messages(&self, messages: u64) {
        self.dropped_messages.set(saturate(messages));
    }
}

fn saturate(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
