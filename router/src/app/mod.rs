//! App: builds every room from its slice of the configuration; owns the order of starting and of
//! draining.
//!
//! In: a [`Config`](crate::config::Config). Out: a running router ([`Running`]), or why it could
//! not start ([`StartError`]), and at the end an exit code. Never: a rule of its own.
//!
//! The morning: operator's ports → bus, subscription confirmed → warm-up → traffic ports → healthy.
//! The evening: degraded → `drain_wait` → stop accepting → exchanges finish → access log → exit.

mod control;
mod error;
mod parts;
mod run;
mod running;
mod start;
mod workers;

pub use error::StartError;
pub use run::run;
pub use running::Running;
pub use start::start;
