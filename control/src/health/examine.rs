//! One look at one process: which index has waited long enough, which instance is not needed?

use std::cmp::Reverse;

use rand::{Rng, RngExt};

use crate::model::Micros;

use super::action::{Action, StartReason, StopReason};
use super::actual::Agents;
use super::crash::{self, Verdict};
use super::index::Plan;
use super::process::{Live, LiveState, Process};
use super::reconciler::{GONE, Health};
use super::settings::HealthSettings;

impl Health {
    /// Brings the plans of a process up to date, and stops what it does not need.
    pub(super) fn examine(
        &mut self,
        now: Micros,
        name: &str,
        random: &mut impl Rng,
        actions: &mut Vec<Action>,
    ) {
        let Some(process) = self.processes.get_mut(name) else {
            return;
        };
        if process.absences >= GONE {
            process.forget_desire();
        }
        if process.is_idle() {
            self.processes.remove(name);
            return;
        }
        process.forget_lost_stops(now, self.settings.droplet_lost);
        let knowledge = Knowledge {
            complete: self.agents.is_complete(now, &self.settings),
            agents: &self.agents,
        };
        let mut due = Vec::new();
        let places: Vec<u32> = process.indices.keys().copied().collect();
        for at in places {
            let look = look(process, at, now, &self.settings, &knowledge);
            let Some(index) = process.indices.get_mut(&at) else {
                continue;
            };
            match look {
                Look::Keep => {}
                Look::Plan(plan) => index.plan = plan,
                Look::Start(reason) => due.push((at, reason)),
                Look::Delay { crashed } => {
                    let due = restart_at(&self.settings, crashed, index.crashes, random);
                    index.plan = Plan::Delayed {
                        due,
                        reason: StartReason::Flapping,
                    };
                    self.queue.push_timer(due, (name.to_owned(), at));
                }
            }
            if index.plan == Plan::Covered {
                index.details = None;
            }
        }
        stop_what_is_not_needed(now, name, process, &self.settings, actions);
        for (at, reason) in due {
            self.plan_start(now, name, at, reason);
        }
    }
}

/// How much is known of what runs.
struct Knowledge<'a> {
    complete: bool,
    agents: &'a Agents,
}

/// What one look at an index says.
enum Look {
    Delay { crashed: Micros },
    Keep,
    Plan(Plan),
    Start(StartReason),
}

fn look(
    process: &Process,
    at: u32,
    now: Micros,
    settings: &HealthSettings,
    knowledge: &Knowledge<'_>,
) -> Look {
    let Some(index) = process.indices.get(&at) else {
        return Look::Keep;
    };
    if process.is_covered(at) {
        return Look::Plan(Plan::Covered);
    }
    let evacuating = process
        .current(at)
        .any(|(_, live)| live.state == LiveState::Evacuating);
    let lost = |since: Micros| now.since(since) >= settings.droplet_lost;
    match index.plan {
        Plan::Covered | Plan::Missing { .. } if evacuating => Look::Start(StartReason::Evacuated),
        Plan::Covered => Look::Plan(Plan::Missing { since: now }),
        Plan::Missing { since } if knowledge.complete && lost(since) => {
            Look::Start(StartReason::Missing)
        }
        Plan::Missing { since } if knowledge.agents.is_denied(since) => {
            Look::Start(StartReason::Missing)
        }
        Plan::Sent { at } if lost(at) => Look::Start(StartReason::Missing),
        Plan::Flapping { crashed } => Look::Delay { crashed },
        Plan::Delayed { .. }
        | Plan::GivenUp
        | Plan::Missing { .. }
        | Plan::Queued { .. }
        | Plan::Sent { .. } => Look::Keep,
    }
}

/// When a flapping index is started again: its delay, give or take the noise.
fn restart_at(
    settings: &HealthSettings,
    crashed: Micros,
    crashes: u32,
    random: &mut impl Rng,
) -> Micros {
    let delay = match crash::verdict(settings, crashes) {
        Verdict::Later(delay) => delay,
        Verdict::GiveUp | Verdict::Now => settings.min_restart_delay,
    };
    let noise = settings.restart_noise.min(delay).as_secs_f64();
    let drawn = random.random_range(-1.0..=1.0) * noise;
    let seconds = (delay.as_secs_f64() + drawn).max(0.0);
    crashed.after(std::time::Duration::from_secs_f64(seconds))
}

fn stop_what_is_not_needed(
    now: Micros,
    name: &str,
    process: &mut Process,
    settings: &HealthSettings,
    actions: &mut Vec<Action>,
) {
    note_doubled(now, process);
    let mut stops: Vec<(String, StopReason)> = Vec::new();
    for (guid, live) in &process.live {
        let told = live
            .stop_sent
            .is_some_and(|at| now.since(at) < settings.droplet_lost);
        if told || live.state == LiveState::Stopping {
            continue;
        }
        if let Some(reason) = stop_reason(process, guid, live) {
            stops.push((guid.clone(), reason));
        }
    }
    stops.extend(duplicate(now, process, settings).map(|guid| (guid, StopReason::Duplicate)));
    for (instance, reason) in stops {
        let Some(live) = process.live.get_mut(&instance) else {
            continue;
        };
        live.stop_sent = Some(now);
        let (version, index) = (live.version.clone(), live.index);
        actions.push(Action::Stop {
            process: name.to_owned(),
            version,
            instance,
            index,
            reason,
        });
    }
}

/// Why an instance is not needed; `None` when it is.
fn stop_reason(process: &Process, guid: &str, live: &Live) -> Option<StopReason> {
    let Some(desired) = &process.desired else {
        return (process.absences >= GONE).then_some(StopReason::Unknown);
    };
    if desired.instances == 0 {
        return Some(StopReason::Stopped);
    }
    let extra = live.index >= desired.instances;
    if live.version != desired.version {
        // Old instances serve until a new one does.
        let served = process
            .live
            .values()
            .any(|l| l.version == desired.version && l.runs());
        let replaced = process.runs_beside(live.index, guid) || (extra && served);
        return replaced.then_some(StopReason::OldVersion);
    }
    if extra {
        return Some(StopReason::Extra);
    }
    let moved = live.state == LiveState::Evacuating && process.runs_beside(live.index, guid);
    moved.then_some(StopReason::Evacuated)
}

/// Notes since when each index has more than one instance.
fn note_doubled(now: Micros, process: &mut Process) {
    let places: Vec<u32> = process.indices.keys().copied().collect();
    for at in places {
        let doubled = process
            .current(at)
            .filter(|(_, live)| live.covers())
            .count()
            > 1;
        if let Some(index) = process.indices.get_mut(&at) {
            index.doubled = doubled.then(|| index.doubled.unwrap_or(now));
        }
    }
}

/// One instance of an index that has had two for too long; one at a time, so that an error here
/// would be seen before it is everywhere.
fn duplicate(now: Micros, process: &Process, settings: &HealthSettings) -> Option<String> {
    let grace = settings.duplicate_grace;
    let long = |since: Micros| now.since(since) >= grace;
    let mut doubled = process
        .indices
        .iter()
        .filter(|(_, index)| index.doubled.is_some_and(long));
    doubled.find_map(|(&at, _)| {
        let mut rivals: Vec<_> = process
            .current(at)
            .filter(|(_, live)| live.covers())
            .collect();
        // The one that has served longest stays.
        rivals.sort_by_key(|(guid, live)| (Reverse(live.state), live.since, guid.as_str()));
        let kept = rivals.first().is_some_and(|(_, live)| live.runs());
        let last = rivals.last().filter(|_| kept && rivals.len() > 1)?;
        Some(last.0.clone())
    })
}
