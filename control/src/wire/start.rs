//! `dea.<id>.start`: everything an agent must know to run one instance.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lenient;
use super::message::{Wire, first_empty};

/// By route: `protocol`, and what else a registration says under `options`.
pub type UriOptions = BTreeMap<String, Map<String, Value>>;

/// One instance that an agent is to run.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct StartMessage {
    /// The process; the first web process has the guid of its application.
    #[serde(rename = "droplet")]
    pub process: String,
    /// The application; empty from a controller that knows no processes.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub app: String,
    /// `web`, `worker` and so on; empty when it is not told.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub process_type: String,
    /// Name of the application.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub name: String,
    /// The stack it runs on.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub stack: String,
    /// The routes under which it is registered once it is healthy.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub uris: Vec<String>,
    /// What routers are told of some of these besides; see [`super::UriOptions`].
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "lenient::or_default"
    )]
    pub uri_options: UriOptions,
    /// Whether the application is marked as production.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub prod: bool,
    /// SHA-1 of the droplet in hex; `None` before staging.
    pub sha1: Option<String>,
    /// SHA-256 of the droplet in hex; checked instead of `sha1` when it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// A constant that the oldest agents want.
    #[serde(
        default,
        rename = "executableFile",
        deserialize_with = "lenient::or_default"
    )]
    pub executable_file: String,
    /// Where the droplet is fetched; signed.
    #[serde(
        default,
        rename = "executableUri",
        deserialize_with = "lenient::or_default"
    )]
    pub executable_uri: String,
    /// The version of the process that this instance is of.
    pub version: String,
    /// Bound services.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub services: Vec<ServiceEntry>,
    /// What it may use.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub limits: Limits,
    /// The user's environment, each `NAME=value`.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub env: Vec<String>,
    /// Which partition of the platform asks.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub cc_partition: String,
    /// From 0.
    pub index: u32,
    /// Whether a console port is wanted.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub console: bool,
    /// The debugger's mode.
    pub debug: Option<String>,
    /// What is run; `None` is what the droplet says.
    pub start_command: Option<String>,
    /// Seconds until the first success of the health check; `None` is the agent's default.
    pub health_check_timeout: Option<u32>,
    /// When the instance counts as running, and when it has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check: Option<HealthCheck>,
    /// When requests are sent to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readiness_health_check: Option<HealthCheck>,
    /// The variable `VCAP_APPLICATION`, without what only the agent knows.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub vcap_application: Map<String, Value>,
    /// Where its packets may go.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub egress_network_rules: Vec<Value>,
    /// The image that it runs instead of a droplet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docker_image: Option<String>,
    /// Whatever else was said: fields of older controllers that nobody here reads.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// What an instance or a staging task may use.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Limits {
    /// Memory in MB.
    #[serde(default, deserialize_with = "lenient::whole")]
    pub mem: i64,
    /// Disk in MB.
    #[serde(default, deserialize_with = "lenient::whole")]
    pub disk: i64,
    /// Open files.
    #[serde(default, deserialize_with = "lenient::whole")]
    pub fds: i64,
    /// Whether it may become root.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub allow_sudo: bool,
    /// Bytes per second that its log may have; `None`, or less than 0, is no limit.
    #[serde(
        default,
        rename = "log_rate_limit",
        deserialize_with = "lenient::maybe_whole",
        skip_serializing_if = "Option::is_none"
    )]
    pub log_rate: Option<i64>,
}

/// A service as bound to the application.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ServiceEntry {
    /// Name of the service instance.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub name: String,
    /// Kind of service; the key in `VCAP_SERVICES`.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub label: String,
    /// Tags, sought by libraries.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub tags: Vec<String>,
    /// Name of the plan.
    pub plan: Option<String>,
    /// How to reach it.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub credentials: Map<String, Value>,
    /// Options given at binding.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub options: Map<String, Value>,
    /// Where the service wants the application's logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub syslog_drain_url: Option<String>,
    /// Whatever else belongs to the binding: `binding_name`, `volume_mounts`, `provider` and so on.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// How an instance is checked.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct HealthCheck {
    /// What is looked at.
    #[serde(default, rename = "type", deserialize_with = "lenient::or_default")]
    pub kind: HealthCheckKind,
    /// When and how; every part has a default with the agent.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub data: HealthCheckData,
}

/// What a health check looks at.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HealthCheckKind {
    /// A request is answered with 200.
    Http,
    /// The port takes a connection.
    #[default]
    Port,
    /// The process is alive.
    #[serde(alias = "none")]
    Process,
}

/// The figures of a health check; what is missing is the agent's default.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct HealthCheckData {
    /// Seconds until the first success.
    pub timeout: Option<u32>,
    /// Seconds that one check may take.
    pub invocation_timeout: Option<u32>,
    /// Seconds between two checks.
    pub interval: Option<u32>,
    /// The path that is asked for, with `http`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
}

impl Wire for StartMessage {
    fn empty_key(&self) -> Option<&'static str> {
        first_empty(&[("droplet", &self.process), ("version", &self.version)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = r#"{"droplet":"p1","name":"shop","stack":"lucid64","uris":["shop.localhost"],"prod":false,
        "sha1":null,"executableFile":"deprecated","executableUri":"http://c/d","version":"v1",
        "services":[{"name":"db","label":"postgresql","tags":["sql"],"plan":"free","plan_option":null,
        "credentials":{"uri":"postgres://x"},"options":{}}],
        "limits":{"mem":256,"disk":1024.0,"fds":256,"allow_sudo":true},"env":["A=b=c"],"cc_partition":"default",
        "index":2,"console":false,"debug":null,"start_command":null,"health_check_timeout":null,
        "vcap_application":{"application_id":"a1"},"egress_network_rules":[],"sso_enabled":false,
        "min_cpu_threshold":10}"#;

    #[test]
    fn a_start_message_of_an_older_controller_is_read() {
        let read = StartMessage::decode(OLD.as_bytes()).unwrap();
        assert_eq!((read.process.as_str(), read.index), ("p1", 2));
        assert_eq!((read.limits.mem, read.limits.disk), (256, 1024));
        assert_eq!(read.services[0].credentials["uri"], "postgres://x");
        assert_eq!(read.env, ["A=b=c"]);
        assert!(read.health_check.is_none() && read.app.is_empty());
        assert_eq!(read.other["min_cpu_threshold"], 10);
    }

    #[test]
    fn what_is_encoded_is_decoded_again() {
        let mut message = StartMessage::decode(OLD.as_bytes()).unwrap();
        message.app = "a1".into();
        message.sha256 = Some("00ff".into());
        message.health_check = Some(HealthCheck {
            kind: HealthCheckKind::Http,
            data: HealthCheckData {
                timeout: Some(60),
                endpoint: Some("/up".into()),
                ..HealthCheckData::default()
            },
        });
        assert_eq!(StartMessage::decode(&message.encode()).unwrap(), message);
    }

    #[test]
    fn a_start_message_of_ours_names_every_mandatory_field() {
        let message = StartMessage {
            process: "p1".into(),
            version: "v1".into(),
            ..StartMessage::default()
        };
        let written: Map<String, Value> = serde_json::from_slice(&message.encode()).unwrap();
        for key in [
            "droplet",
            "name",
            "stack",
            "uris",
            "prod",
            "sha1",
            "executableFile",
            "executableUri",
            "version",
            "services",
            "limits",
            "env",
            "cc_partition",
            "index",
            "console",
            "debug",
            "start_command",
            "health_check_timeout",
            "vcap_application",
            "egress_network_rules",
            "app",
            "process_type",
        ] {
            assert!(written.contains_key(key), "{key}");
        }
    }

    #[test]
    fn process_version_and_index_are_mandatory() {
        for (json, key) in [
            (r#"{"version":"v","index":0}"#, "`droplet`"),
            (r#"{"droplet":"p","index":0}"#, "`version`"),
            (r#"{"droplet":"p","version":"v"}"#, "`index`"),
            (r#"{"droplet":"p","version":"","index":0}"#, "`version`"),
        ] {
            let error = StartMessage::decode(json.as_bytes())
                .unwrap_err()
                .to_string();
            assert!(error.contains(key), "{error}");
        }
    }

    #[test]
    fn the_old_word_none_means_process() {
        let check: HealthCheck = serde_json::from_str(r#"{"type":"none","data":null}"#).unwrap();
        assert_eq!(check.kind, HealthCheckKind::Process);
    }
}
