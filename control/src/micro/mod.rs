//! Micro: everything on one machine, in one process tree.
//!
//! In comes a command line; out goes a running bus, a router, a controller, an agent and a sample
//! application on them, what a person needs to know, and live figures until somebody says stop.
//! All parts but the bus are children, spoken to through command lines, files, ports and signals;
//! the sample is pushed through the API as everybody's applications are.

mod backoff;
mod child;
mod clock;
mod cloud;
mod directory;
mod error;
mod figures;
mod hello;
mod holder;
mod operator;
mod options;
mod parts;
mod patience;
mod plan;
mod ports;
mod run;
mod screen;
mod settings;
mod signals;
mod sweeper;
mod tail;
mod welcome;
mod words;

pub use error::MicroError;
pub use holder::Holder;
pub use options::{MicroOptions, MicroRuntime};
pub use ports::{Found, NoPort, Ports, Taken};
pub use run::run;
