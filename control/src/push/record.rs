//! The objects of the API, as far as a client of ours reads them.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Anything that is only named.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Named {
    pub(super) guid: String,
    pub(super) name: String,
}

/// An application.
#[derive(Clone, Debug, Deserialize)]
pub struct App {
    /// Its id.
    pub guid: String,
    /// Its name in its space.
    pub name: String,
    /// `STARTED` or `STOPPED`.
    pub state: String,
}

impl App {
    /// Whether it is meant to run.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.state == "STARTED"
    }
}

/// One kind of process of an application.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Process {
    pub(super) guid: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) instances: u32,
    pub(super) memory_in_mb: u64,
    pub(super) disk_in_mb: u64,
}

/// What the instances of a process do.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Stats {
    pub(super) resources: Vec<Instance>,
}

/// One instance.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Instance {
    pub(super) index: u32,
    pub(super) state: String,
    #[serde(default)]
    pub(super) instance_guid: Option<String>,
    /// Seconds.
    #[serde(default)]
    pub(super) uptime: Option<u64>,
    #[serde(default)]
    pub(super) details: Option<String>,
    #[serde(default)]
    pub(super) usage: Usage,
    /// Bytes.
    #[serde(default)]
    pub(super) mem_quota: Option<u64>,
    /// Bytes.
    #[serde(default)]
    pub(super) disk_quota: Option<u64>,
}

/// What an instance uses; nothing is known while it starts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Usage {
    /// 1.0 is one processor.
    pub(super) cpu: Option<f64>,
    /// Bytes.
    pub(super) mem: Option<u64>,
    /// Bytes.
    pub(super) disk: Option<u64>,
}

/// An uploaded package.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Package {
    pub(super) guid: String,
    pub(super) state: String,
    #[serde(default)]
    pub(super) data: PackageFacts,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PackageFacts {
    pub(super) error: Option<String>,
}

/// One staging.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Build {
    pub(super) guid: String,
    pub(super) state: String,
    pub(super) error: Option<String>,
    pub(super) droplet: Option<Reference>,
}

/// Another object's id.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Reference {
    pub(super) guid: String,
}

/// What staging made.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Droplet {
    pub(super) guid: String,
    #[serde(default)]
    pub(super) process_types: Option<BTreeMap<String, String>>,
    #[serde(default)]
    pub(super) buildpacks: Option<Vec<Buildpack>>,
}

/// A buildpack that took part in a staging.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Buildpack {
    pub(super) name: String,
    #[serde(default)]
    pub(super) detect_output: Option<String>,
}

/// One replacement of instances by others.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Deployment {
    pub(super) guid: String,
    pub(super) status: DeploymentStatus,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct DeploymentStatus {
    pub(super) value: String,
    pub(super) reason: String,
}

/// What a platform says of itself, as far as it is needed.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct Platform {
    #[serde(default)]
    pub(super) custom: Custom,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct Custom {
    /// The port of its routers, where it is not the usual one; other platforms do not say.
    #[serde(default)]
    pub(super) app_port: Option<u16>,
}

/// An address of an application.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Route {
    pub(super) guid: String,
    pub(super) url: String,
    #[serde(default)]
    pub(super) destinations: Vec<Destination>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Destination {
    pub(super) app: Reference,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_that_only_has_a_state_is_read() {
        let text = r#"{"resources":[{"type":"web","index":1,"state":"DOWN","uptime":0}]}"#;
        let stats: Stats = serde_json::from_str(text).unwrap();
        assert_eq!(stats.resources.first().unwrap().state, "DOWN");
    }

    #[test]
    fn a_build_that_goes_on_has_no_droplet_yet() {
        let text = r#"{"guid":"b","state":"STAGING","error":null,"droplet":null}"#;
        let build: Build = serde_json::from_str(text).unwrap();
        assert!(build.droplet.is_none());
    }
}
