//! Registry: the route table's only writer.
//!
//! In come announcements, from the bus and from a file of static routes ([`source`]), and at the
//! start a [`snapshot`] of what was known before. Out goes a [`RouteTable`](crate::route::RouteTable)
//! that the request path reads, one event for each change of membership, and gorouter's counters.
//!
//! All of it runs on the control thread, in bounded steps. It never touches a connection to an
//! endpoint, and the request path never calls it: what an exchange learns about an endpoint, it
//! marks on the endpoint, and the next sweep sees it.

mod chores;
mod events;
mod prune;
mod run;
mod sharding;
pub mod snapshot;
pub mod source;
mod writer;

#[cfg(test)]
mod tests;

pub use prune::{Hearing, Pruner};
pub use run::{Lifecycle, RegistryError, run};
pub use sharding::Sharding;
pub use writer::{Now, Registry};
