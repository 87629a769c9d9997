//! The router as a process of its own, for what only a process can show: signals, exit codes.
//!
//! In: a configuration and signals. Out: its answers, its events, its end. It listens on port 0
//! like everybody here, and is asked afterwards which ports those became.

mod binary;
mod ports;
mod router;

pub use binary::run;
pub use router::RouterProcess;
