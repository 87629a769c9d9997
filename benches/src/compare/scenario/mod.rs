//! The scenarios: each puts one question to all contestants, or to the router alone.
//!
//! In: the stand (origin, bus, generator, contestants). Out: rows of results. A scenario never writes a file and never
//! decides how the run ends.

mod allocations;
mod churn;
mod http2;
mod idle;
mod latency;
mod list;
mod million;
mod race;
mod stream;
mod syscalls;
mod table;
mod throughput;
mod visible;

pub(crate) use list::{ALL, Field, Method, Scenario, Stand};
