//! Staging: the request to one stager, its two answers, and the order to end.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::advertise::BuildpackLink;
use super::lenient;
use super::message::{Wire, first_empty};
use super::start::{Limits, ServiceEntry, StartMessage};

/// `staging.<id>.start`: a package that is to become a droplet.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct StagingRequest {
    /// The application.
    pub app_id: String,
    /// The space it is in.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub space_guid: String,
    /// The stack that it is built on.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub stack: String,
    /// The build; answers carry it.
    pub task_id: String,
    /// What it is built with.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub properties: StagingProperties,
    /// Where the package is fetched; signed.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub download_uri: String,
    /// Where the droplet is put; signed.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub upload_uri: String,
    /// Where the cache of the last build is fetched; empty when there is none.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub buildpack_cache_download_uri: String,
    /// Where the cache for the next build is put.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub buildpack_cache_upload_uri: String,
    /// The platform's buildpacks in the order in which they are tried.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub admin_buildpacks: Vec<BuildpackLink>,
    /// How index 0 is started; a client of the current API starts it itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_message: Option<Box<StartMessage>>,
    /// Where its packets may go.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub egress_network_rules: Vec<Value>,
    /// The image that is looked at instead of a build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docker_image: Option<String>,
    /// Seconds after which the agent ends the task; `None` is its default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u32>,
}

/// What a package is built with.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct StagingProperties {
    /// Bound services.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub services: Vec<ServiceEntry>,
    /// What the build may use.
    #[serde(
        default,
        rename = "resources",
        deserialize_with = "lenient::or_default"
    )]
    pub limits: StagingLimits,
    /// The user's environment, each `NAME=value`.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub environment: Vec<String>,
    /// How it will be started.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub meta: StagingMeta,
    /// A buildpack of the user's own, by URL.
    #[serde(alias = "buildpack_git_url", skip_serializing_if = "Option::is_none")]
    pub buildpack: Option<String>,
    /// The one buildpack of the platform that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buildpack_key: Option<String>,
    /// Several buildpacks in order, by name, key or URL; none means that they are tried.
    #[serde(
        default,
        deserialize_with = "lenient::or_default",
        skip_serializing_if = "lenient::is_empty"
    )]
    pub buildpacks: Vec<String>,
}

/// What a build may use.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct StagingLimits {
    /// Memory in MB.
    #[serde(default, deserialize_with = "lenient::whole")]
    pub memory: i64,
    /// Disk in MB.
    #[serde(default, deserialize_with = "lenient::whole")]
    pub disk: i64,
    /// Open files.
    #[serde(default, deserialize_with = "lenient::whole")]
    pub fds: i64,
}

impl From<&Limits> for StagingLimits {
    fn from(limits: &Limits) -> Self {
        Self {
            memory: limits.mem,
            disk: limits.disk,
            fds: limits.fds,
        }
    }
}

/// How the staged application will be started.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct StagingMeta {
    /// The user's command; it goes before what buildpacks say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Whether a console port is wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub console: Option<bool>,
}

/// Both answers: the first when the container is ready, the second when the build has ended.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct StagingAnswer {
    /// The build.
    pub task_id: String,
    /// The application; only in the second answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// Where the lines of the build can be followed; only in the first answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_streaming_log_url: Option<String>,
    /// What the buildpack calls what it found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detected_buildpack: Option<String>,
    /// The platform's buildpack that built it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buildpack_key: Option<String>,
    /// SHA-1 of the droplet in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub droplet_sha1: Option<String>,
    /// SHA-256 of the droplet in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Size of the droplet in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// The command of the web process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detected_start_command: Option<String>,
    /// The application's Procfile, by process type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub procfile: Option<Value>,
    /// Commands by process type.
    #[serde(
        default,
        deserialize_with = "lenient::or_default",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub process_types: BTreeMap<String, String>,
    /// The buildpacks that took part, in order.
    #[serde(
        default,
        deserialize_with = "lenient::or_default",
        skip_serializing_if = "lenient::is_empty"
    )]
    pub buildpacks: Vec<StagedBuildpack>,
    /// What went wrong, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What went wrong, for the controller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_info: Option<StagingErrorInfo>,
}

impl StagingAnswer {
    /// What went wrong, however the agent told it; `None` when nothing did.
    pub fn failure(&self) -> Option<StagingErrorInfo> {
        let told = |message: &String| StagingErrorInfo {
            kind: StagingErrorKind::Staging,
            message: message.clone(),
        };
        self.error_info
            .clone()
            .or_else(|| self.error.as_ref().map(told))
    }
}

/// A buildpack that took part in a build.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct StagedBuildpack {
    /// Its name, or the URL that it came from.
    pub name: String,
    /// What its `detect` said.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub detect_output: String,
    /// Its own version.
    pub version: Option<String>,
}

/// Why a build failed.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct StagingErrorInfo {
    /// Which step failed.
    #[serde(default, rename = "type", deserialize_with = "lenient::or_default")]
    pub kind: StagingErrorKind,
    /// For people.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub message: String,
}

/// Which step of a build failed.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum StagingErrorKind {
    /// A buildpack could not build.
    #[serde(rename = "BuildpackCompileFailed")]
    Compile,
    /// No buildpack wanted it.
    #[serde(rename = "NoAppDetectedError")]
    Detect,
    /// A buildpack could not say how to start it.
    #[serde(rename = "BuildpackReleaseFailed")]
    Release,
    /// Anything else, and what this version does not know.
    #[default]
    #[serde(rename = "StagingError", other)]
    Staging,
}

/// `staging.stop`: whatever of this application is being staged is to end.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct StagingStop {
    /// The application.
    pub app_id: String,
    /// Only this build; `None` is whatever is built of the application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
    /// Only the agent with this id; `None` is every agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
}

impl StagingStop {
    /// Whether the agent `agent` is to end the build `task` of the application `app`.
    #[must_use]
    pub fn means(&self, agent: &str, app: &str, task: &str) -> bool {
        let is = |wanted: &Option<String>, it: &str| wanted.as_ref().is_none_or(|one| one == it);
        self.app_id == app && is(&self.task_id, task) && is(&self.agent, agent)
    }
}

impl Wire for StagingRequest {
    fn empty_key(&self) -> Option<&'static str> {
        first_empty(&[("app_id", &self.app_id), ("task_id", &self.task_id)])
    }
}

impl Wire for StagingAnswer {
    fn empty_key(&self) -> Option<&'static str> {
        first_empty(&[("task_id", &self.task_id)])
    }
}

impl Wire for StagingStop {
    fn empty_key(&self) -> Option<&'static str> {
        first_empty(&[("app_id", &self.app_id)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_of_an_older_controller_is_read() {
        let json = br#"{"app_id":"a1","space_guid":"s","stack":"x","task_id":"t1",
            "properties":{"services":[],"resources":{"memory":1024,"disk":4096,"fds":16384},
            "environment":["A=b"],"meta":{"command":"./run"},"buildpack_git_url":"http://b#m"},
            "download_uri":"d","upload_uri":"u","buildpack_cache_download_uri":null,
            "buildpack_cache_upload_uri":"cu","admin_buildpacks":[{"key":"k","url":"ku"}],
            "start_message":{"droplet":"p","version":"v","index":0,"sha1":null},"egress_network_rules":[]}"#;
        let request = StagingRequest::decode(json).unwrap();
        assert_eq!(request.properties.limits.memory, 1024);
        assert_eq!(request.properties.buildpack.as_deref(), Some("http://b#m"));
        assert_eq!(request.properties.meta.command.as_deref(), Some("./run"));
        assert!(request.buildpack_cache_download_uri.is_empty());
        assert_eq!(StagingRequest::decode(&request.encode()).unwrap(), request);
    }

    #[test]
    fn the_first_answer_is_short() {
        let answer = StagingAnswer {
            task_id: "t1".into(),
            task_streaming_log_url: Some("http://l".into()),
            ..StagingAnswer::default()
        };
        let expected = r#"{"task_id":"t1","task_streaming_log_url":"http://l"}"#;
        assert_eq!(String::from_utf8(answer.encode()).unwrap(), expected);
        assert_eq!(answer.failure(), None);
    }

    #[test]
    fn the_second_answer_tells_what_was_built() {
        let json = r#"{"task_id":"t1","app_id":"a1","detected_buildpack":"Ruby","buildpack_key":"k","droplet_sha1":"aa","sha256":"bb","size_bytes":5,"detected_start_command":"rackup","process_types":{"web":"rackup"},"buildpacks":[{"name":"ruby","detect_output":"Ruby","version":"1.2"}]}"#;
        let answer = StagingAnswer::decode(json.as_bytes()).unwrap();
        assert_eq!(answer.process_types["web"], "rackup");
        assert_eq!(String::from_utf8(answer.encode()).unwrap(), json);
    }

    #[test]
    fn a_failure_is_told_in_either_way() {
        let coded = br#"{"task_id":"t","error":"x","error_info":{"type":"NoAppDetectedError","message":"m"}}"#;
        let failure = StagingAnswer::decode(coded).unwrap().failure().unwrap();
        assert_eq!(
            (failure.kind, failure.message.as_str()),
            (StagingErrorKind::Detect, "m")
        );
        let plain = StagingAnswer::decode(br#"{"task_id":"t","error":"x"}"#)
            .unwrap()
            .failure()
            .unwrap();
        assert_eq!(
            (plain.kind, plain.message.as_str()),
            (StagingErrorKind::Staging, "x")
        );
        let new = br#"{"task_id":"t","error_info":{"type":"Unheard","message":null}}"#;
        assert_eq!(
            StagingAnswer::decode(new).unwrap().failure().unwrap().kind,
            StagingErrorKind::Staging
        );
    }

    #[test]
    fn an_answer_without_its_build_is_dropped() {
        assert!(
            StagingAnswer::decode(br#"{"error":"x"}"#)
                .unwrap_err()
                .to_string()
                .contains("`task_id`")
        );
        assert!(StagingStop::decode(br#"{"app_id":""}"#).is_err());
    }

    #[test]
    fn an_order_to_end_means_no_more_than_it_names() {
        let all = StagingStop::decode(br#"{"app_id":"a"}"#).unwrap();
        assert!(all.means("0-x", "a", "t1") && all.means("1-y", "a", "t2"));
        assert!(!all.means("0-x", "b", "t1"));
        let one = StagingStop::decode(br#"{"app_id":"a","task_id":"t1"}"#).unwrap();
        assert!(one.means("0-x", "a", "t1") && !one.means("0-x", "a", "t2"));
        let there = br#"{"app_id":"a","task_id":"t1","agent":"0-x"}"#;
        let there = StagingStop::decode(there).unwrap();
        assert!(there.means("0-x", "a", "t1") && !there.means("1-y", "a", "t1"));
        assert_eq!(StagingStop::decode(&there.encode()).unwrap(), there);
    }
}
