//! One node: what its agent advertised, and what was promised since.

use std::collections::BTreeMap;

use crate::model::Micros;
use crate::wire::Advertisement;

/// What an agent offers with one kind of advertisement.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Role {
    /// `dea.advertise`: it takes instances, and counts those it has.
    Instances,
    /// `staging.advertise`: it takes staging tasks.
    Staging,
}

/// What a placement looks at; small, because every one is looked at for every placement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hot {
    /// When it last advertised room for instances, and for staging; [`NEVER`] if it did not.
    pub(super) instances_heard: Micros,
    pub(super) staging_heard: Micros,
    pub(super) free_memory: i64,
    /// [`i64::MAX`] when it is not told, which is enough for everyone.
    pub(super) free_disk: i64,
    pub(super) class: u32,
}

/// Long before anything was advertised.
pub(super) const NEVER: Micros = Micros(i64::MIN);

impl Hot {
    /// A place without a node.
    pub(super) const VACANT: Self = Self {
        instances_heard: NEVER,
        staging_heard: NEVER,
        free_memory: 0,
        free_disk: 0,
        class: u32::MAX,
    };

    pub(super) fn heard(&self, role: Role) -> Micros {
        match role {
            Role::Instances => self.instances_heard,
            Role::Staging => self.staging_heard,
        }
    }

    /// Notes an advertisement; returns when the one before it was heard.
    pub(super) fn hear(&mut self, role: Role, now: Micros) -> Micros {
        let heard = match role {
            Role::Instances => &mut self.instances_heard,
            Role::Staging => &mut self.staging_heard,
        };
        std::mem::replace(heard, now)
    }
}

/// What a placement need not look at.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) id: String,
    pub(super) ip: String,
    /// Its name, which it keeps when its agent is restarted.
    pub(super) name: String,
    memory: i64,
    disk: Option<i64>,
    /// Memory when the agent last told its instances.
    told_memory: i64,
    told: BTreeMap<String, u32>,
    promises: Vec<Promise>,
}

/// Room that was given away and that the agent did not advertise as taken yet.
#[derive(Debug)]
pub(super) struct Promise {
    pub(super) role: Role,
    /// The process of an instance, or the build.
    pub(super) what: Box<str>,
    pub(super) memory: i64,
    pub(super) disk: i64,
    /// From then on an advertisement knows of it, or the agent never will.
    pub(super) settled: Micros,
}

impl Promise {
    /// Whose instance it is; `None` for a build.
    fn process(&self) -> Option<&str> {
        (self.role == Role::Instances).then_some(&*self.what)
    }
}

impl Node {
    pub(super) fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            ip: String::new(),
            name: id.to_owned(),
            memory: 0,
            disk: None,
            told_memory: 0,
            told: BTreeMap::new(),
            promises: Vec::new(),
        }
    }

    /// Takes in what was advertised; returns the processes whose count may have changed.
    ///
    /// An advertisement may have been sent before a promise arrived, so it does not wipe promises:
    /// it keeps those whose instances it does not count yet, unless they were too old to arrive when
    /// it was sent, which is `sent` at the earliest.
    pub(super) fn hear(&mut self, sent: Micros, role: Role, told: &Advertisement) -> Vec<String> {
        let counts = role == Role::Instances;
        let mut changed = Vec::new();
        // perf: most advertisements repeat the last one; then no text is copied or compared twice.
        if !self.promises.is_empty() || (counts && self.told != told.instances) {
            changed = self.processes();
            self.promises.retain(|promise| promise.settled > sent);
            if counts {
                self.forget_arrived(told);
                self.told.clone_from(&told.instances);
                changed.extend(told.instances.keys().cloned());
            }
            changed.sort_unstable();
            changed.dedup();
        }
        if counts {
            self.told_memory = told.available_memory;
        }
        self.ip.clone_from(&told.ip);
        if !told.node.is_empty() {
            self.name.clone_from(&told.node);
        }
        self.memory = told.available_memory;
        self.disk = told.available_disk;
        changed
    }

    pub(super) fn promise(&mut self, promise: Promise) {
        self.promises.push(promise);
    }

    /// Forgets what was promised for a build that has ended.
    pub(super) fn end_staging(&mut self, build: &str) {
        let is_its = |promise: &Promise| promise.role == Role::Staging && &*promise.what == build;
        self.promises.retain(|promise| !is_its(promise));
    }

    /// Instances of `process`, with those that were promised.
    pub(super) fn count(&self, process: &str) -> u32 {
        let of_it = |promise: &&Promise| promise.process() == Some(process);
        let promised = self.promises.iter().filter(of_it).count();
        let told = self.told.get(process).copied().unwrap_or(0);
        told.saturating_add(u32::try_from(promised).unwrap_or(u32::MAX))
    }

    /// All instances, with those that were promised.
    pub(super) fn instances(&self) -> u64 {
        let promised = self
            .promises
            .iter()
            .filter(|promise| promise.role == Role::Instances)
            .count();
        self.told.values().copied().map(u64::from).sum::<u64>() + promised as u64
    }

    /// The processes that it counts instances of.
    pub(super) fn processes(&self) -> Vec<String> {
        let promised = self.promises.iter().filter_map(Promise::process);
        self.told
            .keys()
            .cloned()
            .chain(promised.map(str::to_owned))
            .collect()
    }

    /// Memory in MB, less what was promised.
    pub(super) fn free_memory(&self) -> i64 {
        let promised = self.promises.iter().map(|promise| promise.memory);
        promised.fold(self.memory, i64::saturating_sub)
    }

    /// Disk in MB, less what was promised; `None` when it is not told.
    pub(super) fn free_disk(&self) -> Option<i64> {
        let promised = self.promises.iter().map(|promise| promise.disk);
        self.disk
            .map(|disk| promised.fold(disk, i64::saturating_sub))
    }

    /// Forgets the promises that have arrived, oldest first.
    ///
    /// An instance has arrived when its process counts one more. A staging task is not counted: it
    /// has arrived when more memory is gone than the arrived instances took.
    fn forget_arrived(&mut self, told: &Advertisement) {
        let mut arrived = self.grown(told);
        let mut unexplained = self.told_memory.saturating_sub(told.available_memory);
        self.promises.retain(|promise| {
            let process = promise.process();
            let Some(left) = process.and_then(|process| arrived.get_mut(process)) else {
                return true;
            };
            if *left == 0 {
                return true;
            }
            *left -= 1;
            unexplained = unexplained.saturating_sub(promise.memory);
            false
        });
        self.promises.retain(|promise| {
            if promise.role == Role::Instances || unexplained < promise.memory {
                return true;
            }
            unexplained -= promise.memory;
            false
        });
    }

    /// By how many instances each promised process has grown.
    fn grown(&self, told: &Advertisement) -> BTreeMap<Box<str>, u32> {
        let count = |counts: &BTreeMap<String, u32>, process: &str| {
            counts.get(process).copied().unwrap_or(0)
        };
        let promised = self.promises.iter().filter_map(Promise::process);
        let growth = promised.map(|process| {
            let grown = count(&told.instances, process).saturating_sub(count(&self.told, process));
            (Box::from(process), grown)
        });
        growth.collect()
    }
}
