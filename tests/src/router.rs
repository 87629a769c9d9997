//! The router under test, in this process, with every listener on port 0.

use std::net::SocketAddr;

use router::app::{self, Running};
use router::config::Config;
use serde_json::{Value, json};

use crate::bus::Bus;
use crate::client::Client;
use crate::oracle::Message;
use crate::wait::eventually;

/// A running router; dropping it stops it at once.
pub struct Router {
    _running: Running,
    /// The port for plain HTTP.
    pub http: SocketAddr,
    /// The port for HTTPS, when it is configured.
    pub https: Option<SocketAddr>,
    /// The health port.
    pub status: SocketAddr,
    /// The port of `/routes`.
    pub routes: SocketAddr,
    /// The port of `/metrics`.
    pub prometheus: SocketAddr,
}

impl Router {
    /// Starts a router that listens to `bus`.
    #[must_use]
    pub fn start(bus: &Bus) -> Self {
        Self::with(bus, &json!({}))
    }

    /// Starts a router with further keys of `gorouter.yml`, which win over the suite's.
    ///
    /// # Panics
    ///
    /// When the configuration is refused or a port cannot be opened.
    #[must_use]
    pub fn with(bus: &Bus, further: &Value) -> Self {
        let text = settings(bus, further).to_string();
        let loaded = Config::parse(&text, "suite.yml").expect("the suite's configuration is good");
        let running = app::start(loaded.config).expect("the router starts");
        Self {
            http: running.http().expect("HTTP is on"),
            https: running.https(),
            status: running.status().expect("health is on"),
            routes: running.routes().expect("routes are on"),
            prometheus: running.prometheus().expect("metrics are on"),
            _running: running,
        }
    }

    /// Opens a connection to its HTTP port.
    #[must_use]
    pub fn connect(&self) -> Client {
        Client::connect(self.http)
    }

    /// Waits until `uri` has exactly `count` endpoints.
    pub fn eventually_knows(&self, uri: &str, count: usize) {
        eventually(&format!("`{uri}` has {count} endpoints"), || {
            self.table()[uri].as_array().map_or(0, Vec::len) == count
        });
    }

    /// The table as `/routes` tells it.
    ///
    /// # Panics
    ///
    /// When `/routes` does not answer with JSON.
    #[must_use]
    pub fn table(&self) -> Value {
        let answer = operator_get(self.routes, "/routes");
        assert_eq!(answer.status(), 200, "{answer:#?}");
        serde_json::from_slice(&answer.body).expect("/routes is JSON")
    }

    /// The text of `/metrics`.
    #[must_use]
    pub fn metrics(&self) -> String {
        operator_get(self.prometheus, "/metrics").text()
    }
}

/// A GET to an operator's port with the suite's password.
#[must_use]
pub fn operator_get(addr: SocketAddr, path: &str) -> Message {
    let mut client = Client::connect(addr);
    client.send(format!(
        "GET {path} HTTP/1.1\r\nHost: operator\r\nAuthorization: Basic b3A6c2VjcmV0\r\nConnection: close\r\n\r\n"
    ));
    client.response()
}

/// The configuration of the suites: what operators run with, on ports of the system's choice.
#[must_use]
pub fn settings(bus: &Bus, further: &Value) -> Value {
    let nats = json!([{ "hostname": bus.addr().ip().to_string(), "port": bus.addr().port() }]);
    let mut settings = json!({
        "port": 0,
        "status": { "port": 0, "user": "op", "pass": "secret", "routes": { "port": 0 } },
        "prometheus": { "enabled": true, "port": 0 },
        "nats": { "hosts": nats },
        "start_response_delay_interval": "0s",
        "suspend_pruning_if_nats_unavailable": true,
        "disable_keep_alives": false,
        "max_idle_conns": 100,
        "max_idle_conns_per_host": 100,
        "backends": { "max_attempts": 3 },
        "endpoint_timeout": "60s",
        "endpoint_dial_timeout": "2s",
        "logging": { "level": "error" },
        "switchyard": { "listen_address": "127.0.0.1", "workers": 1 },
    });
    merge(&mut settings, further);
    settings
}

pub(crate) fn merge(into: &mut Value, further: &Value) {
    match (into, further) {
        (Value::Object(into), Value::Object(further)) => {
            for (key, value) in further {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, further) => *into = further.clone(),
    }
}
