//! `vcap.component.*`: which components there are, and where they show their figures.

use serde::{Deserialize, Serialize};

use super::lenient;
use super::message::{Wire, first_empty};

/// `vcap.component.announce`: a component is there.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ComponentAnnouncement {
    /// `CloudController`, `DEA`, `Router` and so on.
    #[serde(rename = "type")]
    pub kind: String,
    /// Which one of its kind, from 0.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub index: u32,
    /// `<index>-<uuid>`.
    pub uuid: String,
    /// `<ip>:<port>` of `/healthz` and `/varz`.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub host: String,
    /// Name and password for `/varz`.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub credentials: Vec<String>,
    /// When it was started, as `YYYY-MM-DD HH:MM:SS +0000`.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub start: String,
}

/// The reply to `vcap.component.discover`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ComponentDiscovery {
    /// Who it is.
    #[serde(flatten)]
    pub component: ComponentAnnouncement,
    /// How long it has been up, as `0d:0h:0m:0s`.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub uptime: String,
}

impl Wire for ComponentAnnouncement {
    fn empty_key(&self) -> Option<&'static str> {
        first_empty(&[("type", &self.kind), ("uuid", &self.uuid)])
    }
}

impl Wire for ComponentDiscovery {
    fn empty_key(&self) -> Option<&'static str> {
        self.component.empty_key()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_discovery_is_an_announcement_with_an_uptime() {
        let json = r#"{"type":"DEA","index":1,"uuid":"1-ab","host":"10.0.0.1:8080","credentials":["u","w"],"start":"2014-05-13 16:53:20 +0000","uptime":"0d:1h:2m:3s"}"#;
        let discovery = ComponentDiscovery::decode(json.as_bytes()).unwrap();
        assert_eq!(discovery.component.kind, "DEA");
        assert_eq!(String::from_utf8(discovery.encode()).unwrap(), json);
        let announcement = ComponentAnnouncement::decode(json.as_bytes()).unwrap();
        assert_eq!(announcement, discovery.component);
    }

    #[test]
    fn a_component_without_a_type_is_dropped() {
        assert!(ComponentAnnouncement::decode(br#"{"uuid":"1-ab"}"#).is_err());
        assert!(ComponentDiscovery::decode(br#"{"type":"","uuid":"1"}"#).is_err());
    }
}
