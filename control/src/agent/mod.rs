//! Agent: the node's side of the platform; it runs instances and stages droplets.
//!
//! In come messages from the bus: start, stop, update, find. Out go containers, routes at the
//! routers, heartbeats and the ends of instances. What runs survives the agent: an agent that comes
//! back finds its instances again and leaves them in peace.
//!
//! It never knows what is desired, never chooses a node, and never speaks to the controller but
//! over the bus and through the signed addresses that it was given.

pub mod admission;
pub mod runtime;
pub mod stager;

mod begin;
mod capacity;
mod clear;
mod desk;
mod download;
mod droplets;
mod ears;
mod environment;
mod error;
mod files;
mod instance;
mod life;
mod name;
mod namesakes;
mod node;
mod options;
mod probe;
mod recovery;
mod roster;
mod routes;
mod run;
mod service;
mod signals;
mod snapshot;
mod status;
mod sweep;

pub use error::AgentError;
pub use options::{AgentOptions, RuntimeKind};
pub use run::run;
