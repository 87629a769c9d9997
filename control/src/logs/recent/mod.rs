//! The recent past: a ring of records for each application, bounded in number and in bytes.
//!
//! `shelf` is one application's ring, `whole` the table of them with the bound over all.

mod entry;
mod shelf;
mod whole;

pub use entry::{Entry, Meta, Order, Window};
pub use whole::{Recent, RecentLimits};
