//! Cells: numbers that one core writes and the scrape sums.
//!
//! In: a [`Layout`] that says which numbers there are, and the number of cores. Out: [`Cells`],
//! one padded block of them per core, and the handles that a core touches ([`CoreCounter`],
//! [`CoreGauge`], [`CoreHistogram`] and the labelled kinds). A touch is one relaxed load and one
//! relaxed store to a line that no other core writes.
//! Never: a lock, a hash or an allocation where a number is touched.

mod block;
mod handle;
mod layout;
#[cfg(test)]
mod tests;

pub use block::{Cells, CoreCells, HistogramSum};
pub use handle::{CoreCounter, CoreCounters, CoreGauge, CoreHistogram};
pub use layout::{HistogramSlots, Layout, Slots};
