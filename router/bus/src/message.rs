//! The messages of the route control plane: what announcers send, and what a router says.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::codec::{self, DecodeError, LenientFloat, Reason};

/// A `router.register` or `router.unregister` message (gorouter 1.3); absent keys are zero values.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RegistryMessage<'a> {
    /// Host or IP of the endpoint, not validated.
    pub host: Cow<'a, str>,
    /// Plain-text port; 0 is accepted.
    pub port: u16,
    /// If not 0, it stands in for `port` and the endpoint speaks TLS.
    #[serde(skip_serializing_if = "is_default")]
    pub tls_port: u16,
    /// `http1`, `http2` or anything else, which is kept; empty means `http1`.
    #[serde(skip_serializing_if = "is_default")]
    pub protocol: Cow<'a, str>,
    /// The routes under which the endpoint is found, each to become a route key.
    pub uris: Vec<Cow<'a, str>>,
    /// Application GUID.
    #[serde(skip_serializing_if = "is_default")]
    pub app: Cow<'a, str>,
    /// Instance id: stickiness, and a second name inside the pool.
    #[serde(skip_serializing_if = "is_default")]
    pub private_instance_id: Cow<'a, str>,
    /// Instance index; a string in the message too.
    #[serde(skip_serializing_if = "is_default")]
    pub private_instance_index: Cow<'a, str>,
    /// The name that the endpoint's certificate must carry.
    #[serde(skip_serializing_if = "is_default")]
    pub server_cert_domain_san: Cow<'a, str>,
    /// Seconds without a sign of life after which a plain endpoint is stale; 0 is the default.
    #[serde(skip_serializing_if = "is_default")]
    pub stale_threshold_in_seconds: i64,
    /// Free-form tags; `component`, `process_id` and `source_id` mean something to the router.
    #[serde(skip_serializing_if = "is_default")]
    pub tags: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    /// Empty, or an `https` URL through which requests take a detour.
    #[serde(skip_serializing_if = "is_default")]
    pub route_service_url: Cow<'a, str>,
    /// Isolation segment, empty for the shared one.
    #[serde(skip_serializing_if = "is_default")]
    pub isolation_segment: Cow<'a, str>,
    /// Availability zone.
    #[serde(skip_serializing_if = "is_default")]
    pub availability_zone: Cow<'a, str>,
    /// When the announcer last changed the endpoint, in nanoseconds since 1970; 0 is unset.
    #[serde(skip_serializing_if = "is_default")]
    pub endpoint_updated_at_ns: i64,
    /// Options of the route.
    #[serde(skip_serializing_if = "is_default")]
    pub options: RouteOptions<'a>,
    /// `any`, `org` or `space`; empty when there is no policy.
    #[serde(skip_serializing_if = "is_default")]
    pub route_policy_scope: Cow<'a, str>,
    /// Comma-separated allow-list of callers.
    #[serde(skip_serializing_if = "is_default")]
    pub route_policy_sources: Cow<'a, str>,
}

crate::json_object!('a, RegistryMessage<'a> {
    "host" => host,
    "port" => port,
    "tls_port" => tls_port,
    "protocol" => protocol,
    "uris" => uris,
    "app" => app,
    "private_instance_id" => private_instance_id,
    "private_instance_index" => private_instance_index,
    "server_cert_domain_san" => server_cert_domain_san,
    "stale_threshold_in_seconds" => stale_threshold_in_seconds,
    "tags" => tags,
    "route_service_url" => route_service_url,
    "isolation_segment" => isolation_segment,
    "availability_zone" => availability_zone,
    "endpoint_updated_at_ns" => endpoint_updated_at_ns,
    "options" => options,
    "route_policy_scope" => route_policy_scope,
    "route_policy_sources" => route_policy_sources,
});

impl<'a> RegistryMessage<'a> {
    /// Decodes and validates one message.
    ///
    /// # Errors
    ///
    /// Fails on anything that Go's decoder would refuse, and where [`Self::validate`] does.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let message: Self = codec::from_slice(bytes)?;
        message.validate()?;
        Ok(message)
    }

    /// Encodes the message for an announcer; empty fields are left out.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self).expect("invariant: text, numbers and maps with text keys are JSON")
    }

    /// Checks what JSON alone cannot say.
    ///
    /// # Errors
    ///
    /// Fails when there is a route-service URL that does not begin with `https`.
    pub fn validate(&self) -> Result<(), DecodeError> {
        // compat: a test of the prefix and nothing more: `https` alone passes (gorouter 1.3).
        if self.route_service_url.is_empty() || self.route_service_url.starts_with("https") {
            return Ok(());
        }
        Err(DecodeError::new(Reason::RouteServiceUrl, 0).within("route_service_url"))
    }

    /// Whether the endpoint speaks TLS.
    pub fn is_tls(&self) -> bool {
        self.tls_port != 0
    }

    /// The port to dial: `tls_port` if there is one, else `port`.
    pub fn endpoint_port(&self) -> u16 {
        if self.is_tls() {
            self.tls_port
        } else {
            self.port
        }
    }
}

/// Options of a route, as its owner set them; values the router does not know are kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RouteOptions<'a> {
    /// Balancing algorithm; empty leaves the pool's.
    #[serde(skip_serializing_if = "is_default")]
    pub loadbalancing: Cow<'a, str>,
    /// Request header that is hashed to choose an endpoint.
    #[serde(skip_serializing_if = "is_default")]
    pub hash_header: Cow<'a, str>,
    /// By how much an endpoint may exceed the mean load before the hash moves on; 0 is unset.
    #[serde(skip_serializing_if = "is_default", serialize_with = "quoted")]
    pub hash_balance: LenientFloat,
}

crate::json_object!('a, RouteOptions<'a> {
    "loadbalancing" => loadbalancing,
    "hash_header" => hash_header,
    "hash_balance" => hash_balance,
});

/// What a router says on `router.start` and answers to `router.greet` (gorouter 1.2).
///
/// The order of the fields is the order of the keys on the wire.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct StartMessage {
    /// `<index>-<uuid>`, the same for the life of the process.
    pub id: String,
    /// The router's own address, alone.
    pub hosts: Vec<String>,
    /// How often an announcer must repeat itself, in whole seconds.
    #[serde(rename = "minimumRegisterIntervalInSeconds")]
    pub minimum_register_interval: u64,
    /// How long an endpoint lives without being repeated, in whole seconds.
    #[serde(rename = "pruneThresholdInSeconds")]
    pub prune_threshold: u64,
}

crate::json_object!('a, StartMessage {
    "id" => id,
    "hosts" => hosts,
    "minimumRegisterIntervalInSeconds" => minimum_register_interval,
    "pruneThresholdInSeconds" => prune_threshold,
});

impl StartMessage {
    /// Decodes another router's message, for announcers.
    ///
    /// # Errors
    ///
    /// Fails on anything that Go's decoder would refuse.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        codec::from_slice(bytes)
    }

    /// Encodes the message byte for byte as gorouter does.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self).expect("invariant: text and numbers are JSON")
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Writes the number as a string, which is what registrants send and older routers need.
fn quoted<S: Serializer>(number: &LenientFloat, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&number.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = r#"{"host":"10.0.16.5","port":61000,"tls_port":61001,"protocol":"http2",
        "uris":["shop.apps.example.com","*.shop.apps.example.com/cart"],
        "app":"6f1b6c0e-3a43-4a9b-9d57-0d1c2f1a9a01","private_instance_id":"a2b1-77",
        "private_instance_index":"0","server_cert_domain_san":"a2b1-77","availability_zone":"z1",
        "isolation_segment":"is1","stale_threshold_in_seconds":120,
        "endpoint_updated_at_ns":1760000000000000000,
        "tags":{"component":"route-emitter","process_id":"p","source_id":null},
        "route_service_url":"https://rs.example.com/check",
        "route_policy_scope":"org","route_policy_sources":"cf:any",
        "options":{"loadbalancing":"hash","hash_header":"X-Tenant","hash_balance":"1.25","x":1}}"#;

    fn decode(json: &str) -> RegistryMessage<'_> {
        RegistryMessage::decode(json.as_bytes()).unwrap()
    }

    fn full() -> RegistryMessage<'static> {
        RegistryMessage {
            host: "10.0.16.5".into(),
            port: 61000,
            tls_port: 61001,
            protocol: "http2".into(),
            uris: vec![
                "shop.apps.example.com".into(),
                "*.shop.apps.example.com/cart".into(),
            ],
            app: "6f1b6c0e-3a43-4a9b-9d57-0d1c2f1a9a01".into(),
            private_instance_id: "a2b1-77".into(),
            private_instance_index: "0".into(),
            server_cert_domain_san: "a2b1-77".into(),
            stale_threshold_in_seconds: 120,
            tags: [
                ("component", "route-emitter"),
                ("process_id", "p"),
                ("source_id", ""),
            ]
            .map(|(key, value)| (key.into(), value.into()))
            .into(),
            route_service_url: "https://rs.example.com/check".into(),
            isolation_segment: "is1".into(),
            availability_zone: "z1".into(),
            endpoint_updated_at_ns: 1_760_000_000_000_000_000,
            options: RouteOptions {
                loadbalancing: "hash".into(),
                hash_header: "X-Tenant".into(),
                hash_balance: LenientFloat(1.25),
            },
            route_policy_scope: "org".into(),
            route_policy_sources: "cf:any".into(),
        }
    }

    #[test]
    fn every_key_is_read() {
        assert_eq!(decode(FULL), full());
    }

    #[test]
    fn what_is_encoded_is_decoded_again() {
        assert_eq!(RegistryMessage::decode(&full().encode()).unwrap(), full());
        let empty = RegistryMessage::default();
        assert_eq!(empty.encode(), br#"{"host":"","port":0,"uris":[]}"#);
    }

    #[test]
    fn anything_may_be_null() {
        let nulls = r#"{"uris":null,"host":null,"port":null,"tls_port":null,"protocol":null,
            "tags":null,"options":null,"stale_threshold_in_seconds":null,"app":null,
            "endpoint_updated_at_ns":null,"route_service_url":null}"#;
        assert_eq!(decode(nulls), RegistryMessage::default());
        assert_eq!(
            decode(r#"{"options":{"hash_balance":null}}"#),
            RegistryMessage::default()
        );
        assert_eq!(decode("null"), RegistryMessage::default());
    }

    #[test]
    fn a_wrong_type_refuses_the_whole_message() {
        for wrong in [
            r#"{"port":"8080"}"#,
            r#"{"port":65536}"#,
            r#"{"port":-1}"#,
            r#"{"port":80.0}"#,
            r#"{"private_instance_index":0}"#,
            r#"{"uris":"a"}"#,
            r#"{"uris":[1]}"#,
            r#"{"tags":{"a":1}}"#,
            r#"{"tags":[]}"#,
            r#"{"options":[]}"#,
            r#"{"options":{"hash_balance":"x"}}"#,
            r#"{"stale_threshold_in_seconds":"120"}"#,
            r#"{"endpoint_updated_at_ns":9223372036854775808}"#,
            r#"{"host":"a"} trailing"#,
            "[]",
            "",
        ] {
            assert!(
                RegistryMessage::decode(wrong.as_bytes()).is_err(),
                "{wrong}"
            );
        }
    }

    #[test]
    fn the_hash_balance_may_be_quoted_or_not() {
        for same in [
            r#"{"options":{"hash_balance":"1.25"}}"#,
            r#"{"options":{"hash_balance":1.25}}"#,
        ] {
            assert_eq!(decode(same).options.hash_balance.0, 1.25);
        }
    }

    #[test]
    fn a_route_service_url_must_begin_with_https() {
        for right in ["", "https", "https://rs.example.com"] {
            let message = RegistryMessage {
                route_service_url: right.into(),
                ..RegistryMessage::default()
            };
            assert_eq!(message.validate(), Ok(()), "{right}");
        }
        let error = RegistryMessage::decode(br#"{"route_service_url":"http://a"}"#).unwrap_err();
        assert_eq!(error.reason(), Reason::RouteServiceUrl);
        assert_eq!(
            error.to_string(),
            "Unable to validate message. route_service_url must be https"
        );
        assert!(RegistryMessage::decode(br#"{"route_service_url":"HTTPS://a"}"#).is_err());
    }

    #[test]
    fn the_tls_port_stands_in_for_the_port() {
        let plain = decode(r#"{"port":80}"#);
        assert_eq!((plain.endpoint_port(), plain.is_tls()), (80, false));
        let tls = decode(r#"{"port":80,"tls_port":443}"#);
        assert_eq!((tls.endpoint_port(), tls.is_tls()), (443, true));
    }

    #[test]
    fn text_without_escapes_is_borrowed() {
        let message = decode(r#"{"host":"10.0.0.1","app":"a\u0062"}"#);
        assert!(matches!(message.host, Cow::Borrowed("10.0.0.1")));
        assert!(matches!(&message.app, Cow::Owned(app) if app == "ab"));
    }

    #[test]
    fn another_routers_start_message_is_a_harmless_registration() {
        let start = start();
        let bytes = start.encode();
        assert!(RegistryMessage::decode(&bytes).unwrap().uris.is_empty());
        assert_eq!(StartMessage::decode(&bytes).unwrap(), start);
    }

    #[test]
    fn the_start_message_is_gorouters_byte_for_byte() {
        let expected = r#"{"id":"0-2f1c","hosts":["10.0.32.9"],"minimumRegisterIntervalInSeconds":20,"pruneThresholdInSeconds":120}"#;
        assert_eq!(start().encode(), expected.as_bytes());
    }

    fn start() -> StartMessage {
        StartMessage {
            id: "0-2f1c".into(),
            hosts: vec!["10.0.32.9".into()],
            minimum_register_interval: 20,
            prune_threshold: 120,
        }
    }
}
