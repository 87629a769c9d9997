//! The values that pass between the agent and an engine.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A container to be started.
#[derive(Clone, Debug)]
pub struct ContainerSpec {
    /// Its name at the engine, unique on the node: letters, digits, `-` and `_`.
    pub handle: String,
    /// Whose it is; found again by [`Runtime::list`](super::Runtime::list).
    pub labels: Labels,
    /// The image to run in. Plain processes have none.
    pub image: Image,
    /// The host directory with `app/ logs/ tmp/ deps/ profile.d/`, which exists already.
    pub root: PathBuf,
    /// The memory of all its processes together, in MB; 0 means no limit.
    pub memory_mb: u64,
    /// What its directory may take, in MB; 0 means no limit. The agent compares it with [`Usage`].
    pub disk_mb: u64,
    /// Open files of each process; 0 leaves the engine's default.
    pub max_open_files: u64,
    /// Its whole environment; nothing of the agent's own is added.
    pub env: Vec<(String, String)>,
    /// The program and its arguments. Its working directory is the root as the container sees it.
    pub command: Vec<String>,
    /// Where standard output goes, below `root`; written by the container itself, appended to.
    pub stdout: PathBuf,
    /// Where standard error goes, below `root`.
    pub stderr: PathBuf,
    /// The port it listens on, when it listens; from
    /// [`Runtime::take_port`](super::Runtime::take_port).
    pub port: Option<PortRequest>,
    /// What it may do beyond its own directory.
    pub access: Access,
}

/// The image that a container runs in.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Image {
    /// The first of the node's images that is there.
    #[default]
    Default,
    /// This one and no other: the application brought it along.
    Own(String),
    /// The one that the droplet was staged in, as long as it is one of the node's and is there;
    /// otherwise as `Default`.
    StagedIn(String),
}

/// What a container may do beyond its own directory.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Access {
    /// Host directories that it may read, as `(host, inside)`. A plain process reads `host`.
    pub read_only: Vec<(PathBuf, PathBuf)>,
    /// Host directories that it may write, as `(host, inside)`. A plain process writes `host`.
    pub writable: Vec<(PathBuf, PathBuf)>,
}

/// A port of the node that is kept for one container.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PortRequest {
    /// The port that the program listens on.
    pub internal: u16,
    /// The port of the node that leads there.
    pub external: u16,
}

/// Whose a container is. The engine keeps it beside the container; it is the only record.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Labels {
    /// The app.
    pub app_guid: String,
    /// The instance, or the staging task.
    pub instance_guid: String,
    /// The instance's index; 0 for staging.
    pub index: u32,
    /// The process's version.
    pub version: String,
    /// What it is there for.
    pub role: Role,
}

/// What a container is there for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It runs an instance.
    App,
    /// It stages a droplet.
    Stage,
}

impl Role {
    /// The label's text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Stage => "stage",
        }
    }
}

/// A container that runs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Started {
    /// The name it was given.
    pub handle: String,
    /// The program's process id on the node, when the engine tells it.
    pub pid: Option<u32>,
    /// The image it runs in, where there are images.
    pub image: Option<String>,
}

/// How a container ended.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Exit {
    /// Why.
    pub cause: Cause,
    /// When, in microseconds since 1970; 0 when nobody saw it.
    pub at_micros: i64,
}

/// Why a container ended.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The program ended with this status.
    Code(i32),
    /// It ended, but nobody who could tell how was left.
    Lost,
    /// It took more memory than it may, in MB.
    OutOfMemory {
        /// The limit.
        limit_mb: u64,
    },
    /// A signal ended it.
    Signal(i32),
    /// It had more processes than it may.
    TooManyProcesses {
        /// The limit.
        limit: u64,
    },
}

impl Cause {
    /// The status as a shell tells it: 128 more than the signal; -1 when it is no process's status.
    pub fn exit_status(&self) -> i32 {
        match self {
            Self::Code(code) => *code,
            Self::Signal(signal) => 128 + signal,
            Self::Lost | Self::OutOfMemory { .. } | Self::TooManyProcesses { .. } => -1,
        }
    }
}

/// What a container takes at this moment. What could not be measured is `None`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Usage {
    /// Processor time since its start, of all its processes.
    pub cpu_time: Option<Duration>,
    /// Memory in bytes.
    pub memory_bytes: Option<u64>,
    /// What its directory takes, in bytes.
    pub disk_bytes: Option<u64>,
    /// How many processes it has.
    pub processes: Option<u64>,
}

/// A container that the engine knows, running or ended and not removed yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Labelled {
    /// Its name.
    pub handle: String,
    /// Whose it is.
    pub labels: Labels,
    /// Whether it runs.
    pub running: bool,
    /// The port that it was given.
    pub port: Option<PortRequest>,
}
