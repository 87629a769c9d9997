//! The contestants: each is a proxy that forwards to the same origin, started with equal work.
//!
//! In: where the origin and the bus are, and whether to log. Out: a running process with its addresses.
//! Equal work means: the same four added request fields, keep-alive on both sides, logs for all or for none.

mod entry;
mod external;
mod haproxy;
mod nginx;
mod ours;
mod switchyard;

pub(crate) use entry::{Contestant, HOST, Kind, Logs, Programs, Surroundings};
use entry::{certificate, loopback};
pub(crate) use external::Peer;
pub(crate) use switchyard::{Routing, Settings};
