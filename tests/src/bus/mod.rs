//! The bus: NATS on a loopback port, and an announcer that publishes raw bytes.
//!
//! In: what a test announces. Out: what the router publishes. It is always a real server, ours or
//! Debian's, and never a stand-in for one.

mod debian;
mod embedded;
mod gate;
mod link;
mod server;

pub use gate::Gate;
pub use link::Subscription;
pub use server::Bus;
