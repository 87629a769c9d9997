//! An answer's head as it goes to the client (gorouter 4.2, 4.3).

use super::hop_by_hop::Nominated;
use crate::message::{Draft, FieldName, Framing, Marks, ResponseHead, Version};

/// What the operator has set.
#[derive(Clone, Debug, Default)]
pub struct ResponseRules {
    /// `http_rewrite.responses.remove_headers`.
    pub removed: Vec<String>,
    /// `http_rewrite.responses.add_headers_if_not_present`: name and value.
    pub added_if_absent: Vec<(String, String)>,
}

impl ResponseRules {
    fn removes(&self, name: &[u8]) -> bool {
        self.removed
            .iter()
            .any(|removed| removed.as_bytes().eq_ignore_ascii_case(name))
    }
}

/// Whether the client's connection ends with this answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Closing {
    /// It ends.
    Closes,
    /// It stays, and an HTTP/1.0 client is told so.
    StaysAndSaysSo,
    /// It stays.
    Stays,
}

/// What was learnt about this exchange.
#[derive(Clone, Copy, Debug)]
pub struct ResponseFacts<'a> {
    /// The id of this request.
    pub request_id: &'a [u8],
    /// The current date, as RFC 9110 5.6.7 wants it.
    pub date: &'a [u8],
    /// How the body leaves.
    pub framing: Framing,
    /// What becomes of the connection.
    pub closing: Closing,
    /// The client's version.
    pub version: Version,
    /// A session cookie of ours.
    pub cookie: Option<&'a [u8]>,
    /// Address of the endpoint, for a client that knows the trace key.
    pub trace: Option<(&'a [u8], &'a [u8])>,
}

/// Drafts an endpoint's answer for the client.
#[must_use]
pub fn response_draft(
    head: &ResponseHead,
    marks: Marks,
    facts: &ResponseFacts<'_>,
    rules: &ResponseRules,
) -> Draft {
    let mut draft = Draft::answering(marks, head);
    let nominated = Nominated::of(head.block(), &[]);
    let mut has = Seen::default();
    for (name, spelling, value) in head.block().iter() {
        match name {
            FieldName::ContentLength if has.length || !may_tell_length(head, facts.framing) => {}
            FieldName::ContentLength => {
                has.length = true;
                draft.field(spelling, value);
            }
            FieldName::Trailer if facts.framing == Framing::Chunked => draft.field(spelling, value),
            // compat: proxy signatures are for route services only (gorouter proxy.go).
            FieldName::XCfProxySignature => {}
            name if name.is_hop_by_hop() => {}
            _ if nominated.includes(spelling) || rules.removes(spelling) => {}
            _ => {
                has.date |= name == FieldName::Date;
                has.request_id |= name == FieldName::XVcapRequestId;
                draft.field(spelling, value);
            }
        }
    }
    if head.status() == 101 {
        switch(&mut draft, head);
    }
    finish(&mut draft, head, has, facts, rules);
    draft
}

#[derive(Clone, Copy, Default)]
struct Seen {
    length: bool,
    date: bool,
    request_id: bool,
}

/// RFC 9110 8.6: no length with 1xx and 204, nor beside another framing.
fn may_tell_length(head: &ResponseHead, framing: Framing) -> bool {
    head.status() >= 200
        && head.status() != 204
        && matches!(framing, Framing::Empty | Framing::Length(_))
}

fn switch(draft: &mut Draft, head: &ResponseHead) {
    draft.known(FieldName::Connection, b"Upgrade");
    if let Some(protocol) = head.block().value(FieldName::Upgrade) {
        draft.known(FieldName::Upgrade, protocol);
    }
}

fn finish(
    draft: &mut Draft,
    head: &ResponseHead,
    has: Seen,
    facts: &ResponseFacts<'_>,
    rules: &ResponseRules,
) {
    if head.is_informational() {
        return;
    }
    if facts.framing == Framing::Chunked {
        draft.known(FieldName::TransferEncoding, b"chunked");
    }
    if !has.date && head.status() != 101 && !rules.removes(b"date") {
        draft.known(FieldName::Date, facts.date);
    }
    if !has.request_id && !rules.removes(b"x-vcap-request-id") {
        draft.known(FieldName::XVcapRequestId, facts.request_id);
    }
    if let Some(cookie) = facts.cookie {
        draft.known(FieldName::SetCookie, cookie);
    }
    if let Some((router, endpoint)) = facts.trace {
        draft.field(b"X-Vcap-Router", router);
        draft.field(b"X-Vcap-Backend", endpoint);
        draft.field(b"X-Cf-RouteEndpoint", endpoint);
    }
    add_if_absent(draft, rules, |name| {
        head.block().value_named(name).is_some()
    });
    close(draft, head.status(), facts);
}

fn close(draft: &mut Draft, status: u16, facts: &ResponseFacts<'_>) {
    match facts.closing {
        _ if status == 101 || facts.version == Version::Http2 => {}
        Closing::Closes => draft.known(FieldName::Connection, b"close"),
        Closing::StaysAndSaysSo => draft.known(FieldName::Connection, b"keep-alive"),
        Closing::Stays => {}
    }
}

fn add_if_absent(draft: &mut Draft, rules: &ResponseRules, present: impl Fn(&str) -> bool) {
    for (name, value) in &rules.added_if_absent {
        // A removed field counts as absent: removal comes first (gorouter handlers/httprewrite.go).
        if rules.removes(name.as_bytes()) || !present(name) {
            draft.field(name.as_bytes(), value.as_bytes());
        }
    }
}

/// Applies the operator's rules to an answer of our own and ends it.
pub fn rewrite(
    draft: &mut Draft,
    fields: &[(&str, &[u8])],
    facts: &ResponseFacts<'_>,
    rules: &ResponseRules,
) {
    for (name, value) in fields
        .iter()
        .filter(|(name, _)| !rules.removes(name.as_bytes()))
    {
        draft.field(name.as_bytes(), value);
    }
    if !rules.removes(b"date") {
        draft.known(FieldName::Date, facts.date);
    }
    if !rules.removes(b"x-vcap-request-id") {
        draft.known(FieldName::XVcapRequestId, facts.request_id);
    }
    add_if_absent(draft, rules, |name| {
        fields
            .iter()
            .any(|(present, _)| present.eq_ignore_ascii_case(name))
    });
    close(draft, draft.status(), facts);
}
