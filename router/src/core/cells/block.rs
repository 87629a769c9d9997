//! Block: the numbers themselves.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::handle::{CoreCounter, CoreCounters, CoreGauge, CoreHistogram, Handle};
use super::layout::{HistogramSlots, Layout, Slots};

/// One cache line pair of numbers.
// perf: 128 bytes, because the prefetcher of x86 fetches lines in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Line([AtomicU64; LINE]);

/// All numbers of one core, in one allocation.
pub(super) type Block = Arc<[Line]>;

/// The numbers of all cores.
#[derive(Clone, Debug)]
pub struct Cells {
    pub(super) blocks: Arc<[Block]>,
}

impl Cells {
    /// Makes one zeroed block per core.
    #[must_use]
    pub fn new(layout: &Layout, cores: usize) -> Self {
        let lines = layout.len.div_ceil(LINE);
        let block = || (0..lines).map(|_| Line::default()).collect();
        Self {
            blocks: (0..cores.max(1)).map(|_| block()).collect(),
        }
    }

    /// The maker of handles for one core; a number that is too large means the last core.
    ///
    /// Two threads that write through the same core's handles lose counts, nothing worse.
    #[must_use]
    pub fn core(&self, core: usize) -> CoreCells {
        let last = self.blocks.len() - 1;
        let block = self
            .blocks
            .get(core.min(last))
            .map_or_else(|| Arc::from([]), Arc::clone);
        CoreCells { block }
    }

    /// A counter's value, summed over the cores.
    #[must_use]
    pub fn sum(&self, slots: Slots, label: usize) -> u64 {
        self.fold(slots.at(label))
    }

    /// A gauge's value, summed over the cores.
    #[must_use]
    pub fn sum_gauge(&self, slots: Slots, label: usize) -> i64 {
        self.fold(slots.at(label)).cast_signed()
    }

    /// A histogram's state, summed over the cores.
    #[must_use]
    pub fn sum_histogram(&self, histogram: &HistogramSlots, label: usize) -> HistogramSum {
        let first = histogram.first(label);
        let sum_at = first + histogram.stride - 1;
        let buckets = (first..sum_at).map(|slot| self.fold(slot)).collect();
        let sum = self
            .blocks
            .iter()
            .map(|block| f64::from_bits(read(block, sum_at)))
            .sum();
        HistogramSum { buckets, sum }
    }

    fn fold(&self, slot: usize) -> u64 {
        self.blocks
            .iter()
            .fold(0, |sum, block| sum.wrapping_add(read(block, slot)))
    }
}

/// A histogram as the scrape sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramSum {
    /// Observations per bucket (not cumulative); the last one is above every bound.
    pub buckets: Vec<u64>,
    /// Sum of all observed values, in the unit of `observe`.
    pub sum: f64,
}

impl HistogramSum {
    /// How many values have been observed.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

/// Makes the handles of one core.

#[derive(Debug)]
pub struct CoreCells {
    block: Block,
}

impl CoreCells {
    /// A handle to a counter (its first label value).
    #[must_use]
    pub fn counter(&self, slots: Slots) -> CoreCounter {
        CoreCounter {
            cell: self.handle(slots.first),
        }
    }

    /// A handle to counters by label value.
    #[must_use]
    pub fn counters(&self, slots: Slots) -> CoreCounters {
        CoreCounters {
            cell: self.handle(slots.first),
            last: slots.len() - 1,
        }
    }

    /// A handle to a gauge.
    #[must_use]
    pub fn gauge(&self, slots: Slots) -> CoreGauge {
        CoreGauge {
            cell: self.handle(slots.first),
        }
    }

    /// A handle to a histogram, or to histograms by label value.
    #[must_use]
    pub fn histogram(&self, slots: &HistogramSlots) -> CoreHistogram {
        let cell = self.handle(slots.slots.first);
        CoreHistogram {
            cell,
            last: slots.series() - 1,
            bounds: Arc::clone(&slots.bounds),
            lately: Cell::new(0),
        }
    }

    fn handle(&self, first: usize) -> Handle {
        Handle::new(&self.block, first)
    }
}

pub(super) fn cell(block: &[Line], slot: usize) -> Option<&AtomicU64> {
    block.get(slot / LINE)?.0.get(slot % LINE)
}

fn read(block: &[Line], slot: usize) -> u64 {
    cell(block, slot).map_or(0, |cell| cell.load(Ordering::Relaxed))
}

pub(super) const LINE: usize = 16;
