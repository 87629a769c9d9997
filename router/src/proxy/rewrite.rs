//! Rewrite: what every attempt will say in the same words.

use super::Walk;
use super::affinity::Affinity;
use super::lookup::Routed;
use crate::buffers::Buffer;
use crate::headers::{RequestFacts, forwarded_for, request_draft};
use crate::message::{Draft, FieldName, Framing};
use crate::observe::Exchange;
use crate::route::Endpoint;

/// A request that is ready to be sent to any endpoint of its pool.
pub(super) struct Outbound<'r> {
    pub(super) routed: Routed<'r>,
    pub(super) affinity: Affinity,
    /// The merged `X-Forwarded-For`, where it says more than the client's address.
    forwarded_for: Option<Buffer>,
}

impl Walk<'_> {
    /// Works out what does not depend on the endpoint.
    pub(super) fn rewrite<'r>(
        &self,
        routed: Routed<'r>,
        exchange: &mut Exchange<'_>,
    ) -> Outbound<'r> {
        let head = routed.traced.head;
        let rules = &self.settings.request_rules;
        let merged = forwarded_for(head, rules, self.around.peer.ip_text());
        let said = head.block().value(FieldName::XForwardedProto);
        let proto = rules.forwarded_proto.value(said, self.scheme());
        exchange.forwarded(self.forwarded_for(merged.as_ref()), proto);
        let affinity = Affinity::asked(head, &self.settings.forward);
        Outbound {
            routed,
            affinity,
            forwarded_for: merged,
        }
    }

    fn forwarded_for<'f>(&'f self, merged: Option<&'f Buffer>) -> &'f [u8] {
        match merged {
            Some(merged) => merged.filled(),
            None => self.around.peer.ip_text().as_bytes(),
        }
    }

    /// The head for one attempt.
    pub(super) fn outbound_draft(
        &self,
        outbound: &Outbound<'_>,
        endpoint: &Endpoint,
        framing: Framing,
    ) -> Draft {
        let mut digits = itoa::Buffer::new();
        let facts = RequestFacts {
            forwarded_for: self.forwarded_for(outbound.forwarded_for.as_ref()),
            scheme: self.scheme(),
            request_id: outbound.routed.traced.request_id,
            arrived_at: digits.format(outbound.routed.traced.arrived_at).as_bytes(),
            framing,
        };
        request_draft(
            outbound.routed.traced.head,
            endpoint,
            &facts,
            &self.settings.request_rules,
        )
    }

    fn scheme(&self) -> &'static str {
        self.around.peer.transport().scheme()
    }
}
