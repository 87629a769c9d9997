//! Admin: what the operator, the load balancer and the scraper ask.
//!
//! In: the shared health, metrics and route table, and requests on the status ports. Out: probes
//! (`/health`), the table (`/routes`), figures (`/varz`, `/metrics`). All of it runs on the control
//! thread; a long `/routes` is written by a thread of its own.
//! Never: a change of anything, and no request of a client of the router.

mod auth;
mod bind;
mod metrics;
mod page;
mod patience;
mod probe;
mod process;
mod rates;
mod routes;
mod serve;
mod site;
#[cfg(test)]
mod tests;
mod tls;
mod varz;

pub use bind::{AdminListeners, BindError, bind};
pub use serve::serve;

use std::sync::Arc;
use std::time::SystemTime;

use crate::observe::events::EventCounts;
use crate::observe::health::Health;
use crate::observe::metrics::Metrics;
use crate::route::RouteTable;

/// What the pages read. The rooms that change it hold the same `Arc`s.
#[derive(Clone)]
pub struct AdminState {
    /// What the probes are told.
    pub health: Arc<Health>,
    /// What `/metrics` and `/varz` show.
    pub metrics: Arc<Metrics>,
    /// What `/routes` and `/varz` show.
    pub table: Arc<RouteTable>,
    /// How many events there were, for `/varz`.
    pub event_counts: Arc<EventCounts>,
    /// `index`: this router among its peers.
    pub index: u32,
    /// This run of the router, `<index>-<uuid>`.
    pub uuid: Arc<str>,
    /// When it began.
    pub started_at: SystemTime,
}
