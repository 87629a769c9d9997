//! Plain processes: the engine of a node without Docker.
//!
//! In comes a container to start; out goes a keeper process of its own session, which starts the
//! program, watches its memory and writes down how it ended. The keeper lives as long as the
//! program, whatever becomes of the agent; a directory per container is the engine's only record.
//!
//! It isolates nothing: a program sees the node's files and network with the agent's rights.

mod alive;
mod keeper;
mod ports;
mod proc;
mod record;
mod runtime;
mod size;

pub use keeper::{KeepError, KeepOptions, keep};
pub use runtime::{ProcessOptions, ProcessRuntime, disown};

pub(crate) use ports::Ports;
pub(crate) use size::directory_bytes;
