//! The reconciler: holds what is desired and what is, and hands out what is to be done.

use std::collections::{HashMap, HashSet};

use rand::Rng;

use crate::model::Micros;

use super::action::{Action, StartReason};
use super::actual::Agents;
use super::index::Plan;
use super::process::{DesiredProcess, Process};
use super::queue::{Place, Queue};
use super::settings::HealthSettings;

/// Desired and actual state of every process.
#[derive(Debug)]
pub struct Health {
    pub(super) settings: HealthSettings,
    pub(super) processes: HashMap<String, Process>,
    pub(super) agents: Agents,
    pub(super) queue: Queue,
    /// Processes that something happened to since they were last looked at.
    pub(super) touched: HashSet<String>,
    /// Starts that no node could take.
    pub(super) unplaced: HashSet<Place>,
    /// Indices whose crash count has changed.
    pub(super) crash_news: HashSet<(String, u32)>,
    /// When the last whole snapshot of the desired state was taken.
    desired_at: Option<Micros>,
    ticked: Option<Micros>,
    analyzed: Option<Micros>,
    /// Whether what was heard was complete when it was last looked at.
    complete: bool,
}

impl Health {
    /// A reconciler that knows nothing yet, and does nothing until it does.
    #[must_use]
    pub fn new(settings: HealthSettings) -> Self {
        Self {
            settings,
            processes: HashMap::new(),
            agents: Agents::default(),
            queue: Queue::default(),
            touched: HashSet::new(),
            unplaced: HashSet::new(),
            crash_news: HashSet::new(),
            desired_at: None,
            ticked: None,
            analyzed: None,
            complete: false,
        }
    }

    /// Takes in the whole desired state.
    ///
    /// A process that it does not name is gone once a second snapshot does not name it either.
    pub fn desired(&mut self, now: Micros, snapshot: Vec<DesiredProcess>) {
        let mut named = HashSet::new();
        let first = self.desired_at.is_none();
        for desired in snapshot {
            named.insert(desired.process.clone());
            self.desire(now, desired, first);
        }
        for (name, process) in &mut self.processes {
            if !named.contains(name) {
                process.absences = process.absences.saturating_add(1);
                self.touched.insert(name.clone());
            }
        }
        self.desired_at = Some(now);
    }

    /// Takes in the desired state of one process, which was just written.
    pub fn desired_one(&mut self, now: Micros, desired: DesiredProcess) {
        self.desire(now, desired, self.desired_at.is_none());
    }

    /// Takes in that a process was deleted.
    pub fn removed(&mut self, process: &str) {
        if let Some(known) = self.processes.get_mut(process) {
            known.absences = GONE;
            self.touched.insert(process.to_owned());
        }
    }

    /// Takes in that an agent and everything it ran is gone for good.
    ///
    /// Not for `dea.shutdown`, after which instances may still serve, nor for an agent that will
    /// be back with what it ran.
    pub fn node_gone(&mut self, now: Micros, agent: &str) {
        let Some(gone) = self.agents.by_id.remove(agent) else {
            return;
        };
        for (name, instance) in gone.instances {
            let Some(process) = self.processes.get_mut(&name) else {
                continue;
            };
            // An agent that was restarted reports the same instances under another id.
            let Some(live) = process
                .live
                .get(&instance)
                .filter(|live| live.agent == agent)
            else {
                continue;
            };
            let index = live.index;
            let current = process.version() == Some(&live.version);
            process.live.remove(&instance);
            self.touched.insert(name.clone());
            if current {
                self.plan_start(now, &name, index, StartReason::NodeGone);
            }
        }
    }

    /// Takes in that no node could take a start; it is tried again until one can.
    pub fn unplaced(&mut self, now: Micros, process: &str, index: u32, why: &str) {
        let due = now.after(self.settings.placement_retry);
        let Some(known) = self
            .processes
            .get_mut(process)
            .and_then(|p| p.indices.get_mut(&index))
        else {
            return;
        };
        if let Plan::Sent { .. } = known.plan {
            known.plan = Plan::Delayed {
                due,
                reason: StartReason::Retried,
            };
            known.details = Some(why.to_owned());
            self.queue.push_timer(due, (process.to_owned(), index));
            self.unplaced.insert((process.to_owned(), index));
        }
    }

    /// Takes in that there may be room now: starts that found none are tried again at once.
    pub fn room_appeared(&mut self, now: Micros) {
        for (process, index) in std::mem::take(&mut self.unplaced) {
            let known = self
                .processes
                .get_mut(&process)
                .and_then(|p| p.indices.get_mut(&index));
            if let Some(Plan::Delayed {
                reason: StartReason::Retried,
                ..
            }) = known.map(|i| i.plan)
            {
                self.plan_start(now, &process, index, StartReason::Retried);
            }
        }
    }

    /// Takes in that the bus was lost: nothing is believed until the agents were heard again.
    pub fn bus_lost(&mut self, now: Micros) {
        self.listen_again(now);
        self.agents.be_blind();
    }

    /// What is to be done now; to be called about once a second.
    pub fn tick(&mut self, now: Micros, random: &mut impl Rng) -> Vec<Action> {
        self.notice_gap(now);
        let mut actions = Vec::new();
        if !self.is_fresh(now) {
            return actions;
        }
        self.notice_completion(now);
        self.examine_all(now, random, &mut actions);
        // Another leader may have started what was delayed, and its instance be unheard of.
        if self.complete {
            self.start_delayed(now, &mut actions);
        }
        self.start_queued(now, &mut actions);
        actions
    }

    /// Whether desired and actual state are fresh enough to act upon.
    #[must_use]
    pub fn is_fresh(&self, now: Micros) -> bool {
        let lost = self.settings.desired_lost;
        self.desired_at.is_some_and(|at| now.since(at) < lost)
            && self.agents.is_fresh(now, &self.settings)
    }

    /// Plans a start of an index that is desired and has no instance.
    pub(super) fn plan_start(&mut self, now: Micros, name: &str, at: u32, reason: StartReason) {
        let fresh = self.is_fresh(now);
        let Some(process) = self.processes.get_mut(name) else {
            return;
        };
        // One snapshot did not name it: the next one tells whether it is wanted at all.
        if process.absences > 0 || process.is_covered(at) {
            return;
        }
        let Some(index) = process.indices.get_mut(&at) else {
            return;
        };
        match index.plan {
            Plan::GivenUp | Plan::Flapping { .. } | Plan::Queued { .. } => return,
            Plan::Delayed {
                reason: StartReason::Flapping,
                ..
            } => return,
            Plan::Covered | Plan::Delayed { .. } | Plan::Missing { .. } | Plan::Sent { .. } => {}
        }
        if !fresh {
            // Whoever cannot see must not act; the missing will be noticed later.
            index.plan = Plan::Missing { since: now };
            return;
        }
        index.plan = Plan::Queued { reason };
        self.queue.push(reason.priority(), (name.to_owned(), at));
    }

    fn desire(&mut self, now: Micros, desired: DesiredProcess, first: bool) {
        let name = desired.process.clone();
        let process = self.processes.entry(name.clone()).or_default();
        let new = process.desire(desired, Plan::Missing { since: now });
        self.touched.insert(name.clone());
        // What was desired before this reconciler began may well run: it is listened for first.
        let new = if first { Vec::new() } else { new };
        for at in new {
            self.plan_start(now, &name, at, StartReason::Changed);
        }
    }

    /// Notices when the caller was away, or the clock was set.
    fn notice_gap(&mut self, now: Micros) {
        let away = self.ticked.is_some_and(|ticked| {
            now < ticked || now.since(ticked) >= self.settings.analysis_period
        });
        self.ticked = Some(now);
        if away {
            self.listen_again(now);
        }
    }

    /// Draws the conclusions of what was not heard, once that means anything.
    fn notice_completion(&mut self, now: Micros) {
        let before = self.complete;
        self.complete = self.agents.is_complete(now, &self.settings);
        if !self.complete {
            return;
        }
        for agent in self.agents.silent(now, &self.settings) {
            self.node_gone(now, &agent);
        }
        let patience = self.settings.droplet_lost;
        self.agents.roll.forget_lost(now, patience);
        if !before {
            self.analyzed = None;
        }
    }

    /// Forgets conclusions that were drawn before a gap; what was reported stays.
    pub(super) fn listen_again(&mut self, now: Micros) {
        self.agents.listen_again(now);
        for (name, process) in &mut self.processes {
            for index in process.indices.values_mut() {
                if let Plan::Queued { .. } | Plan::Sent { .. } | Plan::Missing { .. } = index.plan {
                    index.plan = Plan::Missing { since: now };
                    self.touched.insert(name.clone());
                }
            }
        }
    }

    fn examine_all(&mut self, now: Micros, random: &mut impl Rng, actions: &mut Vec<Action>) {
        let period = self.settings.analysis_period;
        let whole = self
            .analyzed
            .is_none_or(|at| now < at || now.since(at) >= period);
        let mut names: Vec<String> = std::mem::take(&mut self.touched).into_iter().collect();
        if whole {
            self.analyzed = Some(now);
            names = self.processes.keys().cloned().collect();
        }
        // In a fixed order, so that a run can be repeated.
        names.sort_unstable();
        for name in names {
            self.examine(now, &name, random, actions);
        }
    }

    fn start_delayed(&mut self, now: Micros, actions: &mut Vec<Action>) {
        while let Some((due, place)) = self.queue.pop_timer(now) {
            self.unplaced.remove(&place);
            let (name, at) = place;
            let plan = self.plan(&name, at);
            if let Some(Plan::Delayed {
                due: planned,
                reason,
            }) = plan
                && planned == due
            {
                actions.extend(self.send(now, &name, at, reason));
            }
        }
    }

    fn start_queued(&mut self, now: Micros, actions: &mut Vec<Action>) {
        self.queue.refill(now, &self.settings);
        while let Some((name, at)) = self.queue.pop() {
            let Some(Plan::Queued { reason }) = self.plan(&name, at) else {
                continue;
            };
            self.queue.spend();
            actions.extend(self.send(now, &name, at, reason));
        }
    }

    fn plan(&self, name: &str, at: u32) -> Option<Plan> {
        Some(self.processes.get(name)?.indices.get(&at)?.plan)
    }

    fn send(&mut self, now: Micros, name: &str, at: u32, reason: StartReason) -> Option<Action> {
        let process = self.processes.get_mut(name)?;
        let version = process.version()?.to_owned();
        process.indices.get_mut(&at)?.plan = Plan::Sent { at: now };
        let priority = reason.priority();
        Some(Action::Start {
            process: name.to_owned(),
            version,
            index: at,
            priority,
            reason,
        })
    }
}

/// How many snapshots must miss a process before its instances are stopped.
pub(super) const GONE: u8 = 2;
