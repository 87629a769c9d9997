//! The numbers of the health policy.

use std::time::Duration;

/// How long things are waited for, and how often they are tried.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HealthSettings {
    /// How often each agent reports (default 10 s).
    pub heartbeat_interval: Duration,
    /// After how much silence an agent, or an instance, is missing (default 30 s).
    pub droplet_lost: Duration,
    /// How old the desired state may be that is acted upon (default 180 s).
    pub desired_lost: Duration,
    /// How often everything is looked at, changed or not (default 10 s).
    pub analysis_period: Duration,
    /// How long two instances of one index may live side by side (default 120 s).
    pub duplicate_grace: Duration,
    /// How many starts go out in a second (default 40).
    pub starts_per_second: u32,
    /// How many crashes are answered at once (default 1).
    pub flapping_death: u32,
    /// After how long a healthy run the crashes before it are forgotten (default 500 s).
    pub flapping_timeout: Duration,
    /// How long the first delayed restart waits; each further one waits twice as long
    /// (default 60 s).
    pub min_restart_delay: Duration,
    /// The longest that a restart waits (default 480 s).
    pub max_restart_delay: Duration,
    /// By how much a delay may differ, either way (default 5 s).
    pub restart_noise: Duration,
    /// After how many crashes an index is given up; `None` is never (default 4).
    pub giveup_crash_number: Option<u32>,
    /// When a start is tried again that no node could take, or that its node failed (default 10 s);
    /// the latter waits twice as long each time, up to `min_restart_delay`.
    pub placement_retry: Duration,
}

impl Default for HealthSettings {
    fn default() -> Self {
        Self {
            heartbeat_interval: Duration::from_secs(10),
            droplet_lost: Duration::from_secs(30),
            desired_lost: Duration::from_secs(180),
            analysis_period: Duration::from_secs(10),
            duplicate_grace: Duration::from_secs(120),
            starts_per_second: 40,
            flapping_death: 1,
            flapping_timeout: Duration::from_secs(500),
            min_restart_delay: Duration::from_secs(60),
            max_restart_delay: Duration::from_secs(480),
            restart_noise: Duration::from_secs(5),
            giveup_crash_number: Some(4),
            placement_retry: Duration::from_secs(10),
        }
    }
}

impl HealthSettings {
    /// How long all agents together are never silent while they can be heard.
    pub(super) fn longest_silence(&self) -> Duration {
        self.heartbeat_interval * 3 / 2
    }
}
