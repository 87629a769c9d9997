//! Handle: what a core touches.

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::block::{Block, cell};

/// A place in one core's block. May move to the core's thread, but not be shared between two.
#[derive(Debug)]
pub(super) struct Handle {
    block: Block,
    first: usize,
    one_thread: PhantomData<Cell<()>>,
}

impl Handle {
    pub(super) fn new(block: &Block, first: usize) -> Self {
        Self {
            block: Arc::clone(block),
            first,
            one_thread: PhantomData,
        }
    }

    #[inline]
    fn update(&self, offset: usize, change: impl FnOnce(u64) -> u64) {
        if let Some(cell) = cell(&self.block, self.first + offset) {
            // perf: load and store, not `fetch_add`: this core is the only writer.
            cell.store(change(cell.load(Ordering::Relaxed)), Ordering::Relaxed);
        }
    }
}

/// A number that only grows.
#[derive(Debug)]
pub struct CoreCounter {
    pub(super) cell: Handle,
}

impl CoreCounter {
    /// Adds one.
    #[inline]
    pub fn increment(&self) {
        self.add(1);
    }

    /// Adds `n`.
    #[inline]
    pub fn add(&self, n: u64) {
        self.cell.update(0, |value| value.wrapping_add(n));
    }
}

/// Numbers that only grow, one per label value.
#[derive(Debug)]
pub struct CoreCounters {
    pub(super) cell: Handle,
    pub(super) last: usize,
}

impl CoreCounters {
    /// Adds one to the number of this label value; one that is too large counts as the last.
    #[inline]
    pub fn increment(&self, label: usize) {
        self.add(label, 1);
    }

    /// Adds `n` to the number of this label value; one that is too large counts as the last.
    #[inline]
    pub fn add(&self, label: usize, n: u64) {
        self.cell
            .update(label.min(self.last), |value| value.wrapping_add(n));
    }
}

/// A number that goes up and down; the cores' shares add up.
#[derive(Debug)]
pub struct CoreGauge {
    pub(super) cell: Handle,
}

impl CoreGauge {
    /// Adds one.
    #[inline]
    pub fn increment(&self) {
        self.cell.update(0, |value| value.wrapping_add(1));
    }

    /// Takes one off.
    #[inline]
    pub fn decrement(&self) {
        self.cell.update(0, |value| value.wrapping_sub(1));
    }

    /// Sets this core's share.
    #[inline]
    pub fn set(&self, value: i64) {
        self.cell.update(0, |_| value.cast_unsigned());
    }
}

/// A distribution, or one per label value.
#[derive(Debug)]
pub struct CoreHistogram {
    pub(super) cell: Handle,
    pub(super) last: usize,
    pub(super) bounds: Arc<[u64]>,
    /// The bucket of the last value: most follow each other into the same one.
    pub(super) lately: Cell<usize>,
}

impl CoreHistogram {
    /// Counts a value in the only (or first) series.
    #[inline]
    pub fn observe(&self, value: u64) {
        self.observe_labelled(0, value);
    }

    /// Counts a value in the series of this label value; one that is too large means the last.
    #[inline]
    pub fn observe_labelled(&self, label: usize, value: u64) {
        let stride = self.bounds.len() + 2;
        let first = label.min(self.last) * stride;
        let bucket = self.bucket(value);
        self.cell
            .update(first + bucket, |count| count.wrapping_add(1));
        // A float, because nanoseconds of a busy core would wrap an integer within days.
        self.cell.update(first + stride - 1, |sum| {
            (f64::from_bits(sum) + as_f64(value)).to_bits()
        });
    }
}

impl CoreHistogram {
    #[inline]
    fn bucket(&self, value: u64) -> usize {
        // perf: two comparisons, where a search among all of them costs a hundred instructions.
        let lately = self.lately.get();
        let below = lately.checked_sub(1).and_then(|at| self.bounds.get(at));
        let above = self.bounds.get(lately);
        if below.is_none_or(|bound| *bound < value) && above.is_none_or(|bound| value <= *bound) {
            return lately;
        }
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.lately.set(bucket);
        bucket
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a sum of measurements needs no 53rd bit"
)]
fn as_f64(value: u64) -> f64 {
    value as f64
}
