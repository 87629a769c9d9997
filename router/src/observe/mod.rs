//! Observe: what happened, and when, for those who look from outside.
//!
//! In: numbers and facts from every room above. Out: metrics for the scrape, lines for the access
//! log, events on stdout, and the health that the probes answer with.
//! Never: a decision. Nothing here is read to choose what to do with a request, and nothing here
//! makes a worker wait.

pub mod access_log;
pub mod events;
pub mod exchange;
pub mod health;
pub mod metrics;
pub mod stamp;
pub mod zone;

pub use exchange::{Exchange, Observer};
