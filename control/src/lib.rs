//! The platform around the router, beginning with one machine.
//!
//! - [`micro`]: bus, router and a sample application in one process tree.
//! - [`sample`]: a small application that announces itself over NATS.
//! - [`exec`]: the shim that ties a child's life to its parent's.
//! - [`explain`]: how an error is told to a person.
//!
//! It never links the router: the two meet on the bus and through the router's own endpoints.

pub mod exec;
pub mod explain;
pub mod micro;
pub mod sample;

mod contract;
mod fetch;
