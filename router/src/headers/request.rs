//! The request's head as it goes to an endpoint (gorouter 4.1).

use super::hop_by_hop::Nominated;
use crate::buffers::{Buffer, Class};
use crate::message::{Draft, FieldName, Framing, RequestHead, TargetForm};
use crate::route::Endpoint;

/// What the operator has set.
#[derive(Clone, Debug)]
pub struct RequestRules {
    /// `hop_by_hop_headers_to_filter`, lower case.
    pub kept_from_nomination: Vec<String>,
    /// What becomes of `X-Forwarded-Proto`.
    pub forwarded_proto: ForwardedProto,
    /// Whether endpoints are told to close after each request.
    pub closes_endpoint_connections: bool,
}

/// What becomes of `X-Forwarded-Proto`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ForwardedProto {
    /// `force_forwarded_proto_https`: always `https`.
    AlwaysHttps,
    /// The client's word, where it gives one; else how it came.
    ClientsWord,
    /// `sanitize_forwarded_proto`: how it came, whatever the client says.
    HowItCame,
}

/// What was learnt about this exchange.
#[derive(Clone, Copy, Debug)]
pub struct RequestFacts<'a> {
    /// The merged `X-Forwarded-For`.
    pub forwarded_for: &'a [u8],
    /// The scheme of the client's connection.
    pub scheme: &'static str,
    /// The id of this request.
    pub request_id: &'a [u8],
    /// Unix milliseconds at which it arrived, as decimal text.
    pub arrived_at: &'a [u8],
    /// How the body leaves.
    pub framing: Framing,
}

/// The client's `X-Forwarded-For` fields and its address behind them, as one value; `None` where
/// it sent none, so that its address alone is the value.
#[must_use]
pub fn forwarded_for(head: &RequestHead, rules: &RequestRules, ip: &str) -> Option<Buffer> {
    // perf: nearly all first-hop requests end here and need no buffer.
    head.block().value(FieldName::XForwardedFor)?;
    let nominated = Nominated::of(head.block(), &rules.kept_from_nomination);
    let mut merged = Buffer::checkout(Class::Head);
    if !nominated.includes(b"x-forwarded-for") {
        let values = head.block().values(FieldName::XForwardedFor);
        for value in values.filter(|value| !value.is_empty()) {
            // What does not fit is no list of addresses; the client's own is always appended.
            let _dropped = merged.append_all(&[value, b", "]);
        }
    }
    let _fits = merged.append(ip.as_bytes());
    Some(merged)
}

impl ForwardedProto {
    /// The value that is sent, given what the client said.
    #[must_use]
    pub fn value<'a>(self, said: Option<&'a [u8]>, scheme: &'static str) -> &'a [u8] {
        match (self, said) {
            (Self::AlwaysHttps, _) => b"https",
            (Self::ClientsWord, Some(said)) => said,
            (Self::ClientsWord, None) | (Self::HowItCame, _) => scheme.as_bytes(),
        }
    }
}

/// Drafts the head for one attempt at one endpoint.
#[must_use]
pub fn request_draft(
    head: &RequestHead,
    endpoint: &Endpoint,
    facts: &RequestFacts<'_>,
    rules: &RequestRules,
) -> Draft {
    let mut draft = Draft::request(head.method_text(), head.target());
    let nominated = Nominated::of(head.block(), &rules.kept_from_nomination);
    let mut proto = None;
    let mut has_start = false;
    if let TargetForm::Absolute { .. } = head.form() {
        // RFC 9112 3.2.2: the target's authority replaces whatever Host said.
        draft.known(FieldName::Host, head.authority());
    }
    for (name, spelling, value) in head.block().iter() {
        match name {
            FieldName::Host if matches!(head.form(), TargetForm::Absolute { .. }) => {}
            FieldName::Host | FieldName::Expect => draft.field(spelling, value),
            FieldName::ContentLength if head.framing() == Framing::Chunked => {}
            FieldName::ContentLength => draft.field(spelling, value),
            FieldName::Te if is_trailers(value) => draft.field(spelling, b"trailers"),
            FieldName::Trailer if head.framing() == Framing::Chunked => {
                draft.field(spelling, value)
            }
            name if name.is_hop_by_hop() || is_ours(name) => {}
            _ if nominated.includes(spelling) => {}
            FieldName::XForwardedProto => proto = proto.or(Some(value)),
            FieldName::XRequestStart => {
                has_start = true;
                draft.field(spelling, value);
            }
            _ => draft.field(spelling, value),
        }
    }
    if facts.framing == Framing::Chunked {
        draft.known(FieldName::TransferEncoding, b"chunked");
    }
    draft.known(FieldName::XForwardedFor, facts.forwarded_for);
    draft.known(
        FieldName::XForwardedProto,
        rules.forwarded_proto.value(proto, facts.scheme),
    );
    if !has_start {
        draft.known(FieldName::XRequestStart, facts.arrived_at);
    }
    draft.known(FieldName::XVcapRequestId, facts.request_id);
    identify(&mut draft, endpoint);
    connect(&mut draft, head, rules);
    draft
}

/// Fields that only the router may speak; a client's own are dropped.
fn is_ours(name: FieldName) -> bool {
    matches!(
        name,
        FieldName::XCfAppInstance
            | FieldName::XCfApplicationId
            | FieldName::XCfInstanceId
            | FieldName::XCfInstanceIndex
            | FieldName::XForwardedFor
            | FieldName::XVcapRequestId
    )
}

fn is_trailers(value: &[u8]) -> bool {
    value
        .split(|byte| *byte == b',')
        .any(|token| token.trim_ascii().eq_ignore_ascii_case(b"trailers"))
}

/// Tells the application which of its instances was meant.
fn identify(draft: &mut Draft, endpoint: &Endpoint) {
    let said = endpoint.bytes();
    draft.known(FieldName::XCfApplicationId, said.app_id);
    draft.known(FieldName::XCfInstanceIndex, said.instance_index);
    let id = if said.instance_id.is_empty() {
        said.address
    } else {
        said.instance_id
    };
    draft.known(FieldName::XCfInstanceId, id);
}

fn connect(draft: &mut Draft, head: &RequestHead, rules: &RequestRules) {
    if let Some(protocol) = head.upgrade() {
        draft.known(FieldName::Connection, b"Upgrade");
        draft.known(FieldName::Upgrade, protocol);
    } else if rules.closes_endpoint_connections {
        draft.known(FieldName::Connection, b"close");
    }
}
