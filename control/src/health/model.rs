//! Real agents behind the reconciler, in miniature: they start, run, crash and go silent.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::model::{CrashCount, Micros};
use crate::wire::{ExitReason, Exited, Heartbeat, HeartbeatInstance, InstanceState};

use super::{Action, DesiredProcess, Health, HealthSettings, StopReason};

/// How long an instance takes to become healthy, in seconds.
const START_S: i64 = 3;

/// One agent with what it runs.
pub(super) struct RealAgent {
    pub(super) id: String,
    /// The node that it works on.
    pub(super) node: String,
    pub(super) instances: Vec<HeartbeatInstance>,
    pub(super) evacuating: bool,
    /// Until which second it is cut off from the bus.
    pub(super) cut_until: i64,
    /// By how many seconds its clock is ahead.
    pub(super) clock_off: f64,
}

impl RealAgent {
    /// An instance as the agent tells it, by its own clock.
    fn tell(&self, instance: &HeartbeatInstance) -> HeartbeatInstance {
        let mut told = instance.clone();
        told.state_timestamp += self.clock_off;
        told
    }
}

/// How many seconds messages are on their way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lag {
    pub(super) orders: i64,
    pub(super) heartbeats: i64,
}

/// The reconciler and the world around it.
pub(super) struct World {
    pub(super) health: Health,
    pub(super) agents: Vec<RealAgent>,
    pub(super) desired: BTreeMap<String, DesiredProcess>,
    /// Every order so far, with its second.
    pub(super) log: Vec<(i64, Action)>,
    /// Whether the controller is there; without it nothing is heard and nothing ordered.
    pub(super) control: bool,
    /// Whether the bus is there.
    pub(super) bus: bool,
    pub(super) second: i64,
    /// The nodes that are written down.
    pub(super) nodes: BTreeSet<String>,
    pub(super) lag: Lag,
    /// What is on its way to the agents, and to the controller, and when it arrives.
    orders: VecDeque<(i64, Action)>,
    heartbeats: VecDeque<(i64, Heartbeat)>,
    settings: HealthSettings,
    random: StdRng,
    made: u32,
}

impl World {
    pub(super) fn new(agents: usize, settings: HealthSettings) -> Self {
        let mut world = Self {
            health: Health::new(settings.clone()),
            agents: Vec::new(),
            desired: BTreeMap::new(),
            log: Vec::new(),
            control: true,
            bus: true,
            // Well after 1970, so that no time is taken for none.
            second: 1_000_000,
            nodes: BTreeSet::new(),
            lag: Lag::default(),
            orders: VecDeque::new(),
            heartbeats: VecDeque::new(),
            settings,
            random: StdRng::seed_from_u64(11),
            made: 0,
        };
        (0..agents).for_each(|_| world.add_agent());
        world.restart_control();
        world
    }

    /// A world in which `p` runs as desired, and has for ten minutes.
    pub(super) fn settled(agents: usize, instances: u32) -> Self {
        let mut world = Self::new(agents, HealthSettings::default());
        world.run(1);
        world.desire("p", "v1", instances);
        world.run(600);
        assert_eq!(world.serving("p", "v1"), (0..instances).collect::<Vec<_>>());
        world.log.clear();
        world
    }

    pub(super) fn now(&self) -> Micros {
        Micros::from_seconds(self.second)
    }

    pub(super) fn add_agent(&mut self) {
        self.made += 1;
        self.agents.push(RealAgent {
            id: format!("{}-a", self.made),
            node: format!("node-{}", self.made),
            instances: Vec::new(),
            evacuating: false,
            cut_until: 0,
            clock_off: 0.0,
        });
    }

    /// Writes desired state, as the API does.
    pub(super) fn desire(&mut self, process: &str, version: &str, instances: u32) {
        let desired = DesiredProcess {
            process: process.into(),
            version: version.into(),
            instances,
        };
        self.desired.insert(process.into(), desired.clone());
        if self.control {
            self.health.desired_one(self.now(), desired);
        }
    }

    /// Lets seconds pass.
    pub(super) fn run(&mut self, seconds: i64) {
        (0..seconds).for_each(|_| self.step());
    }

    fn step(&mut self) {
        self.second += 1;
        for at in 0..self.agents.len() {
            let grown = self.grow(at);
            let stagger = i64::try_from(at).unwrap();
            if grown || (self.second + stagger) % 10 == 0 {
                self.beat(at);
            }
        }
        while let Some((_, order)) = self.orders.pop_front_if(|(due, _)| *due <= self.second) {
            self.obey(order);
        }
        while let Some((_, told)) = self.heartbeats.pop_front_if(|(due, _)| *due <= self.second) {
            self.hear(&told);
        }
        if self.control {
            self.work();
        }
    }

    /// A second of the controller.
    fn work(&mut self) {
        if self.second % 60 == 0 {
            self.health
                .desired(self.now(), self.desired.values().cloned().collect());
        }
        if let Some(word) = self.health.call_roll(self.now(), &mut self.random) {
            (0..self.agents.len()).for_each(|at| self.answer(at, Some(&word)));
        }
        let actions = self.health.tick(self.now(), &mut self.random);
        if let Some(there) = self.health.nodes() {
            self.nodes.retain(|node| there.contains(node.as_str()));
        }
        let starts = actions
            .iter()
            .filter(|action| matches!(action, Action::Start { .. }));
        assert!(starts.count() <= 40, "more starts in a second than allowed");
        for action in actions {
            self.log.push((self.second, action.clone()));
            match self.lag.orders {
                0 => self.obey(action),
                lag => self.orders.push_back((self.second + lag, action)),
            }
        }
    }

    fn grow(&mut self, at: usize) -> bool {
        let second = self.second;
        let mut grown = false;
        for instance in &mut self.agents[at].instances {
            let young = second as f64 - instance.state_timestamp < START_S as f64;
            if instance.state == InstanceState::Starting && !young {
                instance.state = InstanceState::Running;
                instance.state_timestamp = second as f64;
                grown = true;
            }
        }
        grown
    }

    pub(super) fn beat(&mut self, at: usize) {
        self.answer(at, None);
    }

    /// Says what an agent has, as an answer or of its own accord.
    fn answer(&mut self, at: usize, word: Option<&str>) {
        let agent = &self.agents[at];
        if agent.cut_until > self.second {
            return;
        }
        let told = Heartbeat {
            agent: agent.id.clone(),
            instances: agent.instances.iter().map(|one| agent.tell(one)).collect(),
            node: agent.node.clone(),
            time: Some(self.second as f64 + agent.clock_off),
            answers: word.map(str::to_owned),
        };
        match self.lag.heartbeats {
            0 => self.hear(&told),
            lag => self.heartbeats.push_back((self.second + lag, told)),
        }
    }

    fn hear(&mut self, told: &Heartbeat) {
        if self.control && self.bus {
            self.health.heartbeat(self.now(), told);
        }
    }

    fn obey(&mut self, action: Action) {
        if !self.bus {
            return;
        }
        match action {
            Action::Start {
                process,
                version,
                index,
                ..
            } => self.start(process, version, index),
            Action::Stop { instance, .. } => {
                self.end(&instance, ExitReason::Stopped, "");
            }
        }
    }

    fn start(&mut self, process: String, version: String, index: u32) {
        let second = self.second;
        let open =
            |(_, agent): &(usize, &RealAgent)| !agent.evacuating && agent.cut_until <= second;
        let fewest = |(_, agent): &(usize, &RealAgent)| agent.instances.len();
        let agents = self.agents.iter().enumerate();
        let Some((at, _)) = agents.filter(open).min_by_key(fewest) else {
            return;
        };
        self.made += 1;
        self.nodes.insert(self.agents[at].node.clone());
        self.health
            .note_node(Micros::from_seconds(second), &self.agents[at].node);
        self.agents[at].instances.push(HeartbeatInstance {
            process,
            version,
            instance: format!("i{}", self.made),
            index,
            state: InstanceState::Starting,
            state_timestamp: self.second as f64,
            ..HeartbeatInstance::default()
        });
        self.beat(at);
    }

    /// Ends an instance and says so.
    pub(super) fn end(&mut self, guid: &str, reason: ExitReason, why: &str) {
        let place = self.agents.iter().enumerate().find_map(|(agent, real)| {
            let at = real
                .instances
                .iter()
                .position(|instance| instance.instance == guid)?;
            Some((agent, at))
        });
        let Some((agent, at)) = place else {
            return;
        };
        let ended = self.agents[agent].instances.remove(at);
        self.say_exit(&ended, reason, why);
        self.beat(agent);
    }

    pub(super) fn say_exit(&mut self, ended: &HeartbeatInstance, reason: ExitReason, why: &str) {
        let exited = Exited {
            process: ended.process.clone(),
            version: ended.version.clone(),
            instance: ended.instance.clone(),
            index: ended.index,
            reason,
            exit_description: why.into(),
            ..Exited::default()
        };
        if self.control && self.bus {
            self.health.exited(self.now(), &exited);
        }
    }

    /// Crashes whatever serves an index.
    pub(super) fn crash(&mut self, process: &str, index: u32) {
        let mut all = self.agents.iter().flat_map(|agent| &agent.instances);
        let found = all.find(|i| i.process == process && i.index == index);
        if let Some(guid) = found.map(|instance| instance.instance.clone()) {
            self.end(&guid, ExitReason::Crashed, "app instance exited");
        }
    }

    /// Begins to empty an agent.
    pub(super) fn evacuate(&mut self, at: usize) {
        self.agents[at].evacuating = true;
        for instance in &mut self.agents[at].instances {
            instance.state = InstanceState::Evacuating;
        }
        for instance in self.agents[at].instances.clone() {
            self.say_exit(&instance, ExitReason::Evacuation, "");
        }
        self.beat(at);
    }

    /// A new controller, which knows what is desired, what is written down and nothing else.
    pub(super) fn restart_control(&mut self) {
        self.restart_control_knowing(&[]);
    }

    /// The same, where crashes were counted.
    pub(super) fn restart_control_knowing(&mut self, crashes: &[CrashCount]) {
        self.health = Health::new(self.settings.clone());
        self.control = true;
        let now = self.now();
        self.health.take_over(now);
        self.health
            .desired(now, self.desired.values().cloned().collect());
        self.health.recall(now, crashes);
        self.health.expect_nodes(now, self.nodes.iter().cloned());
        // It says that it is there, and every agent answers that.
        (0..self.agents.len()).for_each(|at| self.beat(at));
    }

    /// Restarts everything: new agents on the same nodes, without any instance, and an empty bus.
    pub(super) fn restart_all(&mut self) {
        self.heartbeats.clear();
        self.orders.clear();
        for agent in &mut self.agents {
            self.made += 1;
            agent.id = format!("{}-b", self.made);
            agent.instances.clear();
        }
        self.restart_control();
    }

    /// The indices that are served by a version, with those that are served twice twice.
    pub(super) fn serving(&self, process: &str, version: &str) -> Vec<u32> {
        let all = self.agents.iter().flat_map(|agent| &agent.instances);
        let runs = |i: &&HeartbeatInstance| {
            i.process == process && i.version == version && i.state == InstanceState::Running
        };
        let mut indices: Vec<u32> = all.filter(runs).map(|i| i.index).collect();
        indices.sort_unstable();
        indices
    }

    /// Everything that lives of a process, whatever its version and state.
    pub(super) fn living(&self, process: &str) -> Vec<u32> {
        let all = self.agents.iter().flat_map(|agent| &agent.instances);
        let mut indices: Vec<u32> = all
            .filter(|i| i.process == process)
            .map(|i| i.index)
            .collect();
        indices.sort_unstable();
        indices
    }

    /// The starts so far: second, index.
    pub(super) fn starts(&self) -> Vec<(i64, u32)> {
        let start = |(second, action): &(i64, Action)| match action {
            Action::Start { index, .. } => Some((*second, *index)),
            Action::Stop { .. } => None,
        };
        self.log.iter().filter_map(start).collect()
    }

    /// The stops so far: index, reason.
    pub(super) fn stops(&self) -> Vec<(u32, StopReason)> {
        let stop = |(_, action): &(i64, Action)| match action {
            Action::Stop { index, reason, .. } => Some((*index, *reason)),
            Action::Start { .. } => None,
        };
        self.log.iter().filter_map(stop).collect()
    }
}
