//! Micro: everything on one machine, in one process tree.
//!
//! In comes a command line; out goes a running bus, a router and a sample application, what a
//! person needs to know about them, and live figures until somebody says stop. It links neither
//! the router nor any room of it: the router is a child, spoken to through its configuration
//! file, its ports and signals.

mod backoff;
mod child;
mod clock;
mod cloud;
mod directory;
mod error;
mod figures;
mod holder;
mod options;
mod plan;
mod ports;
mod run;
mod screen;
mod settings;
mod signals;
mod tail;
mod words;

pub use error::MicroError;
pub use holder::Holder;
pub use options::MicroOptions;
pub use ports::{Found, NoPort, Ports, Taken};
pub use run::run;
