//! Does an announcement say anything new? The question behind nearly every message.

use super::Endpoint;
use super::details::protocol_name;
use crate::route::Announcement;

impl Endpoint {
    /// Whether both are versions of one endpoint, and share its atomics.
    pub(in crate::route) fn is_same_identity(&self, other: &Self) -> bool {
        self.id == other.id
    }

    /// Whether this is the address of the announcement.
    pub(in crate::route) fn is_at(&self, announcement: &Announcement<'_>) -> bool {
        self.port == announcement.port && self.host() == announcement.host
    }

    /// Whether address and TLS identity are those of the announcement.
    pub(in crate::route) fn is_identity_of(&self, announcement: &Announcement<'_>) -> bool {
        self.is_at(announcement)
            && self.transport == announcement.transport
            && self.server_cert_domain_san() == announcement.server_cert_domain_san
    }

    /// Whether the announcement says nothing new.
    pub(in crate::route) fn says_the_same(&self, announcement: &Announcement<'_>) -> bool {
        self.is_identity_of(announcement)
            && self.app_id() == announcement.app_id
            && self.instance_id() == announcement.instance_id
            && self.instance_index() == announcement.instance_index
            && self.stale_threshold_secs == announcement.stale_threshold_secs
            && self.component_label == announcement.component_label
            && self.protocol_name() == protocol_name(announcement)
            && self.details_are(announcement)
    }

    fn details_are(&self, announcement: &Announcement<'_>) -> bool {
        // compat: gorouter does not see a change of the zone alone (route/pool.go, Equal); ours does.
        self.availability_zone() == announcement.availability_zone
            && self.isolation_segment() == announcement.isolation_segment
            && self.route_service_url() == announcement.route_service_url
            && self.updated_at_ns() == announcement.updated_at_ns
            && self.load_balancing() == announcement.load_balancing
            && self.tags().eq(announcement.tags())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::endpoint::examples::{endpoint, plain};
    use crate::route::{Algorithm, Transport};

    #[test]
    fn any_changed_fact_is_news() {
        let known = endpoint(&plain());
        let tags = [("a".into(), "b".into())].into();
        let news = [
            Announcement {
                app_id: "other",
                ..plain()
            },
            Announcement {
                availability_zone: "z1",
                ..plain()
            },
            Announcement {
                instance_id: "i-2",
                ..plain()
            },
            Announcement {
                instance_index: "1",
                ..plain()
            },
            Announcement {
                isolation_segment: "s",
                ..plain()
            },
            Announcement {
                load_balancing: Some(Algorithm::RoundRobin),
                ..plain()
            },
            Announcement {
                protocol: "http2",
                ..plain()
            },
            Announcement {
                route_service_url: "https://rs",
                ..plain()
            },
            Announcement {
                server_cert_domain_san: "san",
                ..plain()
            },
            Announcement {
                stale_threshold_secs: 7,
                ..plain()
            },
            Announcement {
                tags: Some(&tags),
                ..plain()
            },
            Announcement {
                transport: Transport::Tls,
                ..plain()
            },
            Announcement {
                updated_at_ns: 1,
                ..plain()
            },
        ];
        assert!(known.says_the_same(&plain()));
        for announcement in news {
            assert!(!known.says_the_same(&announcement), "{announcement:?}");
        }
    }
}
