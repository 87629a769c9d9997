//! The route table's writer: what it accepts, when it forgets, what it keeps on disk.

use std::path::PathBuf;
use std::time::Duration;

use super::duration::GoDuration;
use super::error::Report;
use super::file::File;
use super::read::{At, Field, choose, place_of};
use super::show::Tree;

/// What `registry` needs.
#[derive(Clone, Debug, PartialEq)]
pub struct RegistryConfig {
    /// `index` (default `0`): instance index of this router; part of its id.
    pub index: u32,
    /// `start_response_delay_interval` (default `5s`): warm-up before the traffic ports open, and the interval we ask announcers for.
    pub start_response_delay_interval: Duration,
    /// `droplet_stale_threshold` (default `120s`): age at which an endpoint that was not announced again is stale; never below the start delay.
    pub droplet_stale_threshold: Duration,
    /// `prune_stale_droplets_interval` (default `30s`): how often stale endpoints are removed; at most 0 turns it off.
    pub prune_stale_droplets_interval: Option<Duration>,
    /// `suspend_pruning_if_nats_unavailable` (default `false`): nothing is removed while NATS is away.
    pub suspend_pruning_if_nats_unavailable: bool,
    /// `isolation_segments` (default `[]`): segments that this router serves.
    pub isolation_segments: Vec<String>,
    /// `routing_table_sharding_mode` (default `all`): `all`, `segments` or `shared-and-segments`.
    pub routing_table_sharding_mode: ShardingMode,
    /// `empty_pool_response_code_503` (default `false`): an emptied route stays for `empty_pool_timeout` and answers 503 instead of 404.
    pub empty_pool_response_code_503: bool,
    /// `empty_pool_timeout` (default `0s`): how long an emptied route stays.
    pub empty_pool_timeout: Duration,
    /// `balancing_algorithm` (default `round-robin`): `round-robin` or `least-connection`, for routes that do not choose.
    pub balancing_algorithm: BalancingAlgorithm,
    /// `publish_active_apps_interval` (default off): how often `router.active_apps` is published; at most 0 turns it off.
    pub publish_active_apps_interval: Option<Duration>,
    /// `switchyard.snapshot` (default off): file that keeps the route table for a warm start.
    pub snapshot: Option<PathBuf>,
    /// `switchyard.snapshot_interval` (default `10s`): how often the snapshot is written when the table has changed.
    pub snapshot_interval: Duration,
    /// `switchyard.static_routes` (default off): watched YAML file of routes that need no announcement.
    pub static_routes: Option<PathBuf>,
}

impl Default for RegistryConfig {
    fn default() -> Self {
        Self {
            index: 0,
            start_response_delay_interval: Duration::from_secs(5),
            droplet_stale_threshold: Duration::from_secs(120),
            prune_stale_droplets_interval: Some(Duration::from_secs(30)),
            suspend_pruning_if_nats_unavailable: false,
            isolation_segments: Vec::new(),
            routing_table_sharding_mode: ShardingMode::All,
            empty_pool_response_code_503: false,
            empty_pool_timeout: Duration::ZERO,
            balancing_algorithm: BalancingAlgorithm::RoundRobin,
            publish_active_apps_interval: None,
            snapshot: None,
            snapshot_interval: Duration::from_secs(10),
            static_routes: None,
        }
    }
}

/// How an endpoint is chosen where the route does not say.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum BalancingAlgorithm {
    /// The endpoint with the fewest requests in flight.
    LeastConnection,
    /// One endpoint after the other.
    #[default]
    RoundRobin,
}

/// Which endpoints enter this router's table.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ShardingMode {
    /// Every endpoint.
    #[default]
    All,
    /// Only endpoints of `isolation_segments`.
    Segments,
    /// Endpoints of `isolation_segments` and endpoints without a segment.
    SharedAndSegments,
}

impl RegistryConfig {
    pub(super) fn resolve(file: &File, report: &mut Report) -> Self {
        let default = Self::default();
        let ours = file.switchyard.clone().or_empty();
        let start_delay = not_negative(
            file.start_response_delay_interval,
            default.start_response_delay_interval,
        );
        let prune = file.prune_stale_droplets_interval;
        let snapshot_interval = ours.snapshot_interval.and_then(|at| at.value.unless_off());
        Self {
            index: file.index.value_or(default.index),
            start_response_delay_interval: start_delay,
            droplet_stale_threshold: stale_threshold(file),
            prune_stale_droplets_interval: prune
                .map_or(default.prune_stale_droplets_interval, |at| {
                    at.value.unless_off()
                }),
            suspend_pruning_if_nats_unavailable: file
                .suspend_pruning_if_nats_unavailable
                .or_empty(),
            isolation_segments: file.isolation_segments.clone().or_empty(),
            routing_table_sharding_mode: sharding(file, report),
            empty_pool_response_code_503: file.empty_pool_response_code_503.or_empty(),
            empty_pool_timeout: not_negative(file.empty_pool_timeout, default.empty_pool_timeout),
            balancing_algorithm: choose(
                file.balancing_algorithm.as_ref(),
                "balancing_algorithm",
                BalancingAlgorithm::NAMES,
                report,
            ),
            publish_active_apps_interval: file
                .publish_active_apps_interval
                .and_then(|at| at.value.unless_off()),
            snapshot: some_path(ours.snapshot),
            snapshot_interval: snapshot_interval.unwrap_or(default.snapshot_interval),
            static_routes: some_path(ours.static_routes),
        }
    }

    /// Writes the keys of this slice.
    pub(super) fn show(&self, tree: &mut Tree) {
        tree.put("index", self.index);
        tree.time(
            "start_response_delay_interval",
            self.start_response_delay_interval,
        );
        tree.time("droplet_stale_threshold", self.droplet_stale_threshold);
        tree.limit(
            "prune_stale_droplets_interval",
            self.prune_stale_droplets_interval,
        );
        let suspend = self.suspend_pruning_if_nats_unavailable;
        tree.put("suspend_pruning_if_nats_unavailable", suspend);
        tree.put("isolation_segments", self.isolation_segments.clone());
        let sharding = &self.routing_table_sharding_mode;
        tree.choice("routing_table_sharding_mode", ShardingMode::NAMES, sharding);
        tree.time("empty_pool_timeout", self.empty_pool_timeout);
        let algorithm = &self.balancing_algorithm;
        tree.choice("balancing_algorithm", BalancingAlgorithm::NAMES, algorithm);
        tree.limit(
            "publish_active_apps_interval",
            self.publish_active_apps_interval,
        );
        tree.path("switchyard.snapshot", self.snapshot.as_deref());
        tree.time("switchyard.snapshot_interval", self.snapshot_interval);
        tree.path("switchyard.static_routes", self.static_routes.as_deref());
    }
}

/// `droplet_stale_threshold`, never below the start delay.
pub(super) fn stale_threshold(file: &File) -> Duration {
    let default = RegistryConfig::default();
    let delay = not_negative(
        file.start_response_delay_interval,
        default.start_response_delay_interval,
    );
    // compat: raised in silence (gorouter 11.2); an announcer needs that long to come back.
    not_negative(
        file.droplet_stale_threshold,
        default.droplet_stale_threshold,
    )
    .max(delay)
}

fn sharding(file: &File, report: &mut Report) -> ShardingMode {
    let field = file.routing_table_sharding_mode.as_ref();
    let mode = choose(
        field,
        "routing_table_sharding_mode",
        ShardingMode::NAMES,
        report,
    );
    let no_segments = file
        .isolation_segments
        .as_ref()
        .is_none_or(|at| at.value.is_empty());
    if mode == ShardingMode::Segments && no_segments {
        let message = "`routing_table_sharding_mode: segments` needs `isolation_segments`";
        report.error(place_of(field), message);
    }
    mode
}

fn not_negative(field: Option<At<GoDuration>>, default: Duration) -> Duration {
    field.map_or(default, |at| at.value.at_least_zero())
}

/// A path that is not empty.
pub(super) fn some_path(field: Option<At<PathBuf>>) -> Option<PathBuf> {
    field
        .map(|at| at.value)
        .filter(|path| !path.as_os_str().is_empty())
}

impl BalancingAlgorithm {
    /// How the file names them.
    pub(super) const NAMES: &[(&str, Self)] = &[
        ("round-robin", Self::RoundRobin),
        ("least-connection", Self::LeastConnection),
    ];
}

impl ShardingMode {
    /// How the file names them.
    pub(super) const NAMES: &[(&str, Self)] = &[
        ("all", Self::All),
        ("segments", Self::Segments),
        ("shared-and-segments", Self::SharedAndSegments),
    ];
}

#[cfg(test)]
mod tests {
    use super::{Duration, RegistryConfig, ShardingMode};
    use crate::config::Config;

    fn registry(text: &str) -> RegistryConfig {
        Config::parse(text, "g.yml").unwrap().config.registry
    }

    #[test]
    fn the_stale_threshold_is_never_below_the_start_delay() {
        let threshold = |text| registry(text).droplet_stale_threshold;
        assert_eq!(
            threshold("droplet_stale_threshold: 1s"),
            Duration::from_secs(5)
        );
        assert_eq!(
            threshold("start_response_delay_interval: 200s"),
            Duration::from_secs(200)
        );
        assert_eq!(
            threshold("droplet_stale_threshold: 9s"),
            Duration::from_secs(9)
        );
    }

    #[test]
    fn pruning_is_turned_off_by_zero_only() {
        let interval = |text| registry(text).prune_stale_droplets_interval;
        assert_eq!(interval("prune_stale_droplets_interval: 0s"), None);
        assert_eq!(
            interval("prune_stale_droplets_interval:"),
            Some(Duration::from_secs(30))
        );
    }

    #[test]
    fn a_segment_router_knows_its_segments() {
        let registry = registry("routing_table_sharding_mode: segments\nisolation_segments: [a]");
        assert_eq!(registry.routing_table_sharding_mode, ShardingMode::Segments);
        assert!(Config::parse("routing_table_sharding_mode: segments", "g.yml").is_err());
    }
}
