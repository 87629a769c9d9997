//! What is known of the instances of a process, for whoever asks.

use std::collections::BTreeMap;

use crate::model::{InstanceReport, InstanceState, Micros};

use super::index::{Index, Plan};
use super::process::{DesiredProcess, Live, LiveState, Process};
use super::reconciler::Health;

/// An instance that ended by itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CrashReport {
    /// Its guid.
    pub instance: String,
    /// From 0.
    pub index: u32,
    /// The version that it was of.
    pub version: String,
    /// When.
    pub since: Micros,
}

impl Health {
    /// Where each desired index of a process stands; none for an unknown or stopped process.
    #[must_use]
    pub fn instances(&self, process: &str) -> Vec<InstanceReport> {
        let Some(process) = self.processes.get(process) else {
            return Vec::new();
        };
        process
            .indices
            .iter()
            .map(|(&at, index)| report(process, at, index))
            .collect()
    }

    /// Every live instance of a process, whatever its version, with its agent.
    pub fn live(&self, process: &str) -> impl Iterator<Item = (&str, &str)> {
        let live = self
            .processes
            .get(process)
            .into_iter()
            .flat_map(|process| &process.live);
        live.map(|(guid, live)| (guid.as_str(), live.agent.as_str()))
    }

    /// What is desired of a process; `None` for one that is unknown.
    #[must_use]
    pub fn desired_of(&self, process: &str) -> Option<&DesiredProcess> {
        self.processes.get(process)?.desired.as_ref()
    }

    /// Running instances by version.
    #[must_use]
    pub fn running(&self, process: &str) -> BTreeMap<String, u32> {
        let mut running = BTreeMap::new();
        for live in self
            .processes
            .get(process)
            .into_iter()
            .flat_map(|p| p.live.values())
        {
            if live.state == LiveState::Running {
                *running.entry(live.version.clone()).or_default() += 1;
            }
        }
        running
    }

    /// The latest crashes of a process, oldest first.
    #[must_use]
    pub fn crashes(&self, process: &str) -> Vec<CrashReport> {
        let crashed = self
            .processes
            .get(process)
            .into_iter()
            .flat_map(|p| &p.crashed);
        let told = crashed.map(|crashed| CrashReport {
            instance: crashed.instance.clone(),
            index: crashed.index,
            version: crashed.version.clone(),
            since: crashed.since,
        });
        told.collect()
    }

    /// The indices that wait for a delayed restart or were given up, and since when.
    #[must_use]
    pub fn flapping(&self, process: &str) -> Vec<(u32, Micros)> {
        let indices = self
            .processes
            .get(process)
            .into_iter()
            .flat_map(|p| &p.indices);
        let flaps = |(&at, index): (&u32, &Index)| {
            let since = index.last_crash.filter(|_| has_crashed(index.plan));
            since.map(|since| (at, since))
        };
        indices.filter_map(flaps).collect()
    }

    /// Every agent that was heard of, and when.
    pub fn agents(&self) -> impl Iterator<Item = (&str, Micros)> {
        self.agents
            .by_id
            .iter()
            .map(|(id, agent)| (id.as_str(), agent.heard))
    }
}

fn report(process: &Process, at: u32, index: &Index) -> InstanceReport {
    let best = |live: &&(&String, &Live)| (live.1.state, std::cmp::Reverse(live.1.since));
    let current: Vec<_> = process.current(at).collect();
    // While a new version comes up, the old one is what serves.
    let older: Vec<_> = process
        .live
        .iter()
        .filter(|(_, live)| live.index == at)
        .collect();
    let found = current
        .iter()
        .max_by_key(best)
        .or_else(|| older.iter().max_by_key(best));
    if let Some((guid, live)) = found {
        return InstanceReport {
            index: at,
            instance: (*guid).clone(),
            state: shown(live.state),
            since: live.since,
            routable: live.routable,
            details: index.details.clone(),
        };
    }
    absent(process, at, index)
}

fn absent(process: &Process, at: u32, index: &Index) -> InstanceReport {
    let version = process.version();
    let own = |crashed: &&super::process::Crashed| {
        crashed.index == at && Some(crashed.version.as_str()) == version
    };
    let crashed = process.crashed.iter().rev().find(own);
    let (state, since) = match (index.plan, crashed) {
        (Plan::Sent { at }, _) => (InstanceState::Starting, at),
        (_, Some(crashed)) => (InstanceState::Crashed, crashed.since),
        (Plan::Missing { since }, None) => (InstanceState::Down, since),
        (_, None) => (InstanceState::Down, index.last_crash.unwrap_or_default()),
    };
    InstanceReport {
        index: at,
        instance: crashed
            .map(|crashed| crashed.instance.clone())
            .unwrap_or_default(),
        state,
        since,
        routable: Some(false),
        details: index.details.clone(),
    }
}

fn shown(state: LiveState) -> InstanceState {
    match state {
        LiveState::Evacuating | LiveState::Running => InstanceState::Running,
        LiveState::Starting => InstanceState::Starting,
        LiveState::Stopping => InstanceState::Stopping,
    }
}

fn has_crashed(plan: Plan) -> bool {
    use super::action::StartReason;
    matches!(
        plan,
        Plan::Delayed {
            reason: StartReason::Flapping,
            ..
        } | Plan::Flapping { .. }
            | Plan::GivenUp
    )
}
