//! Which of the nodes that can is it? Each step keeps a part of what the one before left.

use std::cmp::Reverse;

use rand::{Rng, RngExt};

use super::counts::Counts;
use super::scan::{Candidate, Scan};

impl Scan {
    /// Keeps the nodes in the availability zones with the fewest instances of `process`, and of
    /// these the ones with the fewest.
    pub(super) fn spread(&mut self, counts: &Counts, process: &str) {
        let Self {
            candidates,
            counts: by_node,
            sums,
            ..
        } = self;
        for (number, count) in counts.of(process) {
            if let Some(place) = by_node.get_mut(number as usize) {
                *place = count;
            }
        }
        let count = |number: u32| by_node.get(number as usize).copied().unwrap_or(0);
        for candidate in candidates.iter() {
            if let Some(sum) = sums.get_mut(candidate.zone as usize) {
                *sum = Some(sum.unwrap_or(0) + u64::from(count(candidate.number)));
            }
        }
        let fewest = sums.iter().flatten().min().copied();
        let sum = |zone: u32| sums.get(zone as usize).copied().flatten();
        candidates.retain(|candidate| sum(candidate.zone) == fewest);
        let fewest = candidates
            .iter()
            .map(|candidate| count(candidate.number))
            .min();
        candidates.retain(|candidate| Some(count(candidate.number)) == fewest);
        for (number, _) in counts.of(process) {
            if let Some(place) = by_node.get_mut(number as usize) {
                *place = 0;
            }
        }
    }

    /// Keeps the nodes with at least as much free memory as the one in the middle.
    pub(super) fn keep_upper_half(&mut self) {
        let Self {
            candidates,
            memories,
            ..
        } = self;
        if candidates.is_empty() {
            return;
        }
        memories.clear();
        memories.extend(candidates.iter().map(|candidate| candidate.free_memory));
        let middle = memories.len() / 2;
        let (_, &mut threshold, _) = memories.select_nth_unstable(middle);
        candidates.retain(|candidate| candidate.free_memory >= threshold);
    }

    /// Keeps the `count` nodes with the most free memory.
    pub(super) fn keep_roomiest(&mut self, count: usize) {
        self.candidates
            .sort_unstable_by_key(|candidate| Reverse(candidate.free_memory));
        self.candidates.truncate(count);
    }

    pub(super) fn draw(&self, random: &mut impl Rng) -> Option<Candidate> {
        let count = self.candidates.len();
        if count == 0 {
            return None;
        }
        self.candidates.get(random.random_range(0..count)).copied()
    }
}
