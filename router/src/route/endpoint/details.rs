//! What many registrations leave out, kept aside so that they do not pay for it.

use crate::route::{Algorithm, Announcement};

/// Present when anything here differs from its default.
#[derive(Default)]
pub(super) struct Details {
    pub(super) protocol: Box<str>,
    pub(super) server_cert_domain_san: Box<str>,
    pub(super) availability_zone: Box<str>,
    pub(super) isolation_segment: Box<str>,
    pub(super) route_service_url: Box<str>,
    pub(super) updated_at_ns: i64,
    pub(super) load_balancing: Option<Algorithm>,
    pub(super) tags: Box<[(Box<str>, Box<str>)]>,
}

impl Details {
    pub(super) fn of(announcement: &Announcement<'_>) -> Option<Box<Self>> {
        let protocol = protocol_name(announcement);
        let is_plain = protocol == DEFAULT_PROTOCOL
            && announcement.server_cert_domain_san.is_empty()
            && announcement.availability_zone.is_empty()
            && announcement.isolation_segment.is_empty()
            && announcement.route_service_url.is_empty()
            && announcement.updated_at_ns == 0
            && announcement.load_balancing.is_none()
            && announcement.tags().next().is_none();
        (!is_plain).then(|| {
            Box::new(Self {
                protocol: protocol.into(),
                server_cert_domain_san: announcement.server_cert_domain_san.into(),
                availability_zone: announcement.availability_zone.into(),
                isolation_segment: announcement.isolation_segment.into(),
                route_service_url: announcement.route_service_url.into(),
                updated_at_ns: announcement.updated_at_ns,
                load_balancing: announcement.load_balancing,
                tags: announcement
                    .tags()
                    .map(|(name, value)| (name.into(), value.into()))
                    .collect(),
            })
        })
    }
}

/// `protocol` with gorouter's default.
pub(super) fn protocol_name<'a>(announcement: &Announcement<'a>) -> &'a str {
    if announcement.protocol.is_empty() {
        DEFAULT_PROTOCOL
    } else {
        announcement.protocol
    }
}

/// What gorouter prints for an endpoint that says nothing.
pub(super) const DEFAULT_PROTOCOL: &str = "http1";
