//! The nodes that there are, as their agents advertise them.

use std::collections::HashMap;
use std::time::Duration;

use crate::model::Micros;
use crate::wire::{Advertisement, AgentHello};

use super::class::{Class, Classes};
use super::counts::Counts;
use super::node::{Hot, NEVER, Node, Promise, Role};
use super::request::{Chosen, NodeView, Request};
use super::scan::Scan;

/// How long an agent is believed to be there after an advertisement.
pub const ADVERTISEMENT_LIFE: Duration = Duration::from_secs(10);

/// After how long an advertisement knows of everything that was sent to its agent.
pub const SETTLE: Duration = Duration::from_secs(2);

/// Whether an agent was known before it advertised.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Heard {
    /// It was: its room may have changed.
    Known,
    /// It was not, or had been silent for too long.
    New,
}

/// Every node with its room, less what was promised.
#[derive(Debug, Default)]
pub struct Pool {
    numbers: HashMap<String, u32>,
    pub(super) hot: Vec<Hot>,
    nodes: Vec<Option<Node>>,
    vacant: Vec<u32>,
    pub(super) classes: Classes,
    pub(super) counts: Counts,
    pub(super) scan: Scan,
}

impl Pool {
    /// A pool without nodes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in an advertisement; the latest of each agent counts.
    pub fn apply(&mut self, now: Micros, role: Role, told: &Advertisement) -> Heard {
        self.apply_late(now, now, role, told)
    }

    /// The same for one that may have waited since `since` until somebody listened: what was promised
    /// meanwhile may have arrived without its knowledge.
    pub fn apply_late(
        &mut self,
        now: Micros,
        since: Micros,
        role: Role,
        told: &Advertisement,
    ) -> Heard {
        let number = self.number(&told.id);
        let Some((hot, node)) = slot(&mut self.hot, &mut self.nodes, number) else {
            return Heard::Known;
        };
        let before = hot.hear(role, now);
        let changed = node.hear(since, role, told);
        refresh(hot, node);
        for process in changed {
            self.counts.set(&process, number, node.count(&process));
        }
        self.reclassify(number, told);
        if is_alive(before, now) {
            Heard::Known
        } else {
            Heard::New
        }
    }

    /// Forgets the agents that the sender of this greeting was before it was restarted.
    ///
    /// They will not say goodbye, and what is sent to them is lost.
    pub fn greet(&mut self, hello: &AgentHello) {
        let seat = |id: &str| id.split('-').next().map(str::to_owned);
        let before: Vec<String> = self
            .nodes
            .iter()
            .flatten()
            .filter(|node| !hello.ip.is_empty() && node.ip == hello.ip)
            .filter(|node| node.id != hello.id && seat(&node.id) == seat(&hello.id))
            .map(|node| node.id.clone())
            .collect();
        for id in before {
            self.remove(&id);
        }
    }

    /// Forgets an agent, which has said that it takes nothing any more.
    pub fn remove(&mut self, agent: &str) {
        let Some(number) = self.numbers.remove(agent) else {
            return;
        };
        let Some(place) = self.nodes.get_mut(number as usize) else {
            return;
        };
        for process in place.take().iter().flat_map(Node::processes) {
            self.counts.set(&process, number, 0);
        }
        if let Some(hot) = self.hot.get_mut(number as usize) {
            self.classes.leave(hot.class);
            *hot = Hot::VACANT;
        }
        self.vacant.push(number);
    }

    /// Forgets the agents that have been silent for too long; returns their ids.
    pub fn expire(&mut self, now: Micros) -> Vec<String> {
        let silent = |(hot, node): (&Hot, &Option<Node>)| {
            let heard = hot.instances_heard.max(hot.staging_heard);
            let node = node.as_ref().filter(|_| !is_alive(heard, now))?;
            Some(node.id.clone())
        };
        let gone: Vec<String> = self
            .hot
            .iter()
            .zip(&self.nodes)
            .filter_map(silent)
            .collect();
        for agent in &gone {
            self.remove(agent);
        }
        gone
    }

    /// The node that an agent works on; `None` for one that is not known.
    #[must_use]
    pub fn node_of(&self, agent: &str) -> Option<&str> {
        let number = self.numbers.get(agent)?;
        let node = self.nodes.get(*number as usize)?.as_ref()?;
        Some(&node.name)
    }

    /// Takes back what was promised for a build that this stager has ended, or never began: no
    /// advertisement may have shown it as taken.
    pub fn end_staging(&mut self, agent: &str, build: &str) {
        let number = self.numbers.get(agent).copied();
        let place = number.and_then(|number| slot(&mut self.hot, &mut self.nodes, number));
        if let Some((hot, node)) = place {
            node.end_staging(build);
            refresh(hot, node);
        }
    }

    /// Whether the agent was heard of lately.
    #[must_use]
    pub fn is_alive(&self, agent: &str, now: Micros) -> bool {
        let hot = self
            .numbers
            .get(agent)
            .and_then(|&number| self.hot.get(number as usize));
        hot.is_some_and(|hot| is_alive(hot.instances_heard.max(hot.staging_heard), now))
    }

    /// Every node that was heard of lately, in no order.
    pub fn nodes(&self, now: Micros) -> impl Iterator<Item = NodeView<'_>> {
        self.hot
            .iter()
            .zip(&self.nodes)
            .filter_map(move |(hot, node)| {
                let heard = hot.instances_heard.max(hot.staging_heard);
                let node = node.as_ref().filter(|_| is_alive(heard, now))?;
                let class = self.classes.find(hot.class)?;
                Some(NodeView {
                    agent: &node.id,
                    ip: &node.ip,
                    free_memory_mb: hot.free_memory,
                    free_disk_mb: node.free_disk(),
                    stacks: &class.stacks,
                    zones: &class.zones,
                    availability_zone: &class.availability_zone,
                    instances: node.instances(),
                })
            })
    }

    /// How many instances of `process` there are on all nodes, with those that were promised.
    #[must_use]
    pub fn instances(&self, process: &str) -> u64 {
        self.counts
            .of(process)
            .map(|(_, count)| u64::from(count))
            .sum()
    }

    /// Subtracts what was promised, until the agent advertises it as taken.
    pub(super) fn promise(
        &mut self,
        now: Micros,
        number: u32,
        role: Role,
        request: &Request<'_>,
    ) -> Option<Chosen> {
        let (hot, node) = slot(&mut self.hot, &mut self.nodes, number)?;
        node.promise(Promise {
            role,
            what: request.process.into(),
            memory: request.memory_mb,
            disk: request.disk_mb,
            settled: now.after(SETTLE),
        });
        refresh(hot, node);
        if role == Role::Instances {
            let count = node.count(request.process);
            self.counts.set(request.process, number, count);
        }
        Some(Chosen {
            agent: node.id.clone(),
        })
    }

    fn number(&mut self, id: &str) -> u32 {
        if let Some(&number) = self.numbers.get(id) {
            return number;
        }
        let number = self.vacant.pop().unwrap_or_else(|| {
            self.hot.push(Hot::VACANT);
            self.nodes.push(None);
            u32::try_from(self.hot.len() - 1).unwrap_or(u32::MAX)
        });
        if let Some(place) = self.nodes.get_mut(number as usize) {
            *place = Some(Node::new(id));
        }
        self.numbers.insert(id.to_owned(), number);
        number
    }

    fn reclassify(&mut self, number: u32, told: &Advertisement) {
        let Some(hot) = self.hot.get_mut(number as usize) else {
            return;
        };
        let class = Class::of(told);
        if self.classes.find(hot.class) == Some(&class) {
            return;
        }
        self.classes.leave(hot.class);
        hot.class = self.classes.join(class);
    }
}

/// The earliest advertisement that is still believed.
pub(super) fn oldest(now: Micros) -> Micros {
    let life = i64::try_from(ADVERTISEMENT_LIFE.as_micros()).unwrap_or(i64::MAX);
    // Later than `NEVER`, whatever the time.
    Micros(now.0.saturating_sub(life).max(NEVER.0 + 1))
}

/// Whether an agent that was heard at `heard` is still believed to be there.
fn is_alive(heard: Micros, now: Micros) -> bool {
    heard >= oldest(now)
}

fn slot<'a>(
    hot: &'a mut [Hot],
    nodes: &'a mut [Option<Node>],
    number: u32,
) -> Option<(&'a mut Hot, &'a mut Node)> {
    let hot = hot.get_mut(number as usize)?;
    Some((hot, nodes.get_mut(number as usize)?.as_mut()?))
}

fn refresh(hot: &mut Hot, node: &Node) {
    hot.free_memory = node.free_memory();
    hot.free_disk = node.free_disk().unwrap_or(i64::MAX);
}
