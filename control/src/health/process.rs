//! One process: how many instances of which version it should have, and those it has.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::Micros;
use crate::wire;

use super::index::{Index, Plan};

/// A process as it should be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DesiredProcess {
    /// The process.
    pub process: String,
    /// Its live version.
    pub version: String,
    /// How many instances; 0 when it is stopped, or has nothing to run.
    pub instances: u32,
}

/// A process as it should be and as it is.
#[derive(Debug, Default)]
pub(super) struct Process {
    pub(super) desired: Option<DesiredProcess>,
    /// How many snapshots in a row did not name it.
    pub(super) absences: u8,
    /// What runs, by the instance's guid.
    pub(super) live: BTreeMap<String, Live>,
    /// Every desired index.
    pub(super) indices: BTreeMap<u32, Index>,
    /// The latest crashes, oldest first.
    pub(super) crashed: Vec<Crashed>,
}

/// An instance that was heard of.
#[derive(Clone, Debug)]
pub(super) struct Live {
    pub(super) agent: String,
    pub(super) version: String,
    pub(super) index: u32,
    pub(super) state: LiveState,
    pub(super) since: Micros,
    pub(super) routable: Option<bool>,
    /// When it was last told to end.
    pub(super) stop_sent: Option<Micros>,
}

/// Where a live instance stands.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum LiveState {
    /// Told to end.
    Stopping,
    /// Serves until its replacement does.
    Evacuating,
    /// On its way.
    Starting,
    /// Serves.
    Running,
}

/// An instance that ended by itself.
#[derive(Clone, Debug)]
pub(super) struct Crashed {
    pub(super) instance: String,
    pub(super) index: u32,
    pub(super) version: String,
    pub(super) since: Micros,
    /// Whether it was answered by the crash policy.
    pub(super) counted: bool,
}

/// How many crashes of a process are remembered.
const CRASHES: usize = 32;

impl LiveState {
    /// What a heartbeat's word means; `None` for an instance that does not live any more.
    pub(super) fn of(state: wire::InstanceState) -> Option<Self> {
        use wire::InstanceState as Word;
        match state {
            Word::Born | Word::Resuming | Word::Starting | Word::Unknown => Some(Self::Starting),
            Word::Running => Some(Self::Running),
            Word::Evacuating => Some(Self::Evacuating),
            Word::Stopping => Some(Self::Stopping),
            Word::Crashed | Word::Stopped => None,
        }
    }
}

impl Live {
    /// Whether it serves its index, or will.
    pub(super) fn covers(&self) -> bool {
        self.stop_sent.is_none() && matches!(self.state, LiveState::Running | LiveState::Starting)
    }

    /// Whether it serves its index now and goes on to.
    pub(super) fn runs(&self) -> bool {
        self.stop_sent.is_none() && self.state == LiveState::Running
    }
}

impl Process {
    /// The live version; `None` when nothing is desired.
    pub(super) fn version(&self) -> Option<&str> {
        self.desired
            .as_ref()
            .map(|desired| desired.version.as_str())
    }

    /// The live instances of one index of the live version.
    pub(super) fn current(&self, index: u32) -> impl Iterator<Item = (&String, &Live)> {
        let version = self.version();
        self.live
            .iter()
            .filter(move |(_, live)| live.index == index && Some(live.version.as_str()) == version)
    }

    /// Whether an instance of the live version serves `index`, or will.
    pub(super) fn is_covered(&self, index: u32) -> bool {
        self.current(index).any(|(_, live)| live.covers())
    }

    /// Whether an instance of the live version other than `instance` serves `index` now.
    pub(super) fn runs_beside(&self, index: u32, instance: &str) -> bool {
        self.current(index)
            .any(|(guid, live)| guid != instance && live.runs())
    }

    /// Takes in what is desired now; returns the indices that are new, which get `plan`.
    pub(super) fn desire(&mut self, desired: DesiredProcess, plan: Plan) -> Vec<u32> {
        if self.version() != Some(&desired.version) {
            // A new version begins with a clean record.
            self.indices.clear();
        }
        self.indices.retain(|&index, _| index < desired.instances);
        let known = &mut self.indices;
        let new: Vec<u32> = (0..desired.instances)
            .filter(|index| !known.contains_key(index))
            .collect();
        known.extend(new.iter().map(|&index| (index, Index::new(plan))));
        self.absences = 0;
        self.desired = Some(desired);
        new
    }

    /// Notes that what was started is there, before anything else can happen to it.
    pub(super) fn note_arrival(&mut self, at: u32) {
        if self.is_covered(at)
            && let Some(index) = self.indices.get_mut(&at)
            && matches!(index.plan, Plan::Sent { .. })
        {
            index.plan = Plan::Covered;
        }
    }

    /// Forgets that it was ever desired.
    pub(super) fn forget_desire(&mut self) {
        self.desired = None;
        self.indices.clear();
    }

    /// Takes instances for alive again that were told to end so long ago that they did not hear it.
    pub(super) fn forget_lost_stops(&mut self, now: Micros, patience: Duration) {
        for live in self.live.values_mut() {
            let heard = live.state == LiveState::Stopping;
            live.stop_sent = live
                .stop_sent
                .filter(|&at| heard || now.since(at) < patience);
        }
    }

    /// Notes that a crash was answered; returns whether it was not before.
    pub(super) fn count_crash(&mut self, crashed: Crashed) -> bool {
        if let Some(known) = self
            .crashed
            .iter_mut()
            .find(|c| c.instance == crashed.instance)
        {
            return !std::mem::replace(&mut known.counted, true);
        }
        self.remember(Crashed {
            counted: true,
            ..crashed
        });
        true
    }

    /// Remembers a crash that happened before anybody listened.
    pub(super) fn remember(&mut self, crashed: Crashed) {
        if self
            .crashed
            .iter()
            .any(|known| known.instance == crashed.instance)
        {
            return;
        }
        if self.crashed.len() >= CRASHES {
            self.crashed.remove(0);
        }
        self.crashed.push(crashed);
    }

    /// Whether nothing is known of it that is worth keeping.
    pub(super) fn is_idle(&self) -> bool {
        self.live.is_empty() && self.desired.is_none()
    }
}
