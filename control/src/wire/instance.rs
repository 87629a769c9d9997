//! Instances that run, stop and end: `dea.stop`, `dea.update`, `dea.heartbeat`, `droplet.*`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::lenient;
use super::message::{Wire, first_empty};
use super::start::UriOptions;

/// Where an agent says that an instance stands.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum InstanceState {
    /// Admitted, nothing done yet.
    Born,
    /// Ended by itself, kept for a look.
    Crashed,
    /// Serves until its replacement does.
    Evacuating,
    /// Being taken up again by an agent that was restarted.
    Resuming,
    /// Passes its health check.
    Running,
    /// On its way to the first success of the health check.
    Starting,
    /// Told to end.
    Stopping,
    /// Ended as it was told.
    Stopped,
    /// A word that this version does not know.
    #[default]
    #[serde(other)]
    Unknown,
}

/// `dea.stop`: ends the instances of a process that meet every given condition.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Stop {
    /// The process.
    #[serde(rename = "droplet")]
    pub process: String,
    /// Only this version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Only these instance guids.
    #[serde(alias = "instance_ids", skip_serializing_if = "Option::is_none")]
    pub instances: Option<Vec<String>>,
    /// Only these indices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indices: Option<Vec<u32>>,
    /// Only those in these states.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub states: Option<Vec<InstanceState>>,
}

/// `dea.update`: the routes of a process, and perhaps its version, are now these.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Update {
    /// The process.
    #[serde(rename = "droplet")]
    pub process: String,
    /// All its routes.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub uris: Vec<String>,
    /// What routers are told of some of these besides.
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "lenient::or_default"
    )]
    pub uri_options: UriOptions,
    /// The version that its instances are now of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// `dea.heartbeat`: every instance of an agent; an empty list when it has none.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Heartbeat {
    /// The agent.
    #[serde(rename = "dea")]
    pub agent: String,
    /// Its instances.
    #[serde(default, rename = "droplets", deserialize_with = "lenient::or_default")]
    pub instances: Vec<HeartbeatInstance>,
    /// The node, the same for every agent that works there; empty when the agent does not say.
    #[serde(
        default,
        deserialize_with = "lenient::or_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub node: String,
    /// The agent's clock, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<f64>,
    /// The word of the [`RollCall`] that this answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers: Option<String>,
}

impl Heartbeat {
    /// The node; an agent that does not say is one of its own.
    #[must_use]
    pub fn node(&self) -> &str {
        match self.node.as_str() {
            "" => &self.agent,
            node => node,
        }
    }
}

/// `healthmanager.start`: every agent shall say at once what it has.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct RollCall {
    /// What the answer repeats; `None` when only to hear it matters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub word: Option<String>,
}

/// One instance in a heartbeat.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct HeartbeatInstance {
    /// The process.
    #[serde(rename = "droplet")]
    pub process: String,
    /// The version that it is of.
    pub version: String,
    /// Its own guid.
    pub instance: String,
    /// From 0.
    pub index: u32,
    /// Where it stands.
    pub state: InstanceState,
    /// Since when, in seconds since 1970.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub state_timestamp: f64,
    /// Which partition of the platform asked for it.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub cc_partition: String,
    /// Whether it is registered at the router; `None` when the agent does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routable: Option<bool>,
}

/// `droplet.exited`: an instance has ended.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Exited {
    /// The process.
    #[serde(rename = "droplet")]
    pub process: String,
    /// The version that it was of.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub version: String,
    /// Its own guid.
    pub instance: String,
    /// From 0.
    pub index: u32,
    /// Why.
    pub reason: ExitReason,
    /// The exit status of its process; -1 when that is not what ended it.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub exit_status: i64,
    /// Why, for people.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub exit_description: String,
    /// When it crashed, in seconds since 1970; only with [`ExitReason::Crashed`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crash_timestamp: Option<f64>,
    /// Which partition of the platform asked for it.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub cc_partition: String,
    /// Whether the node is to blame (no memory, no disk, no droplet), not the application.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub node_fault: bool,
}

impl Exited {
    /// Whether its node is to blame, and not the application.
    pub fn is_node_fault(&self) -> bool {
        // compat: agents that do not say so say it in these words (dea_ng instance.rb).
        const WORDS: [&str; 2] = ["Not enough ", "Could not download "];
        let description = self.exit_description.as_str();
        self.node_fault || WORDS.iter().any(|words| description.starts_with(words))
    }
}

/// Why an instance has ended.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub enum ExitReason {
    /// By itself, or because it failed its health check.
    #[default]
    #[serde(rename = "CRASHED")]
    Crashed,
    /// Its node is being emptied; it still serves until its replacement runs.
    #[serde(rename = "DEA_EVACUATION")]
    Evacuation,
    /// Its agent goes, and takes it along.
    #[serde(rename = "DEA_SHUTDOWN")]
    Shutdown,
    /// It was told to.
    #[serde(rename = "STOPPED")]
    Stopped,
}

/// `droplet.updated`: the desired state of a process was written; read it again.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Updated {
    /// The process.
    #[serde(rename = "droplet")]
    pub process: String,
}

impl Wire for Stop {
    fn empty_key(&self) -> Option<&'static str> {
        first_empty(&[("droplet", &self.process)])
    }
}

impl Wire for Update {
    fn empty_key(&self) -> Option<&'static str> {
        first_empty(&[("droplet", &self.process)])
    }
}

impl Wire for Heartbeat {
    fn empty_key(&self) -> Option<&'static str> {
        first_empty(&[("dea", &self.agent)])
    }
}

impl Wire for RollCall {}

impl Wire for Exited {
    fn empty_key(&self) -> Option<&'static str> {
        first_empty(&[("droplet", &self.process), ("instance", &self.instance)])
    }
}

impl Wire for Updated {
    fn empty_key(&self) -> Option<&'static str> {
        first_empty(&[("droplet", &self.process)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(message: &impl Wire) -> String {
        String::from_utf8(message.encode()).unwrap()
    }

    #[test]
    fn a_stop_names_only_its_conditions() {
        let mut stop = Stop {
            process: "p1".into(),
            ..Stop::default()
        };
        assert_eq!(written(&stop), r#"{"droplet":"p1"}"#);
        stop.version = Some("v1".into());
        stop.indices = Some(vec![2, 3]);
        stop.states = Some(vec![InstanceState::Crashed]);
        let expected = r#"{"droplet":"p1","version":"v1","indices":[2,3],"states":["CRASHED"]}"#;
        assert_eq!(written(&stop), expected);
        assert_eq!(Stop::decode(expected.as_bytes()).unwrap(), stop);
    }

    #[test]
    fn instances_of_a_stop_have_two_names() {
        for key in ["instances", "instance_ids"] {
            let json = format!(r#"{{"droplet":"p","{key}":["i1"],"version":null}}"#);
            let stop = Stop::decode(json.as_bytes()).unwrap();
            assert_eq!(
                stop.instances.as_deref(),
                Some(["i1".to_owned()].as_slice())
            );
        }
    }

    #[test]
    fn a_stop_without_a_process_would_stop_everything_and_is_dropped() {
        assert!(Stop::decode(b"{}").is_err());
        assert!(Stop::decode(br#"{"droplet":""}"#).is_err());
        assert!(Stop::decode(br#"{"droplet":null}"#).is_err());
    }

    #[test]
    fn a_heartbeat_is_written_as_agents_write_it() {
        let heartbeat = Heartbeat {
            agent: "0-1a".into(),
            instances: vec![HeartbeatInstance {
                process: "p1".into(),
                version: "v1".into(),
                instance: "i1".into(),
                index: 0,
                state: InstanceState::Running,
                state_timestamp: 1400000000.5,
                cc_partition: "default".into(),
                routable: None,
            }],
            ..Heartbeat::default()
        };
        let expected = r#"{"dea":"0-1a","droplets":[{"droplet":"p1","version":"v1","instance":"i1","index":0,"state":"RUNNING","state_timestamp":1400000000.5,"cc_partition":"default"}]}"#;
        assert_eq!(written(&heartbeat), expected);
        assert_eq!(Heartbeat::decode(expected.as_bytes()).unwrap(), heartbeat);
    }

    #[test]
    fn a_heartbeat_names_its_node_its_clock_and_what_it_answers() {
        let json = r#"{"dea":"0-1a","droplets":[],"node":"n","time":7.5,"answers":"w"}"#;
        let heartbeat = Heartbeat::decode(json.as_bytes()).unwrap();
        assert_eq!(
            (written(&heartbeat).as_str(), heartbeat.node()),
            (json, "n")
        );
        let older = Heartbeat::decode(br#"{"dea":"0-1a","node":null}"#).unwrap();
        assert_eq!(older.node(), "0-1a");
        assert_eq!(RollCall::decode(b"{}").unwrap().word, None);
    }

    #[test]
    fn a_heartbeat_may_be_empty_and_know_new_states() {
        assert!(
            Heartbeat::decode(br#"{"dea":"a"}"#)
                .unwrap()
                .instances
                .is_empty()
        );
        let json = br#"{"dea":"a","droplets":[{"droplet":"p","version":"v","instance":"i","index":1,"state":"DREAMING"}]}"#;
        let read = Heartbeat::decode(json).unwrap();
        assert_eq!(read.instances[0].state, InstanceState::Unknown);
        assert!(Heartbeat::decode(br#"{"droplets":[]}"#).is_err());
        assert!(Heartbeat::decode(b"not json").is_err());
    }

    #[test]
    fn every_reason_of_an_exit_is_read() {
        for (word, reason) in [
            ("CRASHED", ExitReason::Crashed),
            ("DEA_SHUTDOWN", ExitReason::Shutdown),
            ("DEA_EVACUATION", ExitReason::Evacuation),
            ("STOPPED", ExitReason::Stopped),
        ] {
            let json = format!(
                r#"{{"droplet":"p","version":"v","instance":"i","index":0,"reason":"{word}","exit_status":-1,"exit_description":"out of memory","crash_timestamp":1400000000,"cc_partition":"x"}}"#
            );
            let exited = Exited::decode(json.as_bytes()).unwrap();
            assert_eq!((exited.reason, exited.exit_status), (reason, -1));
            assert!(written(&exited).contains(&format!(r#""reason":"{word}""#)));
        }
        assert!(
            Exited::decode(br#"{"droplet":"p","instance":"i","index":0,"reason":"BORED"}"#)
                .is_err()
        );
    }

    #[test]
    fn an_update_without_routes_takes_them_all_away() {
        let update = Update::decode(br#"{"droplet":"p","uris":null}"#).unwrap();
        assert!(update.uris.is_empty() && update.version.is_none());
    }
}
