//! The load generator: one thread, many connections, no opinion.
//!
//! In: a [`Target`] and how to load it. Out: a [`Report`]. Two ways to load:
//! *closed* sends the next request when an answer has arrived, and says how much a proxy carries;
//! *open* sends at fixed times, whatever the answers do, and counts each latency from the time at which the request
//! was due, so that a stall is seen by every request that it delays. `idle` only holds connections open.

mod closed;
mod connection;
mod idle;
mod open;
mod report;
mod runner;

pub use closed::{Closed, closed};
pub use idle::{Held, hold};
pub use open::{Open, open};
pub use report::{Errors, Latency, Report};
pub use runner::{Edge, Target};
