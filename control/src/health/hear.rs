//! What the agents say: heartbeats and exits.

use std::collections::HashSet;

use crate::model::Micros;
use crate::wire::{ExitReason, Exited, Heartbeat, HeartbeatInstance, InstanceState};

use super::action::StartReason;
use super::crash::{self, Verdict};
use super::index::Plan;
use super::process::{Crashed, Live, LiveState};
use super::reconciler::Health;

impl Health {
    /// Takes in what an agent runs; what it does not name any more is gone.
    pub fn heartbeat(&mut self, now: Micros, heartbeat: &Heartbeat) {
        let mut told = HashSet::new();
        for instance in &heartbeat.instances {
            let since = since(now, heartbeat, instance);
            match LiveState::of(instance.state) {
                Some(state) => {
                    told.insert((instance.process.clone(), instance.instance.clone()));
                    let agent = heartbeat.agent.as_str();
                    self.hear_live(agent, instance, state, since);
                }
                None if instance.state == InstanceState::Crashed => {
                    self.hear_crashed(now, instance, since);
                }
                None => {}
            }
        }
        let agent = heartbeat.agent.as_str();
        let before = self.agents.hear(now, agent, told, &self.settings);
        let word = heartbeat.answers.as_deref();
        self.agents.roll.hear(now, heartbeat.node(), word);
        let now_told = self.agents.by_id.get(agent).map(|agent| &agent.instances);
        for (name, instance) in before {
            let place = (name, instance);
            if now_told.is_some_and(|told| told.contains(&place)) {
                continue;
            }
            let Some(process) = self.processes.get_mut(&place.0) else {
                continue;
            };
            // Another agent may have it now: the same one, restarted under another id.
            if process
                .live
                .get(&place.1)
                .is_some_and(|live| live.agent == agent)
            {
                process.live.remove(&place.1);
                self.touched.insert(place.0);
            }
        }
    }

    /// Takes in that an instance has ended.
    pub fn exited(&mut self, now: Micros, exited: &Exited) {
        let Some(process) = self.processes.get_mut(&exited.process) else {
            return;
        };
        self.touched.insert(exited.process.clone());
        if exited.reason == ExitReason::Evacuation {
            // It serves until its replacement does.
            if let Some(live) = process.live.get_mut(&exited.instance) {
                live.state = LiveState::Evacuating;
            }
            return;
        }
        let live = process.live.remove(&exited.instance);
        let version = live.as_ref().map_or(&exited.version, |live| &live.version);
        if process.version() != Some(version) {
            return;
        }
        let asked = live.as_ref().is_some_and(|live| live.stop_sent.is_some());
        let (name, at) = (exited.process.as_str(), exited.index);
        match exited.reason {
            ExitReason::Crashed if !asked => self.crashed(now, exited, live.as_ref()),
            ExitReason::Crashed | ExitReason::Stopped => {
                self.plan_start(now, name, at, StartReason::Stopped);
            }
            ExitReason::Evacuation | ExitReason::Shutdown => {
                self.plan_start(now, name, at, StartReason::NodeGone);
            }
        }
    }

    fn hear_live(
        &mut self,
        agent: &str,
        told: &HeartbeatInstance,
        state: LiveState,
        since: Micros,
    ) {
        if !self.processes.contains_key(&told.process) {
            self.processes
                .insert(told.process.clone(), super::process::Process::default());
        }
        let Some(process) = self.processes.get_mut(&told.process) else {
            return;
        };
        let Some(live) = process.live.get_mut(&told.instance) else {
            let live = Live {
                agent: agent.to_owned(),
                version: told.version.clone(),
                index: told.index,
                state,
                since,
                routable: told.routable,
                stop_sent: None,
            };
            process.live.insert(told.instance.clone(), live);
            process.note_arrival(told.index);
            self.touched.insert(told.process.clone());
            return;
        };
        live.routable = told.routable;
        if live.agent != agent {
            agent.clone_into(&mut live.agent);
        }
        let same = live.state == state && live.version == told.version && live.index == told.index;
        if !same {
            live.state = state;
            live.since = since;
            live.index = told.index;
            live.version.clone_from(&told.version);
            self.touched.insert(told.process.clone());
        }
    }

    /// A crash that a heartbeat tells: counted only for what was seen alive, because the exit of
    /// anything else is still to come, or was long ago.
    fn hear_crashed(&mut self, now: Micros, told: &HeartbeatInstance, since: Micros) {
        let Some(process) = self.processes.get_mut(&told.process) else {
            return;
        };
        if process.live.contains_key(&told.instance) {
            let exited = Exited {
                process: told.process.clone(),
                version: told.version.clone(),
                instance: told.instance.clone(),
                index: told.index,
                reason: ExitReason::Crashed,
                ..Exited::default()
            };
            return self.exited(now, &exited);
        }
        process.remember(Crashed {
            instance: told.instance.clone(),
            index: told.index,
            version: told.version.clone(),
            since,
            counted: false,
        });
    }

    fn crashed(&mut self, now: Micros, exited: &Exited, live: Option<&Live>) {
        let Some(process) = self.processes.get_mut(&exited.process) else {
            return;
        };
        let news = process.count_crash(Crashed {
            instance: exited.instance.clone(),
            index: exited.index,
            version: exited.version.clone(),
            since: exited.crash_timestamp.and_then(instant).unwrap_or(now),
            counted: true,
        });
        let covered = process.is_covered(exited.index);
        let Some(index) = process.indices.get_mut(&exited.index) else {
            return;
        };
        if !exited.exit_description.is_empty() {
            index.details = Some(exited.exit_description.clone());
        }
        if !news || covered || index.plan == Plan::GivenUp {
            return;
        }
        if exited.is_node_fault() {
            let ran = live.is_some_and(|live| live.state == LiveState::Running);
            let before = if ran { 0 } else { index.refusals };
            index.refusals = before.saturating_add(1);
            let due = now.after(crash::retry_delay(&self.settings, index.refusals));
            index.plan = Plan::Delayed {
                due,
                reason: StartReason::Retried,
            };
            self.queue
                .push_timer(due, (exited.process.clone(), exited.index));
            return;
        }
        index.refusals = 0;
        let healthy = live.filter(|live| live.state == LiveState::Running);
        let healthy = healthy.map_or(std::time::Duration::ZERO, |live| now.since(live.since));
        index.crashes = crash::next_count(&self.settings, index.crashes, healthy);
        index.last_crash = Some(now);
        let place = (exited.process.clone(), exited.index);
        self.crash_news.insert(place);
        match crash::verdict(&self.settings, index.crashes) {
            Verdict::GiveUp => index.plan = Plan::GivenUp,
            Verdict::Later(_) => index.plan = Plan::Flapping { crashed: now },
            Verdict::Now => {
                self.plan_start(now, &exited.process, exited.index, StartReason::Crashed);
            }
        }
    }
}

/// Since when an instance is in its state, by our clock: only how long the agent says that it was is
/// believed, since no two clocks agree and one that is far off would hide a crash loop.
fn since(now: Micros, heartbeat: &Heartbeat, told: &HeartbeatInstance) -> Micros {
    let Some(since) = instant(told.state_timestamp) else {
        return now;
    };
    match heartbeat.time.and_then(instant) {
        Some(said) => Micros(now.0.saturating_sub(said.0.saturating_sub(since.0).max(0))),
        None => since.min(now),
    }
}

/// The instant of a time in seconds since 1970; `None` when there is none.
fn instant(seconds: f64) -> Option<Micros> {
    // `as` stops at the ends of the range; what is no time at all is 0.
    (seconds > 0.0).then_some(Micros((seconds * 1e6) as i64))
}
