//! Controller: what brings the world to what the store wants.
//!
//! In come orders of the API, through a [`Controller`], and what agents say on the bus. Out go starts,
//! stops, updates and staging requests on the bus, and rows of builds, droplets and deployments. What
//! to do is decided in `placement`, `health` and `deployment`; the drivers here only carry it out, and
//! only the holder of the lease does.
//!
//! It never serves HTTP, never moves application traffic, and never keeps what one round of
//! heartbeats cannot tell again.

mod announce;
mod answers;
mod crash;
mod deploy;
mod deployment;
mod drive;
mod ears;
mod handle;
mod nodes;
mod presence;
mod queue;
mod reconcile;
mod site;
mod stage;
mod staging_request;
mod start;
mod stats;
mod tidy;

pub use announce::Endpoint;
pub use drive::run;
pub use handle::{Controller, Order, Orders, Room};
pub use presence::Presence;
pub use site::{ControllerParts, ControllerSettings};
