//! What a message does to the table: gorouter's registration semantics, its events and counters.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bus::{DecodeError, RegistryMessage};

use super::events::Events;
use super::sharding::Sharding;
use crate::config::{BalancingAlgorithm, RegistryConfig};
use crate::core::Clock;
use crate::observe::metrics::{ComponentLabels, RegistryAction, RegistryMetrics};
use crate::route::{
    Algorithm, Announcement, EmptyPools, Fingerprint, Millis, Registered, Renewed, RouteFate,
    RouteOrigin, RouteTable, Sweep, SweepPolicy, TableWriter, Transport, Unregistered,
};

/// The table's writer, with everything a message needs to be understood.
pub struct Registry {
    writer: TableWriter,
    sharding: Sharding,
    stale_threshold: Duration,
    empty_pools: EmptyPools,
    components: Arc<ComponentLabels>,
    metrics: RegistryMetrics,
    pub(super) events: Events,
}

/// One reading of both clocks, shared by the messages of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// On the clock of the process.
    pub millis: Millis,
    /// Since 1970.
    pub since_1970: Duration,
}

impl Now {
    /// Reads both clocks.
    #[must_use]
    pub fn read(clock: &Clock) -> Self {
        Self {
            millis: clock.now().millis(),
            // The wall's own word, with its corrections: announcers' stamps are compared with it.
            since_1970: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
        }
    }
}

impl Registry {
    /// A registry with an empty table.
    #[must_use]
    pub fn new(
        config: &RegistryConfig,
        metrics: RegistryMetrics,
        components: Arc<ComponentLabels>,
    ) -> Self {
        let algorithm = match config.balancing_algorithm {
            BalancingAlgorithm::LeastConnection => Algorithm::LeastConnection,
            BalancingAlgorithm::RoundRobin => Algorithm::RoundRobin,
        };
        let keeps = config.empty_pool_response_code_503 && !config.empty_pool_timeout.is_zero();
        Self {
            writer: TableWriter::new(algorithm),
            sharding: Sharding::new(config),
            stale_threshold: config.droplet_stale_threshold,
            empty_pools: if keeps {
                EmptyPools::Keep(config.empty_pool_timeout)
            } else {
                EmptyPools::Remove
            },
            components,
            metrics,
            events: Events::default(),
        }
    }

    /// The table, for readers.
    #[must_use]
    pub fn table(&self) -> Arc<RouteTable> {
        self.writer.table()
    }

    /// Registers one endpoint under each URI of the message (gorouter 1.4).
    pub fn register(&mut self, message: &RegistryMessage<'_>, now: Now) {
        let _what_was_renewed = self.announce(message, now);
    }

    /// Registers what these bytes say; or says why they are none.
    ///
    /// A repetition of what was registered from the same bytes is not read again.
    ///
    /// # Errors
    ///
    /// When they are no registration.
    pub fn hear(&mut self, bytes: &[u8], now: Now) -> Result<(), DecodeError> {
        let print = self.fingerprint(bytes);
        if self.repeat(print, now) {
            return Ok(());
        }
        let message = RegistryMessage::decode(bytes)?;
        if let Some(renewed) = self.announce(&message, now) {
            self.writer.remember(print, &renewed);
        }
        Ok(())
    }

    /// Does what registering these bytes again does, if that is known without reading them.
    pub(super) fn repeat(&mut self, print: Fingerprint, now: Now) -> bool {
        let Some(repetition) = self.writer.repeat(print, now.millis) else {
            return false;
        };
        let component = repetition.component_label;
        (0..repetition.routes)
            .for_each(|_| self.metrics.registered(component, RegistryAction::Updated));
        true
    }

    /// The name under which bytes are remembered.
    pub(super) fn fingerprint(&self, bytes: &[u8]) -> Fingerprint {
        self.writer.fingerprint(bytes)
    }

    /// Registers a message; gives what it renewed, if it did nothing else and had nothing to complain of.
    fn announce(&mut self, message: &RegistryMessage<'_>, now: Now) -> Option<Vec<Renewed>> {
        let announcement = self.understand(message, now)?;
        let mut renewed = Vec::new();
        for uri in &message.uris {
            match self.writer.register(uri, &announcement, now.millis) {
                Ok(registered) => {
                    self.note_registered(uri, &registered, &announcement, now);
                    if let Registered::Refreshed(membership) = registered {
                        renewed.push(membership);
                    }
                }
                Err(error) => self.events.invalid_uri(uri, &error, now.millis),
            }
        }
        let algorithm = &message.options.loadbalancing;
        let is_understood = algorithm.is_empty() || announcement.load_balancing.is_some();
        (is_understood && renewed.len() == message.uris.len()).then_some(renewed)
    }

    /// Registers what a snapshot remembers, to serve until it is confirmed or stale.
    ///
    /// It is not counted: nobody has announced it.
    pub fn restore(&mut self, message: &RegistryMessage<'_>, now: Now) {
        let Some(announcement) = self.understand(message, now) else {
            return;
        };
        for uri in &message.uris {
            if let Err(error) = self.writer.restore(uri, &announcement, now.millis) {
                self.events.invalid_uri(uri, &error, now.millis);
            }
        }
    }

    /// Unregisters one address from each URI of the message (gorouter 1.5).
    pub fn unregister(&mut self, message: &RegistryMessage<'_>, now: Now) {
        let Some(announcement) = self.understand(message, now) else {
            return;
        };
        for uri in &message.uris {
            match self
                .writer
                .unregister(uri, &announcement, self.empty_pools, now.millis)
            {
                Ok(unregistered) => self.note_unregistered(uri, &unregistered, &announcement, now),
                Err(error) => self.events.invalid_uri(uri, &error, now.millis),
            }
        }
    }

    /// Removes what is stale or evicted from the next `shards` shards (gorouter 1.6).
    pub(super) fn sweep(
        &mut self,
        sweep: &mut Sweep,
        shards: usize,
        now: Millis,
        heard_floor: Millis,
    ) {
        let policy = SweepPolicy {
            now,
            heard_floor,
            empty_pools: self.empty_pools,
        };
        let (events, metrics) = (&mut self.events, &self.metrics);
        self.writer.sweep(sweep, shards, &policy, |pruned| {
            metrics.pruned(pruned.endpoints.len() as u64);
            events.pruned(pruned, now);
        });
    }

    /// Shows the size and age of the table, as gorouter does at each prune tick.
    pub(super) fn report(&self, now: Millis) {
        let table = self.writer.table();
        self.metrics.total_routes(table.len());
        self.metrics
            .ms_since_last_update(now.since(table.last_update()));
    }

    /// Shows what waits in the bus connection, and what it lost.
    pub(super) fn report_bus(&self, buffered: u64, dropped: u64) {
        self.metrics.buffered_messages(buffered);
        self.metrics.dropped_messages(dropped);
    }

    /// What the message says in the table's words; nothing if it is not for this router.
    fn understand<'a>(
        &mut self,
        message: &'a RegistryMessage<'a>,
        now: Now,
    ) -> Option<Announcement<'a>> {
        if !self.sharding.accepts(&message.isolation_segment) {
            return None;
        }
        let announcement = Announcement {
            host: &message.host,
            port: message.endpoint_port(),
            transport: if message.is_tls() {
                Transport::Tls
            } else {
                Transport::Plain
            },
            protocol: &message.protocol,
            app_id: &message.app,
            instance_id: &message.private_instance_id,
            instance_index: &message.private_instance_index,
            server_cert_domain_san: &message.server_cert_domain_san,
            availability_zone: &message.availability_zone,
            isolation_segment: &message.isolation_segment,
            route_service_url: &message.route_service_url,
            stale_threshold_secs: self.stale_threshold_secs(message.stale_threshold_in_seconds),
            updated_at_ns: message.endpoint_updated_at_ns,
            load_balancing: self.algorithm(&message.options.loadbalancing, now),
            component_label: self
                .components
                .resolve(message.tags.get("component").map_or("", |name| name)),
            tags: Some(&message.tags),
        };
        match announcement.validate() {
            Ok(()) => Some(announcement),
            Err(error) => {
                self.events.invalid_uri(
                    message.uris.first().map_or("", |uri| uri),
                    &error,
                    now.millis,
                );
                None
            }
        }
    }

    /// 0 and what is above the configured threshold mean the threshold; below 0 is stale at once.
    fn stale_threshold_secs(&self, announced: i64) -> u32 {
        let limit = u32::try_from(self.stale_threshold.as_secs()).unwrap_or(u32::MAX);
        match u32::try_from(announced) {
            Ok(0) => limit,
            Ok(secs) => secs.min(limit),
            Err(_) if announced > 0 => limit,
            Err(_) => 0,
        }
    }

    fn algorithm(&mut self, name: &str, now: Now) -> Option<Algorithm> {
        let known = Algorithm::from_name(name);
        if known.is_none() && !name.is_empty() {
            self.events.unknown_algorithm(name, now.millis);
        }
        known
    }

    fn note_registered(
        &mut self,
        uri: &str,
        registered: &Registered,
        announcement: &Announcement<'_>,
        now: Now,
    ) {
        let action = match registered {
            Registered::Added { endpoint, route } => {
                if *route == RouteOrigin::Created {
                    self.events.route_added(uri, now.millis);
                }
                self.events.endpoint_added(uri, endpoint, now.millis);
                if let Ok(updated_at @ 1..) = u64::try_from(announcement.updated_at_ns) {
                    let latency = now
                        .since_1970
                        .saturating_sub(Duration::from_nanos(updated_at));
                    self.metrics.registration_latency(latency);
                }
                RegistryAction::Added
            }
            // compat: gorouter counts a repetition as `updated` too (gorouter 1.4).
            Registered::Refreshed(_) => RegistryAction::Updated,
            Registered::Updated { endpoint } => {
                self.events.endpoint_updated(uri, endpoint, now.millis);
                RegistryAction::Updated
            }
        };
        self.metrics
            .registered(announcement.component_label, action);
    }

    fn note_unregistered(
        &mut self,
        uri: &str,
        unregistered: &Unregistered,
        announcement: &Announcement<'_>,
        now: Now,
    ) {
        self.metrics.unregistered(announcement.component_label);
        let route = match unregistered {
            Unregistered::Removed { endpoint, route } => {
                self.events.endpoint_unregistered(uri, endpoint, now.millis);
                *route
            }
            Unregistered::UnknownEndpoint { route } => {
                self.note_not_unregistered(uri, announcement, now);
                *route
            }
            Unregistered::UnknownRoute => {
                self.note_not_unregistered(uri, announcement, now);
                RouteFate::Kept
            }
        };
        if route == RouteFate::Removed {
            self.events.route_removed(uri, now.millis);
        }
    }

    fn note_not_unregistered(&mut self, uri: &str, announcement: &Announcement<'_>, now: Now) {
        let backend = format!("{}:{}", announcement.host, announcement.port);
        self.events
            .endpoint_not_unregistered(uri, &backend, now.millis);
    }
}
