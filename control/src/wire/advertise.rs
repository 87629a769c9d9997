//! How an agent says that it is there, what it can take, and that it goes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::lenient;
use super::message::{Wire, first_empty};

/// `dea.advertise` and `staging.advertise`: what an agent can still take.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Advertisement {
    /// `<index>-<random hex>`, new at each start of the agent.
    pub id: String,
    /// Stacks that its instances can have; none when the field is no list.
    #[serde(default, deserialize_with = "lenient::texts")]
    pub stacks: Vec<String>,
    /// Free memory in MB; less than nothing when the node is overcommitted.
    #[serde(default, deserialize_with = "lenient::whole")]
    pub available_memory: i64,
    /// Free disk in MB; `None` counts as enough.
    #[serde(
        default,
        deserialize_with = "lenient::maybe_whole",
        skip_serializing_if = "Option::is_none"
    )]
    pub available_disk: Option<i64>,
    /// Instances by process guid.
    #[serde(
        default,
        rename = "app_id_to_count",
        deserialize_with = "lenient::or_default"
    )]
    pub instances: BTreeMap<String, u32>,
    /// Where the node stands.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub placement_properties: PlacementProperties,
    /// The node's address.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub ip: String,
    /// The node's memory in MB; 0 when it is not told.
    #[serde(default, deserialize_with = "lenient::whole")]
    pub physical_memory: i64,
    /// Where the agent answers HTTP requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The node, the same for every agent that works there; empty when the agent does not say.
    #[serde(
        default,
        deserialize_with = "lenient::or_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub node: String,
}

/// The zones of a node.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct PlacementProperties {
    /// The one zone of an older agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The placement zones that the node carries.
    #[serde(
        default,
        deserialize_with = "lenient::maybe_texts",
        skip_serializing_if = "Option::is_none"
    )]
    pub zones: Option<Vec<String>>,
    /// The zone over which instances of one application are spread first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
}

/// `dea.start`: an agent has started.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct AgentHello {
    /// The agent.
    pub id: String,
    /// The node's address.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub ip: String,
    /// Version of the agent's software.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub version: String,
}

/// `switchyard.node.<name>`: an agent works under that name of a node, and hears who else does.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct NodeClaim {
    /// The agent.
    pub agent: String,
    /// How many instances live there.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub instances: u32,
}

/// `dea.shutdown`: an agent takes nothing any more; what it runs is about to end.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct AgentShutdown {
    /// The agent.
    pub id: String,
    /// The node's address.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub ip: String,
    /// Version of the agent's software.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub version: String,
    /// Instances by process guid.
    #[serde(
        default,
        rename = "app_id_to_count",
        deserialize_with = "lenient::or_default"
    )]
    pub instances: BTreeMap<String, u32>,
}

/// The reply to `dea.status`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct AgentStatus {
    /// The agent.
    pub id: String,
    /// The node's address.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub ip: String,
    /// Version of the agent's software.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub version: String,
    /// Capacity in MB.
    #[serde(default, deserialize_with = "lenient::whole")]
    pub max_memory: i64,
    /// Promised to instances and staging tasks, in MB.
    #[serde(default, deserialize_with = "lenient::whole")]
    pub reserved_memory: i64,
    /// In use, in MB.
    #[serde(default, deserialize_with = "lenient::whole")]
    pub used_memory: i64,
    /// Always `null`.
    pub num_clients: Option<i64>,
}

/// One element of `buildpacks`: a buildpack that stagers fetch ahead of time.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct BuildpackLink {
    /// What it is known by.
    pub key: String,
    /// Where it is fetched.
    pub url: String,
}

impl Wire for Advertisement {
    fn empty_key(&self) -> Option<&'static str> {
        first_empty(&[("id", &self.id)])
    }
}

impl Wire for NodeClaim {
    fn empty_key(&self) -> Option<&'static str> {
        first_empty(&[("agent", &self.agent)])
    }
}

impl Wire for AgentHello {
    fn empty_key(&self) -> Option<&'static str> {
        first_empty(&[("id", &self.id)])
    }
}

impl Wire for AgentShutdown {
    fn empty_key(&self) -> Option<&'static str> {
        first_empty(&[("id", &self.id)])
    }
}

impl Wire for AgentStatus {
    fn empty_key(&self) -> Option<&'static str> {
        first_empty(&[("id", &self.id)])
    }
}

impl Wire for Vec<BuildpackLink> {}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = r#"{"id":"0-1a2b","stacks":["switchyard"],"available_memory":1024,"available_disk":4096,"app_id_to_count":{"p1":2},"placement_properties":{"zone":"default","zones":["a","b"],"availability_zone":"az1"},"ip":"10.0.0.5","physical_memory":8192,"url":"http://10.0.0.5:1"}"#;

    #[test]
    fn every_field_of_an_advertisement_is_read_and_written() {
        let read = Advertisement::decode(FULL.as_bytes()).unwrap();
        assert_eq!(read.instances.get("p1"), Some(&2));
        assert_eq!(read.available_disk, Some(4096));
        assert_eq!(String::from_utf8(read.encode()).unwrap(), FULL);
    }

    #[test]
    fn an_advertisement_without_an_id_is_dropped_and_the_key_is_named() {
        let missing = Advertisement::decode(br#"{"stacks":[]}"#).unwrap_err();
        assert!(missing.to_string().contains("`id`"), "{missing}");
        let empty = Advertisement::decode(br#"{"id":""}"#).unwrap_err();
        assert_eq!(empty.to_string(), "`id` is empty");
    }

    #[test]
    fn stacks_that_are_no_list_are_none_and_unknown_fields_are_ignored() {
        let read = Advertisement::decode(br#"{"id":"a","stacks":"x","other":{"y":[1]}}"#).unwrap();
        assert!(read.stacks.is_empty());
        assert_eq!((read.available_memory, read.available_disk), (0, None));
    }

    #[test]
    fn fractions_negative_numbers_and_null_are_taken() {
        let json = br#"{"id":"a","available_memory":-12.5,"available_disk":null,
            "app_id_to_count":null,"placement_properties":null,"ip":null}"#;
        let read = Advertisement::decode(json).unwrap();
        assert_eq!((read.available_memory, read.available_disk), (-12, None));
    }

    #[test]
    fn the_status_of_an_agent_counts_no_clients() {
        let status = AgentStatus {
            id: "a".into(),
            ..AgentStatus::default()
        };
        let expected = r#"{"id":"a","ip":"","version":"","max_memory":0,"reserved_memory":0,"used_memory":0,"num_clients":null}"#;
        assert_eq!(String::from_utf8(status.encode()).unwrap(), expected);
    }

    #[test]
    fn buildpacks_are_a_bare_list() {
        let links = vec![BuildpackLink {
            key: "k".into(),
            url: "http://b".into(),
        }];
        assert_eq!(links.encode(), br#"[{"key":"k","url":"http://b"}]"#);
        assert_eq!(Vec::decode(&links.encode()).unwrap(), links);
    }
}
