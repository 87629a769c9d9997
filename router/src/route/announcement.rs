//! What an announcement says about one endpoint, borrowed from the message.

use std::borrow::Cow;
use std::collections::BTreeMap;

use thiserror::Error;

use super::Algorithm;

/// One endpoint as a registration describes it, with gorouter's defaults already applied.
#[derive(Clone, Copy, Debug, Default)]
pub struct Announcement<'a> {
    /// Name or address literal of the endpoint; not validated.
    pub host: &'a str,
    /// Port after the `tls_port` substitution.
    pub port: u16,
    /// Whether the endpoint speaks TLS.
    pub transport: Transport,
    /// `protocol`, letter by letter; see [`Protocol`] for what it means.
    pub protocol: &'a str,
    /// `app`.
    pub app_id: &'a str,
    /// `private_instance_id`.
    pub instance_id: &'a str,
    /// `private_instance_index`.
    pub instance_index: &'a str,
    /// `server_cert_domain_san`.
    pub server_cert_domain_san: &'a str,
    /// `availability_zone`.
    pub availability_zone: &'a str,
    /// `isolation_segment`.
    pub isolation_segment: &'a str,
    /// `route_service_url`; empty means none.
    pub route_service_url: &'a str,
    /// Seconds without a registration after which a plain endpoint is stale, already clamped.
    pub stale_threshold_secs: u32,
    /// `endpoint_updated_at_ns`; 0 is unset.
    pub updated_at_ns: i64,
    /// `options.loadbalancing`, when it is one that we know.
    pub load_balancing: Option<Algorithm>,
    /// Index of the `component` tag among the metric labels.
    pub component_label: u16,
    /// `tags`, if any.
    pub tags: Option<&'a Tags<'a>>,
}

/// Free-form names and values, as a message holds them.
pub type Tags<'a> = BTreeMap<Cow<'a, str>, Cow<'a, str>>;

/// How an endpoint is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Plain TCP.
    #[default]
    Plain,
    /// TLS, with the certificate checked against the announced name.
    Tls,
}

/// What is spoken with an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1; also whatever else was announced (gorouter 1.3).
    #[default]
    Http1,
    /// HTTP/2 by ALPN.
    Http2,
}

/// Why an announcement cannot be kept.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum AnnouncementError {
    /// Address, application and instance together exceed 64 KiB.
    #[error("host, app and instance are longer than 65535 bytes together")]
    TooLong,
}

impl Announcement<'_> {
    /// The tags, sorted by name.
    pub(super) fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        self.tags
            .into_iter()
            .flatten()
            .map(|(name, value)| (&**name, &**value))
    }

    /// Checks what a message may get wrong and an endpoint may not.
    ///
    /// # Errors
    ///
    /// When the texts are longer than an endpoint can hold.
    pub fn validate(&self) -> Result<(), AnnouncementError> {
        let texts = self.host.len()
            + self.app_id.len()
            + self.instance_id.len()
            + self.instance_index.len();
        // The port and its colon take at most six more.
        if texts + 6 > usize::from(u16::MAX) {
            Err(AnnouncementError::TooLong)
        } else {
            Ok(())
        }
    }
}
