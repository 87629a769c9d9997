//! Command: `switchyard controller`, the API and the controller in one process.
//!
//! In come options; out go a listener, a seat on the bus and an exit code. It opens what the rooms
//! below need, in order, and ends it in the reverse one. It decides nothing.

mod error;
mod follow;
mod options;
mod run;
mod shared;

pub use error::CommandError;
pub use options::ControllerOptions;
pub use run::run;
