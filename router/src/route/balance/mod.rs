//! Chooses an endpoint of a pool for one attempt.
//!
//! In come the members of a pool and what the request knows ([`Choice`]); out goes an
//! [`InFlight`] slot. It never waits, never allocates, never takes a lock.
//!
//! [`InFlight`]: super::InFlight

mod algorithm;
mod choice;
mod cursors;
mod least_connection;
mod round_robin;
mod select;

#[cfg(test)]
mod tests;

pub use algorithm::Algorithm;
pub use choice::{Choice, Tried, Unselectable};
pub use cursors::Cursors;

pub(super) use select::select;
