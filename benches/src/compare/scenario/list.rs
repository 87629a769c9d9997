//! Which scenarios there are, what they share, and who runs while they are asked.

use std::time::Duration;

use super::{
    allocations, churn, http2, idle, latency, million, stream, syscalls, throughput, visible,
};
use crate::bus::Bus;
use crate::contestant::{Contestant, Kind, Logs, Surroundings};
use crate::generator::Generator;
use crate::report::Results;

/// Everything that the scenarios share.
pub(crate) struct Stand {
    pub(crate) around: Surroundings,
    pub(crate) generator: Generator,
    pub(crate) bus: Bus,
    pub(crate) subject: String,
    pub(crate) method: Method,
}

/// How long and how often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Method {
    pub(crate) rounds: usize,
    pub(crate) warmup: Duration,
    pub(crate) window: Duration,
    /// Divides what is counted in requests, bytes and routes that only take time.
    pub(crate) shorten: u64,
}

/// One question.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Scenario {
    Small {
        logs: Logs,
        connections: usize,
    },
    Body {
        name: &'static str,
        path: &'static str,
    },
    Latency,
    Idle,
    Syscalls,
    Stream,
    Http2,
    Allocations,
    Churn,
    Million,
    Visible,
}

/// All of them, in the order in which they are asked: those that share running contestants stand together.
pub(crate) const ALL: [Scenario; 15] = [
    Scenario::Idle,
    Scenario::Small {
        logs: Logs::On,
        connections: 64,
    },
    Scenario::Small {
        logs: Logs::On,
        connections: 512,
    },
    Scenario::Latency,
    Scenario::Body {
        name: "body-64k",
        path: "/bytes/65536",
    },
    Scenario::Body {
        name: "body-1m",
        path: "/bytes/1048576",
    },
    Scenario::Syscalls,
    Scenario::Http2,
    Scenario::Stream,
    Scenario::Small {
        logs: Logs::Off,
        connections: 64,
    },
    Scenario::Small {
        logs: Logs::Off,
        connections: 512,
    },
    Scenario::Visible,
    Scenario::Allocations,
    Scenario::Churn,
    Scenario::Million,
];

impl Scenario {
    /// The name in tables and on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Small {
                logs: Logs::On,
                connections: 64,
            } => "small-64-logs-on",
            Self::Small { logs: Logs::On, .. } => "small-512-logs-on",
            Self::Small {
                logs: Logs::Off,
                connections: 64,
            } => "small-64-logs-off",
            Self::Small {
                logs: Logs::Off, ..
            } => "small-512-logs-off",
            Self::Body { name, .. } => name,
            Self::Latency => "latency",
            Self::Idle => "idle-10k",
            Self::Syscalls => "syscalls",
            Self::Stream => "stream-10g",
            Self::Http2 => "http2",
            Self::Allocations => "allocations",
            Self::Churn => "churn",
            Self::Million => "routes-1m",
            Self::Visible => "visible",
        }
    }

    /// Which running contestants it needs; `None` when it starts the router itself.
    pub(crate) fn contestants(self) -> Option<Logs> {
        match self {
            Self::Small { logs, .. } => Some(logs),
            Self::Body { .. } | Self::Latency | Self::Idle => Some(Logs::On),
            Self::Syscalls | Self::Stream | Self::Http2 => Some(Logs::On),
            Self::Allocations | Self::Churn | Self::Million | Self::Visible => None,
        }
    }

    /// Whether the contestants are of no more use after it: memory that was once needed is seldom given back.
    pub(crate) fn spoils_contestants(self) -> bool {
        matches!(self, Self::Idle)
    }

    /// Asks the question.
    pub(crate) fn ask(
        self,
        stand: &Stand,
        field: &Field,
        results: &mut Results,
    ) -> anyhow::Result<()> {
        let name = self.name();
        match self {
            Self::Small { logs, connections } => {
                throughput::small(stand, field, (name, logs, connections), results)
            }
            Self::Body { path, .. } => throughput::body(stand, field, (name, path), results),
            Self::Latency => latency::ask(stand, field, name, results),
            Self::Idle => idle::ask(stand, field, name, results),
            Self::Syscalls => syscalls::ask(stand, field, name, results),
            Self::Stream => stream::ask(stand, field, name, results),
            Self::Http2 => http2::ask(stand, field, name, results),
            Self::Allocations => allocations::ask(stand, name, results),
            Self::Churn => churn::ask(stand, name, results),
            Self::Million => million::ask(stand, name, results),
            Self::Visible => visible::ask(stand, name, results),
        }
    }
}

/// The contestants that are running.
#[derive(Debug, Default)]
pub(crate) struct Field {
    logs: Option<Logs>,
    entries: Vec<(Kind, Contestant)>,
}

impl Field {
    /// Starts all of `kinds`, unless they already run in this mode; what ran in another mode is stopped first.
    pub(crate) fn prepare(
        &mut self,
        stand: &Stand,
        kinds: &[Kind],
        logs: Logs,
    ) -> anyhow::Result<()> {
        if self.logs == Some(logs) {
            return Ok(());
        }
        self.clear();
        for kind in kinds {
            self.entries
                .push((kind.clone(), kind.start(&stand.around, logs)?));
        }
        self.logs = Some(logs);
        Ok(())
    }

    /// Stops all.
    pub(crate) fn clear(&mut self) {
        self.logs = None;
        self.entries.clear();
    }

    pub(crate) fn entries(&self) -> &[(Kind, Contestant)] {
        &self.entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_has_a_name_of_its_own() {
        let mut names: Vec<_> = ALL.iter().map(|scenario| scenario.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }

    #[test]
    fn contestants_are_started_once_for_each_log_mode() {
        let modes: Vec<_> = ALL
            .iter()
            .filter_map(|scenario| scenario.contestants())
            .collect();
        let changes = modes.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert_eq!(changes, 1);
    }
}
