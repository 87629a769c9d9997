//! One registered address: immutable facts beside a few atomics that the request path touches.
//!
//! In comes an [`Announcement`]; out goes an [`Endpoint`], which pools, exchanges and idle
//! connections share, and an [`InFlight`] slot of it. It never changes its facts: a registration
//! that says something new makes a new endpoint, which keeps id, count and marks.

mod details;
mod facts;
mod likeness;
mod vitals;

#[cfg(test)]
pub(super) mod examples;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64};

use self::details::Details;
use super::Announcement;
use super::announcement::{Protocol, Transport};
use super::text::SmallText;

pub use self::facts::EndpointBytes;
pub use self::vitals::InFlight;

/// Number of an (address, TLS identity) pair; a registration that changes other facts keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EndpointId(pub u64);

/// One registered address of one application instance.
// perf: 152 bytes with the usual texts in them (bench `route`, `--memory`: 390 -> 330 B a route).
pub struct Endpoint {
    id: EndpointId,
    /// Address, application, instance id and instance index, one after the other.
    text: SmallText<94>,
    /// The endpoint this one replaced, whose atomics both use; none for a first registration.
    ///
    // compat: gorouter starts a replaced endpoint's count at 0 and lets the old one fall below
    // what runs (route/pool.go, Put). Ours carries count and failure mark over.
    origin: Option<Arc<Self>>,
    details: Option<Box<Details>>,
    /// 0 is healthy, `EVICTED` is evicted, anything else is when the cool-down ends.
    failed_until: AtomicU64,
    in_flight: AtomicU32,
    /// Pools that hold this endpoint; only the writer touches it.
    memberships: AtomicU32,
    stale_threshold_secs: u32,
    address_end: u16,
    app_end: u16,
    instance_end: u16,
    port: u16,
    component_label: u16,
    protocol: Protocol,
    transport: Transport,
}

impl Endpoint {
    /// Builds an endpoint from a validated announcement; `origin` shares id and atomics.
    pub(super) fn new(
        id: EndpointId,
        announcement: &Announcement<'_>,
        origin: Option<Arc<Self>>,
    ) -> Self {
        let mut text = format!("{}:{}", announcement.host, announcement.port);
        let address_end = short(text.len());
        text.push_str(announcement.app_id);
        let app_end = short(text.len());
        text.push_str(announcement.instance_id);
        let instance_end = short(text.len());
        text.push_str(announcement.instance_index);
        Self {
            id,
            text: SmallText::new(&text),
            origin,
            details: Details::of(announcement),
            failed_until: AtomicU64::new(vitals::HEALTHY),
            in_flight: AtomicU32::new(0),
            memberships: AtomicU32::new(0),
            stale_threshold_secs: announcement.stale_threshold_secs,
            address_end,
            app_end,
            instance_end,
            port: announcement.port,
            component_label: announcement.component_label,
            protocol: if announcement.protocol == "http2" {
                Protocol::Http2
            } else {
                Protocol::Http1
            },
            transport: announcement.transport,
        }
    }
}

/// invariant: `Announcement::validate` keeps all texts together below 64 KiB.
fn short(bytes: usize) -> u16 {
    u16::try_from(bytes).unwrap_or(u16::MAX)
}
