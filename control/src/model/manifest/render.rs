//! The manifest that would make an application what it is.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::model::{App, HealthCheckKind, Lifecycle, Package, Process, Sidecar};

/// All that a manifest tells of one application.
#[derive(Clone, Debug)]
pub struct Described {
    /// The application.
    pub app: App,
    /// Its processes.
    pub processes: Vec<Process>,
    /// Its sidecars.
    pub sidecars: Vec<Sidecar>,
    /// The names that reach it.
    pub routes: Vec<String>,
    /// The names of the services that it is bound to.
    pub services: Vec<String>,
    /// Its newest package, which names the image.
    pub package: Option<Package>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
}

/// Writes the entry of `applications`; what is empty or a default is left out.
#[must_use]
pub fn render(described: &Described) -> Value {
    let app = &described.app;
    let mut entry = Map::new();
    entry.insert("name".to_owned(), json!(app.name));
    match &app.lifecycle {
        Lifecycle::Buildpack { buildpacks, stack } => {
            put_list(
                &mut entry,
                "buildpacks",
                buildpacks.iter().map(|b| json!(b)),
            );
            entry.insert("stack".to_owned(), json!(stack));
        }
        Lifecycle::Docker => {
            let image = described.package.as_ref().and_then(|p| p.image.clone());
            entry.insert("docker".to_owned(), json!({ "image": image }));
        }
    }
    if !app.environment.is_empty() {
        entry.insert("env".to_owned(), json!(app.environment));
    }
    if !described.labels.is_empty() || !described.annotations.is_empty() {
        let metadata = json!({ "labels": described.labels, "annotations": described.annotations });
        entry.insert("metadata".to_owned(), metadata);
    }
    put_list(
        &mut entry,
        "routes",
        described.routes.iter().map(|url| json!({ "route": url })),
    );
    put_list(
        &mut entry,
        "services",
        described.services.iter().map(|s| json!(s)),
    );
    put_list(
        &mut entry,
        "processes",
        described.processes.iter().map(process),
    );
    put_list(
        &mut entry,
        "sidecars",
        described.sidecars.iter().map(sidecar),
    );
    Value::Object(entry)
}

fn put_list(entry: &mut Map<String, Value>, key: &str, items: impl Iterator<Item = Value>) {
    let items: Vec<Value> = items.collect();
    if !items.is_empty() {
        entry.insert(key.to_owned(), Value::Array(items));
    }
}

fn process(process: &Process) -> Value {
    let mut entry = Map::new();
    let mut put = |key: &str, value: Value| {
        if !value.is_null() {
            entry.insert(key.to_owned(), value);
        }
    };
    let check = &process.health_check;
    put("type", json!(process.process_type));
    put("command", json!(process.command));
    put("instances", json!(process.instances));
    put("memory", json!(format!("{}M", process.memory_mb)));
    put("disk_quota", json!(format!("{}M", process.disk_mb)));
    put(
        "log-rate-limit-per-second",
        json!(log_rate(process.log_rate_limit)),
    );
    put("health-check-type", json!(check.kind.as_str()));
    if check.kind == HealthCheckKind::Http {
        put("health-check-http-endpoint", json!(check.endpoint));
    }
    put("timeout", json!(check.timeout));
    put(
        "health-check-invocation-timeout",
        json!(check.invocation_timeout),
    );
    put("health-check-interval", json!(check.interval));
    put(
        "readiness-health-check-type",
        json!(process.readiness.kind.as_str()),
    );
    Value::Object(entry)
}

fn sidecar(sidecar: &Sidecar) -> Value {
    json!({
        "name": sidecar.name,
        "command": sidecar.command,
        "process_types": sidecar.process_types,
    })
}

fn log_rate(bytes: i64) -> String {
    if bytes > 0 {
        format!("{bytes}B")
    } else {
        bytes.to_string()
    }
}
