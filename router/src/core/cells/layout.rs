//! Layout: which numbers there are, and where in a block they live.

use std::sync::Arc;

/// Which numbers a block has; slots are handed out once, at start.
#[derive(Debug, Default)]
pub struct Layout {
    pub(super) len: usize,
}

impl Layout {
    /// A layout without any slot.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reserves one number.
    pub fn number(&mut self) -> Slots {
        self.numbers(1)
    }

    /// Reserves `len` numbers, one per label value; at least one.
    pub fn numbers(&mut self, len: usize) -> Slots {
        let first = self.len;
        let len = len.max(1);
        self.len += len;
        Slots { first, len }
    }

    /// Reserves a histogram with these ascending upper bounds (inclusive, in the unit of `observe`).
    pub fn histogram(&mut self, bounds: &[u64]) -> HistogramSlots {
        self.histograms(bounds, 1)
    }

    /// Reserves `series` histograms, one per label value; at least one.
    pub fn histograms(&mut self, bounds: &[u64], series: usize) -> HistogramSlots {
        let stride = bounds.len() + 2; // the bounds, the bucket above them all, the sum
        let slots = self.numbers(stride * series.max(1));
        HistogramSlots {
            slots,
            stride,
            bounds: bounds.into(),
        }
    }
}

/// Where a number, or one number per label value, lives in every block.
#[derive(Clone, Copy, Debug)]
pub struct Slots {
    pub(super) first: usize,
    len: usize,
}

impl Slots {
    /// The slot of a label value; one that is too large shares the last slot.
    pub(super) fn at(self, label: usize) -> usize {
        self.first + label.min(self.len - 1)
    }

    /// How many label values there are.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(self) -> usize {
        self.len
    }
}

/// Where a histogram, or one per label value, lives in every block.
#[derive(Clone, Debug)]
pub struct HistogramSlots {
    pub(super) slots: Slots,
    pub(super) stride: usize,
    pub(super) bounds: Arc<[u64]>,
}

impl HistogramSlots {
    pub(super) fn first(&self, label: usize) -> usize {
        let series = self.slots.len / self.stride;
        self.slots.first + label.min(series - 1) * self.stride
    }

    /// The upper bounds.
    #[must_use]
    pub fn bounds(&self) -> &[u64] {
        &self.bounds
    }

    /// How many label values there are.
    #[must_use]
    pub fn series(&self) -> usize {
        self.slots.len / self.stride
    }
}
