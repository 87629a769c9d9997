//! What the health reconciler is asked, answers and asks for: `healthmanager.*` and `health.*`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::lenient;
use super::message::{Wire, first_empty};

/// `healthmanager.status`: which instances crashed, or which indices flap?
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct StatusQuestion {
    /// The process.
    #[serde(rename = "droplet")]
    pub process: String,
    /// Its version; `None` is the live one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// `CRASHED` or `FLAPPING`.
    pub state: String,
}

/// The reply to a [`StatusQuestion`] about `CRASHED`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct CrashedInstances {
    /// Newest last.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub instances: Vec<CrashedInstance>,
}

/// An instance that crashed.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct CrashedInstance {
    /// Its guid.
    pub instance: String,
    /// When, in seconds since 1970.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub since: f64,
}

/// The reply to a [`StatusQuestion`] about `FLAPPING`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct FlappingIndices {
    /// By index.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub indices: Vec<FlappingIndex>,
}

/// An index that crashes again and again.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct FlappingIndex {
    /// From 0.
    pub index: u32,
    /// Since when, in seconds since 1970.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub since: f64,
}

/// `healthmanager.health` and `healthmanager.droplet`: what is known of these processes?
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ProcessNames {
    /// The processes.
    #[serde(rename = "droplets")]
    pub processes: Vec<ProcessName>,
}

/// A process that is asked about.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ProcessName {
    /// The process.
    #[serde(rename = "droplet")]
    pub process: String,
    /// Its version; `None` is the live one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// The reply to `healthmanager.health` for one process.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct HealthyInstances {
    /// The process.
    #[serde(rename = "droplet")]
    pub process: String,
    /// Its version.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub version: String,
    /// How many of its instances are healthy.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub healthy: u32,
}

/// The reply to `healthmanager.droplet` for one process.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ProcessRecord {
    /// The process.
    #[serde(rename = "droplet")]
    pub process: String,
    /// Its live version; empty when nothing is desired.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub version: String,
    /// How many instances it should have.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub desired: u32,
    /// What runs now.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub running: HealthCounts,
    /// Each desired index.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub indices: Vec<IndexRecord>,
}

/// What is known of one index.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct IndexRecord {
    /// From 0.
    pub index: u32,
    /// The guid of its instance; empty when it has none.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub instance: String,
    /// `RUNNING`, `STARTING`, `CRASHED` and so on.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub state: String,
    /// Since when, in seconds since 1970.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub since: f64,
    /// Whether its restart is delayed or was given up.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub flapping: bool,
    /// Why it has no instance, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
}

/// Running instances by version.
pub type HealthCounts = BTreeMap<String, u32>;

/// `health.start`: one index is to be started.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct HealthStart {
    /// The process.
    #[serde(rename = "droplet")]
    pub process: String,
    /// The desired state that this is drawn from, in seconds since 1970.
    #[serde(default, deserialize_with = "lenient::whole")]
    pub last_updated: i64,
    /// The version to start.
    pub version: String,
    /// Exactly one index.
    pub indices: Vec<u32>,
    /// What runs now.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub running: HealthCounts,
    /// Whether it is the delayed restart of an index that crashes again and again.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub flapping: bool,
}

/// `health.stop`: instances are to be stopped.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct HealthStop {
    /// The process.
    #[serde(rename = "droplet")]
    pub process: String,
    /// The desired state that this is drawn from, in seconds since 1970.
    #[serde(default, deserialize_with = "lenient::whole")]
    pub last_updated: i64,
    /// Versions by instance guid.
    pub instances: BTreeMap<String, String>,
    /// What runs now.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub running: HealthCounts,
    /// The live version.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub version: String,
}

/// `health.scale`: the pool of nodes is too small.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Scale {
    /// Only `up` is used.
    pub op: String,
}

impl Wire for StatusQuestion {
    fn empty_key(&self) -> Option<&'static str> {
        first_empty(&[("droplet", &self.process), ("state", &self.state)])
    }
}

impl Wire for CrashedInstances {}

impl Wire for FlappingIndices {}

impl Wire for ProcessNames {
    fn empty_key(&self) -> Option<&'static str> {
        let empty = self.processes.iter().any(|name| name.process.is_empty());
        empty.then_some("droplet")
    }
}

impl Wire for HealthyInstances {
    fn empty_key(&self) -> Option<&'static str> {
        first_empty(&[("droplet", &self.process)])
    }
}

impl Wire for ProcessRecord {
    fn empty_key(&self) -> Option<&'static str> {
        first_empty(&[("droplet", &self.process)])
    }
}

impl Wire for HealthStart {
    fn empty_key(&self) -> Option<&'static str> {
        first_empty(&[("droplet", &self.process), ("version", &self.version)])
    }
}

impl Wire for HealthStop {
    fn empty_key(&self) -> Option<&'static str> {
        first_empty(&[("droplet", &self.process)])
    }
}

impl Wire for Scale {
    fn empty_key(&self) -> Option<&'static str> {
        first_empty(&[("op", &self.op)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same<T: Wire>(json: &str) {
        let read = T::decode(json.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(read.encode()).unwrap(), json);
    }

    #[test]
    fn questions_and_replies_are_written_as_they_are_read() {
        same::<StatusQuestion>(r#"{"droplet":"p","version":"v","state":"CRASHED"}"#);
        same::<CrashedInstances>(r#"{"instances":[{"instance":"i","since":1.5}]}"#);
        same::<FlappingIndices>(r#"{"indices":[{"index":0,"since":1.5}]}"#);
        same::<ProcessNames>(r#"{"droplets":[{"droplet":"p","version":"v"},{"droplet":"q"}]}"#);
        same::<HealthyInstances>(r#"{"droplet":"p","version":"v","healthy":2}"#);
        same::<ProcessRecord>(
            r#"{"droplet":"p","version":"v","desired":1,"running":{"v":1},"indices":[{"index":0,"instance":"i","state":"RUNNING","since":1.5,"flapping":false}]}"#,
        );
        same::<Scale>(r#"{"op":"up"}"#);
    }

    #[test]
    fn starts_and_stops_are_written_as_they_are_read() {
        same::<HealthStart>(
            r#"{"droplet":"p","last_updated":7,"version":"v","indices":[1],"running":{"v":1},"flapping":false}"#,
        );
        same::<HealthStop>(
            r#"{"droplet":"p","last_updated":7,"instances":{"i":"v"},"running":{"v":3},"version":"v"}"#,
        );
    }

    #[test]
    fn malformed_requests_are_refused_not_guessed() {
        assert!(HealthStart::decode(br#"{"droplet":"p","version":"v"}"#).is_err());
        assert!(HealthStart::decode(br#"{"droplet":"p","version":"v","indices":[-1]}"#).is_err());
        assert!(HealthStop::decode(br#"{"droplet":"p"}"#).is_err());
        assert!(ProcessNames::decode(br#"{"droplets":{"a":1}}"#).is_err());
        assert!(ProcessNames::decode(br#"{"droplets":[{"droplet":""}]}"#).is_err());
    }
}
