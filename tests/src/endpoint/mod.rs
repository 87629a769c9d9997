//! Endpoints that do what a script says, and remember every byte that they were sent.
//!
//! In: a script that runs on every connection, and the router's bytes. Out: what the oracle makes
//! of those bytes. An endpoint never knows the router; it only has an address.

mod conn;
mod listening;
mod memory;

pub use conn::Conn;
pub(crate) use conn::reset;
pub use listening::Endpoint;
