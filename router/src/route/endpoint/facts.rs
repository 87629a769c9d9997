//! What is known about an endpoint: what its announcement said.

use std::net::{IpAddr, SocketAddr};

use super::details::DEFAULT_PROTOCOL;
use super::{Endpoint, EndpointId};
use crate::route::{Algorithm, Protocol, Transport};

/// What an endpoint announced of itself; empty where it did not.
#[derive(Clone, Copy, Debug, Default)]
pub struct EndpointBytes<'e> {
    /// `host:port`.
    pub address: &'e [u8],
    /// Application id.
    pub app_id: &'e [u8],
    /// Private instance id.
    pub instance_id: &'e [u8],
    /// Instance index.
    pub instance_index: &'e [u8],
}

impl Endpoint {
    /// Number of this address and TLS identity, kept over replacements.
    #[must_use]
    pub fn id(&self) -> EndpointId {
        self.id
    }

    /// `host:port`, the host exactly as announced.
    #[must_use]
    pub fn address(&self) -> &str {
        self.slice(0, self.address_end)
    }

    /// The address to dial, when the host is an IP literal (IPv6 in brackets); else resolve the host.
    #[must_use]
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        // perf: parsed on each dial (20 ns beside a connect) instead of 20 bytes in each endpoint.
        let host = self.host();
        let literal = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let ip = match literal {
            Some(v6) => IpAddr::V6(v6.parse().ok()?),
            None => IpAddr::V4(host.parse().ok()?),
        };
        Some(SocketAddr::new(ip, self.port))
    }

    /// Host part of the address.
    #[must_use]
    pub fn host(&self) -> &str {
        let address = self.address();
        address.rsplit_once(':').map_or(address, |(host, _)| host)
    }

    /// Port part of the address; the TLS port when there is one.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Application id, empty when not announced.
    #[must_use]
    pub fn app_id(&self) -> &str {
        self.slice(self.address_end, self.app_end)
    }

    /// Private instance id, what a sticky session names; empty when not announced.
    #[must_use]
    pub fn instance_id(&self) -> &str {
        self.slice(self.app_end, self.instance_end)
    }

    /// Instance index, empty when not announced.
    #[must_use]
    pub fn instance_index(&self) -> &str {
        self.text
            .slice(usize::from(self.instance_end), self.text.len())
    }

    /// The texts as bytes, for heads and logs.
    // perf: as `str`, each of them would be checked for UTF-8 once more at each use.
    #[must_use]
    pub fn bytes(&self) -> EndpointBytes<'_> {
        let text = self.text.as_bytes();
        let part = |from: u16, to: u16| text.get(usize::from(from)..usize::from(to));
        let index = text.get(usize::from(self.instance_end)..);
        EndpointBytes {
            address: part(0, self.address_end).unwrap_or_default(),
            app_id: part(self.address_end, self.app_end).unwrap_or_default(),
            instance_id: part(self.app_end, self.instance_end).unwrap_or_default(),
            instance_index: index.unwrap_or_default(),
        }
    }

    /// Whether it is reached over TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.transport == Transport::Tls
    }

    /// How it is reached.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// What is spoken with it.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// `protocol` as announced, for `/routes`.
    #[must_use]
    pub fn protocol_name(&self) -> &str {
        match (self.protocol, &self.details) {
            (Protocol::Http2, _) => "http2",
            (Protocol::Http1, Some(details)) => &details.protocol,
            (Protocol::Http1, None) => DEFAULT_PROTOCOL,
        }
    }

    /// Name its certificate must carry, empty when not announced.
    #[must_use]
    pub fn server_cert_domain_san(&self) -> &str {
        self.details
            .as_deref()
            .map_or("", |details| &details.server_cert_domain_san)
    }

    /// Availability zone, empty when not announced.
    #[must_use]
    pub fn availability_zone(&self) -> &str {
        self.details
            .as_deref()
            .map_or("", |details| &details.availability_zone)
    }

    /// Isolation segment, empty when shared.
    #[must_use]
    pub fn isolation_segment(&self) -> &str {
        self.details
            .as_deref()
            .map_or("", |details| &details.isolation_segment)
    }

    /// Route service that this registration asked for, empty for none.
    #[must_use]
    pub fn route_service_url(&self) -> &str {
        self.details
            .as_deref()
            .map_or("", |details| &details.route_service_url)
    }

    /// `endpoint_updated_at_ns`: Unix nanoseconds, 0 when not announced.
    #[must_use]
    pub fn updated_at_ns(&self) -> i64 {
        self.details
            .as_deref()
            .map_or(0, |details| details.updated_at_ns)
    }

    /// Balancing option of this registration.
    #[must_use]
    pub fn load_balancing(&self) -> Option<Algorithm> {
        self.details
            .as_deref()
            .and_then(|details| details.load_balancing)
    }

    /// Value of one tag.
    #[must_use]
    pub fn tag(&self, name: &str) -> Option<&str> {
        self.tags()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// All tags, sorted by name.
    pub fn tags(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        let tags: &[_] = self.details.as_deref().map_or(&[], |details| &details.tags);
        tags.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Metrics label index of the `component` tag, resolved at registration.
    #[must_use]
    pub fn component_label(&self) -> u16 {
        self.component_label
    }

    /// Seconds without a registration after which a plain endpoint is stale.
    #[must_use]
    pub fn stale_threshold_secs(&self) -> u32 {
        self.stale_threshold_secs
    }

    fn slice(&self, from: u16, to: u16) -> &str {
        self.text.slice(usize::from(from), usize::from(to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::Announcement;
    use crate::route::endpoint::examples::{endpoint, plain};

    #[test]
    fn the_facts_are_those_of_the_announcement() {
        let tags = [
            ("component".into(), "uaa".into()),
            ("process_id".into(), "p".into()),
        ]
        .into();
        let full = Announcement {
            protocol: "http2",
            server_cert_domain_san: "san",
            tags: Some(&tags),
            transport: Transport::Tls,
            ..plain()
        };
        let endpoint = endpoint(&full);
        assert_eq!(
            (endpoint.address(), endpoint.host(), endpoint.port()),
            ("10.0.0.1:8080", "10.0.0.1", 8080)
        );
        assert_eq!(
            (
                endpoint.app_id(),
                endpoint.instance_id(),
                endpoint.instance_index()
            ),
            ("app", "i-1", "0")
        );
        assert_eq!(
            (endpoint.protocol(), endpoint.protocol_name()),
            (Protocol::Http2, "http2")
        );
        assert_eq!(
            (endpoint.tag("component"), endpoint.tag("none")),
            (Some("uaa"), None)
        );
        assert!(endpoint.is_tls() && endpoint.says_the_same(&full));
    }

    #[test]
    fn an_unknown_protocol_is_shown_and_spoken_as_http1() {
        let endpoint = endpoint(&Announcement {
            protocol: "gopher",
            ..plain()
        });
        assert_eq!(
            (endpoint.protocol(), endpoint.protocol_name()),
            (Protocol::Http1, "gopher")
        );
    }

    #[test]
    fn literals_have_a_socket_address_and_names_do_not() {
        let at = |host| endpoint(&Announcement { host, ..plain() }).socket_addr();
        assert_eq!(at("10.0.0.1"), Some("10.0.0.1:8080".parse().unwrap()));
        assert_eq!(at("[::1]"), Some("[::1]:8080".parse().unwrap()));
        assert_eq!((at("db.internal"), at("::1"), at("")), (None, None, None));
    }
}
