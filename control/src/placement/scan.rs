//! One look at every node: which can take a request, and how many each wish left.

use std::collections::HashMap;

use crate::model::Micros;

use super::class::DEFAULT_ZONE;
use super::node::Role;
use super::pool::{Pool, oldest};
use super::request::Request;
use super::shortage::{Left, Shortage};

/// A node that can take the request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) number: u32,
    /// Its availability zone, as a number that only this scan knows.
    pub(super) zone: u32,
    pub(super) free_memory: i64,
}

/// What is kept from one placement to the next, so that nothing is allocated for each.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) candidates: Vec<Candidate>,
    pub(super) memories: Vec<i64>,
    /// Instances of the process by the number of the node; all zero between two placements.
    pub(super) counts: Vec<u32>,
    /// Instances of the process by availability zone; as many places as there are zones.
    pub(super) sums: Vec<Option<u64>>,
    verdicts: Vec<Verdict>,
}

/// How many nodes each wish left.
#[derive(Debug, Default)]
pub(super) struct Tally {
    left: Left,
    most_memory_mb: Option<i64>,
}

impl Tally {
    pub(super) fn shortage(&self, request: &Request<'_>) -> Shortage {
        Shortage::new(request, self.left, self.most_memory_mb)
    }
}

/// What a request thinks of one class of nodes.
#[derive(Clone, Copy, Debug, Default)]
struct Verdict {
    has_stack: bool,
    is_in_zone: bool,
    zone: u32,
}

impl Scan {
    pub(super) fn is_empty(&self) -> bool {
        self.candidates.is_empty()
    }
}

impl Pool {
    /// Fills `scan.candidates` with every node that can take `request`.
    ///
    /// perf: one pass over flat memory; the texts of a request are compared with the few classes
    /// of nodes, not with every node (bench `placement`).
    pub(super) fn scan(
        &self,
        scan: &mut Scan,
        role: Role,
        request: &Request<'_>,
        now: Micros,
    ) -> Tally {
        self.judge(scan, request);
        scan.counts.resize(self.hot.len(), 0);
        scan.candidates.clear();
        let mut tally = Tally::default();
        let left = &mut tally.left;
        let oldest = oldest(now);
        for (number, hot) in (0..).zip(&self.hot) {
            if hot.heard(role) < oldest {
                continue;
            }
            left.alive += 1;
            if hot.free_disk < request.disk_mb {
                continue;
            }
            left.disk += 1;
            let verdict = scan
                .verdicts
                .get(hot.class as usize)
                .copied()
                .unwrap_or_default();
            if !verdict.has_stack {
                continue;
            }
            left.stack += 1;
            tally.most_memory_mb = tally.most_memory_mb.max(Some(hot.free_memory));
            if hot.free_memory < request.memory_mb {
                continue;
            }
            left.memory += 1;
            if !verdict.is_in_zone {
                continue;
            }
            left.zone += 1;
            let (zone, free_memory) = (verdict.zone, hot.free_memory);
            scan.candidates.push(Candidate {
                number,
                zone,
                free_memory,
            });
        }
        tally
    }

    /// Compares the request with every class of nodes, and numbers the availability zones.
    fn judge(&self, scan: &mut Scan, request: &Request<'_>) {
        let wanted = request.zone.unwrap_or(DEFAULT_ZONE);
        let mut zones: HashMap<&str, u32> = HashMap::new();
        scan.verdicts.clear();
        for class in self.classes.iter() {
            let verdict = class.map(|class| {
                let next = u32::try_from(zones.len()).unwrap_or(u32::MAX);
                Verdict {
                    has_stack: class.has_stack(request.stack),
                    is_in_zone: class.is_in(wanted),
                    zone: *zones.entry(&class.availability_zone).or_insert(next),
                }
            });
            scan.verdicts.push(verdict.unwrap_or_default());
        }
        scan.sums.clear();
        scan.sums.resize(zones.len(), None);
    }
}
