//! The nouns of routing: what is announced, where it is kept, and which endpoint serves next.
//!
//! In comes an [`Announcement`] from the registry, the table's only writer, and a host and a path
//! from every request. Out goes a [`Pool`], which may live as long as the exchange, and from the
//! pool an [`InFlight`] endpoint. Readers take no lock and touch no heap.
//!
//! This room never reads a clock (time is passed in as [`Millis`]), never does I/O, never logs.

mod announcement;
mod balance;
mod clock;
mod endpoint;
mod fuzz;
mod index;
mod key;
mod member;
mod pool;
mod repeat;
mod repeats;
mod request_key;
mod shard;
mod sweep;
mod table;
mod text;
mod writer;

#[cfg(test)]
mod invariants;
#[cfg(test)]
mod model;
#[cfg(test)]
mod readers;

pub use announcement::{Announcement, AnnouncementError, Protocol, Tags, Transport};
pub use balance::{Algorithm, Choice, Cursors, Tried, Unselectable};
pub use clock::Millis;
pub use endpoint::{Endpoint, EndpointBytes, EndpointId, InFlight};
pub use fuzz::{fuzz_lookup, fuzz_route_key};
pub use key::{MAX_KEY_BYTES, RouteKey, RouteKeyError};
pub use member::Member;
pub use pool::Pool;
pub use repeat::{Renewed, Repetition};
pub use repeats::Fingerprint;
pub use sweep::{Pruned, RouteFate, Sweep, SweepPolicy};
pub use table::{Lookup, RouteTable};
pub use writer::{EmptyPools, Registered, RouteOrigin, TableWriter, Unregistered};
