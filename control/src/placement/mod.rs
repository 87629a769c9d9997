//! Placement: which node takes the next instance, and which one stages?
//!
//! Advertisements come in from the bus; out goes the id of an agent, or a [`Shortage`] that says
//! which wish left no node. What was just promised is subtracted at once, so that a burst of
//! requests between two advertisements does not overfill a node. Nothing here waits, reads a clock
//! or draws its own random numbers.

mod choose;
mod class;
mod counts;
#[cfg(test)]
mod invariants;
mod narrow;
mod node;
mod pool;
mod request;
mod scan;
mod shortage;

pub use node::Role;
pub use pool::{ADVERTISEMENT_LIFE, Heard, Pool, SETTLE};
pub use request::{Chosen, NodeView, Request};
pub use shortage::{Left, Shortage, Step};
