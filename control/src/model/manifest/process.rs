//! One process of a manifest.

use serde_json::{Map, Value};

use super::fields::Fields;
use crate::model::{HealthCheck, HealthCheckKind, Process, ProcessChange};

/// What a manifest says about one process; what it does not say stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProcessManifest {
    /// `web`, `worker` and so on.
    pub process_type: String,
    /// The user's command; an inner `None` is the droplet's again.
    pub command: Option<Option<String>>,
    /// How many instances are wanted.
    pub instances: Option<u32>,
    /// Memory of each instance in MB.
    pub memory_mb: Option<u32>,
    /// Disk of each instance in MB.
    pub disk_mb: Option<u32>,
    /// Bytes per second; -1 for no limit.
    pub log_rate_limit: Option<i64>,
    /// When an instance counts as alive.
    pub health_check: CheckManifest,
    /// When a living instance may serve.
    pub readiness: CheckManifest,
}

/// What a manifest says about one health check; times in seconds.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CheckManifest {
    /// How the instance is asked.
    pub kind: Option<HealthCheckKind>,
    /// What is asked for by HTTP.
    pub endpoint: Option<String>,
    /// How long an instance may take until the first success.
    pub timeout: Option<u32>,
    /// How long one answer may take.
    pub invocation_timeout: Option<u32>,
    /// From one question to the next.
    pub interval: Option<u32>,
}

impl ProcessManifest {
    /// Reads the process keys of an object; all of them are optional but the type, which is given.
    pub(super) fn read(
        map: &Map<String, Value>,
        process_type: &str,
        problems: &mut Vec<String>,
    ) -> Self {
        let prefix = format!("Process \"{process_type}\": ");
        let mut fields = Fields::new(map, prefix, problems);
        let command = fields.has("command").then(|| {
            let command = fields.text("command");
            command.filter(|command| !matches!(command.as_str(), "" | "null" | "default"))
        });
        Self {
            process_type: process_type.to_owned(),
            command,
            instances: fields.number("instances", 0),
            memory_mb: fields.megabytes("memory"),
            disk_mb: fields.megabytes("disk_quota"),
            log_rate_limit: fields.log_rate("log-rate-limit-per-second"),
            health_check: CheckManifest::read(&mut fields, &LIVENESS),
            readiness: CheckManifest::read(&mut fields, &READINESS),
        }
    }

    /// Whether a key of an application is one of its `web` process.
    pub(super) fn is_key(key: &str) -> bool {
        PLAIN_KEYS.contains(&key) || LIVENESS.contains(&key) || READINESS.contains(&key)
    }

    /// What `over` says wins; what it does not say is taken from here.
    pub(super) fn under(self, over: Self) -> Self {
        Self {
            process_type: over.process_type,
            command: over.command.or(self.command),
            instances: over.instances.or(self.instances),
            memory_mb: over.memory_mb.or(self.memory_mb),
            disk_mb: over.disk_mb.or(self.disk_mb),
            log_rate_limit: over.log_rate_limit.or(self.log_rate_limit),
            health_check: self.health_check.under(over.health_check),
            readiness: self.readiness.under(over.readiness),
        }
    }

    /// What is to change on a process so that it is as the manifest says.
    #[must_use]
    pub fn change(&self, process: &Process) -> ProcessChange {
        ProcessChange {
            command: self.command.clone(),
            instances: self.instances,
            memory_mb: self.memory_mb,
            disk_mb: self.disk_mb,
            log_rate_limit: self.log_rate_limit,
            health_check: self.health_check.over(&process.health_check),
            readiness: self.readiness.over(&process.readiness),
            droplet_guid: None,
        }
    }
}

impl CheckManifest {
    fn read(fields: &mut Fields<'_, '_>, keys: &[&str; 5]) -> Self {
        let [kind, endpoint, timeout, invocation, interval] = keys;
        let read = Self {
            kind: read_kind(fields, kind),
            endpoint: fields.text(endpoint),
            timeout: fields.number(timeout, 1),
            invocation_timeout: fields.number(invocation, 1),
            interval: fields.number(interval, 1),
        };
        let by_http = read.kind.is_none_or(|kind| kind == HealthCheckKind::Http);
        if read.endpoint.is_some() && !by_http {
            fields
                .problem("Health check type must be \"http\" to set a health check HTTP endpoint");
        }
        if read
            .endpoint
            .as_ref()
            .is_some_and(|path| !path.starts_with('/'))
        {
            fields.problem("Health check endpoint must be a valid URI path");
        }
        read
    }

    fn under(self, over: Self) -> Self {
        Self {
            kind: over.kind.or(self.kind),
            endpoint: over.endpoint.or(self.endpoint),
            timeout: over.timeout.or(self.timeout),
            invocation_timeout: over.invocation_timeout.or(self.invocation_timeout),
            interval: over.interval.or(self.interval),
        }
    }

    /// The check with what is said here; nothing when nothing is said.
    fn over(&self, check: &HealthCheck) -> Option<HealthCheck> {
        if *self == Self::default() {
            return None;
        }
        let kind = self.kind.unwrap_or(check.kind);
        let endpoint = self.endpoint.clone().or_else(|| check.endpoint.clone());
        Some(HealthCheck {
            kind,
            endpoint: endpoint.filter(|_| kind == HealthCheckKind::Http),
            timeout: self.timeout.or(check.timeout),
            invocation_timeout: self.invocation_timeout.or(check.invocation_timeout),
            interval: self.interval.or(check.interval),
        })
    }
}

fn read_kind(fields: &mut Fields<'_, '_>, key: &str) -> Option<HealthCheckKind> {
    let word = fields.text(key)?;
    // compat: `none` was the old word for a check of the process alone.
    let kind = HealthCheckKind::parse(if word == "none" { "process" } else { &word });
    if kind.is_none() {
        let name = super::fields::spoken(key);
        fields.problem(format!("{name} must be \"port\", \"process\", or \"http\""));
    }
    kind
}

const PLAIN_KEYS: [&str; 5] = [
    "command",
    "disk_quota",
    "instances",
    "log-rate-limit-per-second",
    "memory",
];

const LIVENESS: [&str; 5] = [
    "health-check-type",
    "health-check-http-endpoint",
    "timeout",
    "health-check-invocation-timeout",
    "health-check-interval",
];

const READINESS: [&str; 5] = [
    "readiness-health-check-type",
    "readiness-health-check-http-endpoint",
    "readiness-health-check-timeout",
    "readiness-health-check-invocation-timeout",
    "readiness-health-check-interval",
];
