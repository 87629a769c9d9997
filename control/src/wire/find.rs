//! `dea.find.droplet`: which instances of a process are there, and what do they use?

use serde::{Deserialize, Serialize};

use super::instance::InstanceState;
use super::lenient;
use super::message::{Wire, first_empty};

/// The question; each instance that meets every given condition is answered for.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct FindInstances {
    /// The process.
    #[serde(rename = "droplet")]
    pub process: String,
    /// Only this version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Only those in these states.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub states: Option<Vec<InstanceState>>,
    /// Only these indices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indices: Option<Vec<u32>>,
    /// Only these instance guids.
    #[serde(alias = "instances", skip_serializing_if = "Option::is_none")]
    pub instance_ids: Option<Vec<String>>,
    /// A file or directory of the instance that a link is wanted for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Whether the numbers are wanted too.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub include_stats: bool,
}

/// The reply for one instance.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct FoundInstance {
    /// The agent that runs it.
    #[serde(default, rename = "dea", deserialize_with = "lenient::or_default")]
    pub agent: String,
    /// The process.
    #[serde(rename = "droplet")]
    pub process: String,
    /// The version that it is of.
    #[serde(default, deserialize_with = "lenient::or_default")]
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
    /// Where its files were served by the first generation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_uri: Option<String>,
    /// Where the wanted file is served; signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_uri_v2: Option<String>,
    /// Name and password for `file_uri`.
    #[serde(
        default,
        deserialize_with = "lenient::or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub credentials: Vec<String>,
    /// `/<instance guid>`.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub staged: String,
    /// The numbers, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stats: Option<FoundStats>,
    /// The node's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_ip: Option<String>,
    /// The address inside its container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_ip: Option<String>,
    /// The port inside its container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_port: Option<u16>,
    /// The container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docker_id: Option<String>,
}

/// The numbers of one instance.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct FoundStats {
    /// Name of the application.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub name: String,
    /// Its routes.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub uris: Vec<String>,
    /// The address that it is registered with.
    pub host: Option<String>,
    /// The port that it is registered with.
    pub port: Option<u16>,
    /// Seconds since it was started.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub uptime: f64,
    /// How much memory it may use, in bytes.
    #[serde(default, deserialize_with = "lenient::whole")]
    pub mem_quota: i64,
    /// How much disk it may use, in bytes.
    #[serde(default, deserialize_with = "lenient::whole")]
    pub disk_quota: i64,
    /// How many files it may have open.
    #[serde(default, deserialize_with = "lenient::whole")]
    pub fds_quota: i64,
    /// What it uses.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub usage: FoundUsage,
}

/// One measurement of an instance.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct FoundUsage {
    /// When it was taken, as `YYYY-MM-DD HH:MM:SS +0000`; empty when nothing was measured yet.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub time: String,
    /// Share of one core.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub cpu: f64,
    /// Memory in KB (1024 bytes).
    #[serde(default, deserialize_with = "lenient::whole")]
    pub mem: i64,
    /// Disk in bytes.
    #[serde(default, deserialize_with = "lenient::whole")]
    pub disk: i64,
}

impl Wire for FindInstances {
    fn empty_key(&self) -> Option<&'static str> {
        first_empty(&[("droplet", &self.process)])
    }
}

impl Wire for FoundInstance {
    fn empty_key(&self) -> Option<&'static str> {
        first_empty(&[("droplet", &self.process), ("instance", &self.instance)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_of_an_older_agent_is_read() {
        let json = br#"{"dea":"0-1","droplet":"p","version":"v","instance":"i","index":1,"state":"RUNNING",
            "state_timestamp":1400000000.25,"file_uri":"http://f/","credentials":["u","w"],"staged":"/i",
            "stats":{"name":"shop","uris":["a"],"host":"10.0.0.1","port":61000,"uptime":12.7,
            "mem_quota":268435456,"disk_quota":1073741824,"fds_quota":256,
            "usage":{"time":"2014-05-13 16:53:20 +0000","cpu":0.25,"mem":2048,"disk":4096}},
            "host_ip":"10.0.0.1","debug_ip":null,"docker_id":"d"}"#;
        let found = FoundInstance::decode(json).unwrap();
        let stats = found.stats.as_ref().unwrap();
        assert_eq!((stats.usage.mem, stats.mem_quota), (2048, 268_435_456));
        assert_eq!(FoundInstance::decode(&found.encode()).unwrap(), found);
    }

    #[test]
    fn numbers_may_be_missing() {
        let json = br#"{"droplet":"p","instance":"i","index":0,"state":"STARTING","stats":{"usage":{"cpu":null}}}"#;
        let found = FoundInstance::decode(json).unwrap();
        assert_eq!(found.stats.unwrap().usage, FoundUsage::default());
    }

    #[test]
    fn the_question_names_only_its_conditions() {
        let question = FindInstances {
            process: "p".into(),
            indices: Some(vec![0]),
            include_stats: true,
            ..FindInstances::default()
        };
        let expected = r#"{"droplet":"p","indices":[0],"include_stats":true}"#;
        assert_eq!(String::from_utf8(question.encode()).unwrap(), expected);
        assert!(FindInstances::decode(br#"{"include_stats":true}"#).is_err());
    }
}
