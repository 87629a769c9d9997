//! Metrics: gorouter's names, summed from per-core cells at scrape.
//!
//! In: touches by the workers ([`RequestMetrics`]) and by the control thread
//! ([`RegistryMetrics`]). Out: a `prometheus` registry and the text format for the admin room.
//! Never: a lock, a hash or an allocation where a request is counted.

mod catalogue;
mod collector;
mod labels;
mod process;
mod registry;
mod request;
mod set;
#[cfg(test)]
mod tests;
mod totals;

pub use labels::{ComponentLabels, Direction, RefusalReason, RegistryAction, StatusGroup};
pub use registry::RegistryMetrics;
pub use request::{PerRequest, RequestMetrics};
pub use set::Metrics;
pub use totals::Totals;
