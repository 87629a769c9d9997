//! Health: what must be started and stopped so that what runs is what is desired?
//!
//! Desired state comes in from the store, heartbeats and exits from the bus; starts and stops go
//! out, and what is known of each instance. It acts only on fresh knowledge: after silence, a
//! pause or a restart it asks and listens first (`roll` tells how), so that being blind never
//! restarts what runs. Nothing here waits, reads a clock, draws its own random numbers or chooses a
//! node.

mod action;
mod actual;
mod crash;
mod examine;
mod guard;
mod hear;
#[cfg(test)]
mod histories;
mod index;
#[cfg(test)]
mod model;
mod process;
mod queue;
mod recall;
mod reconciler;
mod report;
mod roll;
#[cfg(test)]
mod rules;
mod settings;

pub use action::{Action, Priority, StartReason, StopReason};
pub use guard::{Refused, StopScope, check_start, check_stop};
pub use process::DesiredProcess;
pub use reconciler::Health;
pub use report::CrashReport;
pub use settings::HealthSettings;
