//! What messages, files and the bus do to the table.

mod bus_loop;
mod repetitions;
mod semantics;
mod static_routes;
mod warm_start;

use bus::RegistryMessage;

use super::{Now, Registry};
use crate::config::{ObserveConfig, RegistryConfig};
use crate::observe::metrics::Metrics;
use crate::route::{Lookup, Millis, RouteTable};

/// A registry and the metrics that it counts in.
struct Desk {
    registry: Registry,
    metrics: Metrics,
}

impl Desk {
    fn new(config: &RegistryConfig) -> Self {
        let metrics = Metrics::new(1, &ObserveConfig::default()).unwrap();
        let registry = Registry::new(config, metrics.registry_metrics(), metrics.components());
        Self { registry, metrics }
    }

    fn usual() -> Self {
        Self::new(&RegistryConfig::default())
    }

    fn register(&mut self, json: &str, secs: u64) {
        self.registry
            .register(&RegistryMessage::decode(json.as_bytes()).unwrap(), at(secs));
    }

    fn unregister(&mut self, json: &str, secs: u64) {
        self.registry
            .unregister(&RegistryMessage::decode(json.as_bytes()).unwrap(), at(secs));
    }

    /// One line of the metrics' text.
    fn shows(&self, line: &str) -> bool {
        let mut text = Vec::new();
        self.metrics.render(&mut text).unwrap();
        String::from_utf8(text)
            .unwrap()
            .lines()
            .any(|shown| shown == line)
    }
}

fn at(secs: u64) -> Now {
    Now {
        millis: Millis(secs * 1000),
        since_1970: std::time::Duration::from_secs(1_760_000_000 + secs),
    }
}

/// Addresses that a host leads to.
fn addresses(table: &RouteTable, host: &str) -> Vec<String> {
    let mut addresses = Vec::new();
    if let Lookup::Found(pool) = table.find(host, "/") {
        pool.for_each_endpoint(|endpoint| addresses.push(endpoint.address().to_owned()));
    }
    addresses
}
