//! Instances as they are reported: where each one stands, and what it uses.

use super::Micros;

/// Where an instance stands, in the words of the client API.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum InstanceState {
    /// It ended by itself and is kept for a look.
    Crashed,
    /// Nothing is known of this index.
    Down,
    /// It runs and does not pass its health check yet.
    Starting,
    /// It was told to end.
    Stopping,
    /// It passes its health check.
    Running,
}

impl InstanceState {
    /// The word of the client API, as in `RUNNING`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Crashed => "CRASHED",
            Self::Down => "DOWN",
            Self::Starting => "STARTING",
            Self::Stopping => "STOPPING",
            Self::Running => "RUNNING",
        }
    }
}

/// What the heartbeats say of one index of a process.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InstanceReport {
    /// From 0 to one less than the number of instances.
    pub index: u32,
    /// The instance's own guid; empty when nothing is known of this index.
    pub instance: String,
    /// Where it stands.
    pub state: InstanceState,
    /// Since when.
    pub since: Micros,
    /// Whether requests are sent to it; `None` when that is not known.
    pub routable: Option<bool>,
    /// Why it is where it is, for people.
    pub details: Option<String>,
}

/// The numbers of one running instance; what an agent did not say is missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InstanceStats {
    /// Which index it serves.
    pub index: u32,
    /// The instance's own guid.
    pub instance: String,
    /// The address that requests are sent to.
    pub host: Option<String>,
    /// The address inside its container.
    pub internal_ip: Option<String>,
    /// The ports that it is reached at.
    pub ports: Vec<InstancePort>,
    /// Seconds since it was started.
    pub uptime_s: Option<u64>,
    /// How much memory it may use, in bytes.
    pub mem_quota_bytes: Option<u64>,
    /// How much disk it may use, in bytes.
    pub disk_quota_bytes: Option<u64>,
    /// How many files it may have open.
    pub fds_quota: Option<u64>,
    /// What it uses, when that was measured.
    pub usage: Option<InstanceUsage>,
}

/// A port of an instance, seen from both sides.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InstancePort {
    /// On the node.
    pub external: u16,
    /// Inside the container.
    pub internal: u16,
}

/// One measurement of an instance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InstanceUsage {
    /// When it was taken.
    pub time: Micros,
    /// Share of one core; 2.0 is two cores.
    pub cpu: f64,
    /// Resident memory in bytes.
    pub mem_bytes: u64,
    /// Disk in bytes.
    pub disk_bytes: u64,
}

/// How often an index has crashed in a row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CrashCount {
    /// The process.
    pub process: String,
    /// The version that its instances were of.
    pub version: String,
    /// From 0.
    pub index: u32,
    /// From 1.
    pub crashes: u32,
    /// When the last one was.
    pub last: Micros,
}
