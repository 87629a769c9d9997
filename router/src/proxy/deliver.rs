//! Deliver: an endpoint's answer goes to the client, while the rest of the request may still come.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

use super::attempt::{Call, Failure};
use super::respond::Manners;
use super::rewrite::Outbound;
use super::{Keep, Walk, tunnel};
use crate::core::Deadline;
use crate::headers::{ResponseFacts, response_draft};
use crate::message::{Draft, FieldName, Framing, ResponseHead, Version};
use crate::observe::Exchange;
use crate::route::InFlight;
use crate::upstream::{AttemptError, Session};
use crate::wire::{ClientSide, Pump, PumpError};

/// An exchange whose answer has been passed on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Forwarded {
    pub(super) keep: Keep,
}

/// How long bodies may stand still (`switchyard.body_idle_timeout`).
struct Patience {
    /// The deadline of the whole attempt.
    whole: Deadline,
    /// Body bytes when the deadline was last moved on.
    moved: Option<u64>,
}

impl Patience {
    fn new(whole: Deadline) -> Self {
        Self { whole, moved: None }
    }
}

impl Walk<'_> {
    /// Passes an interim answer on; an HTTP/1.0 client gets none (RFC 9110 15.2).
    pub(super) fn pass_interim(
        &self,
        answer: &ResponseHead,
        outbound: &Outbound<'_>,
        client: &mut ClientSide,
    ) -> Result<(), Failure> {
        if outbound.routed.traced.head.version() == Version::Http10 {
            return Ok(());
        }
        let facts = self.response_facts(
            outbound,
            Framing::Empty,
            self.manners(outbound.routed.traced.head),
        );
        let draft = response_draft(
            answer,
            client.marks(),
            &facts,
            &self.settings.response_rules,
        );
        client
            .send_informational(draft)
            .map_err(|_gone| AttemptError::ClientGone.into())
    }

    fn response_facts<'f>(
        &self,
        outbound: &'f Outbound<'_>,
        framing: Framing,
        manners: Manners,
    ) -> ResponseFacts<'f> {
        ResponseFacts {
            request_id: outbound.routed.traced.request_id,
            date: b"",
            framing,
            closing: manners.closing(framing),
            version: manners.version,
            cookie: None,
            trace: None,
        }
    }

    /// Passes the answer on: its head, its body, or the tunnel that it opens.
    pub(super) async fn deliver(
        &self,
        (answer, mut call): (&ResponseHead, Call<'_>),
        outbound: &Outbound<'_>,
        client: &mut ClientSide,
        exchange: &mut Exchange<'_>,
    ) -> Forwarded {
        let head = outbound.routed.traced.head;
        let manners = self.manners(head);
        exchange.answered(
            answer.status(),
            answer.block().value(FieldName::XCfRouterError),
        );
        if head.is_websocket() {
            // compat: whatever the answer was (gorouter 5.2).
            exchange.metrics().websocket_upgrade();
        }
        if self.settings.forward.response_header_timeout.is_some() {
            self.around
                .timer
                .arm(self.settings.forward.endpoint_timeout);
        }
        let framing = client_framing(answer.framing(), manners.version);
        let draft = self.answer_draft(answer, framing, (outbound, call.slot), client);
        if draft.has_overflowed() || client.begin(draft, framing).is_err() {
            return Forwarded { keep: Keep::Cut };
        }
        if answer.status() == 101 {
            let tunnel = self.tunnel(head.is_websocket(), call.session, client);
            return Forwarded {
                keep: Box::pin(tunnel).await,
            };
        }
        let mut down = Pump::new(framing, self.settings.forward.splice_from_bytes);
        let mut patience = Patience::new(self.around.timer.deadline());
        let ended = poll_fn(|cx| {
            let relayed = self.poll_relay(cx, &mut call, &mut down, client);
            self.be_patient(&mut patience, down.moved() + call.upload.moved());
            relayed
        })
        .await;
        exchange.received_bytes(call.upload.moved());
        exchange.sent_bytes(down.moved());
        let keep = match &ended {
            Ok(()) if !manners.keeps_alive || framing == Framing::UntilClose => Keep::Close,
            Ok(()) if client.has_whole_request() => Keep::Open,
            Ok(()) => Keep::Close,
            Err(_cut) => Keep::Cut,
        };
        if ended.is_ok() && call.upload.is_done() && answer.keeps_alive() {
            self.proxy.upstream.put_back(call.session);
        }
        Forwarded { keep }
    }

    /// Moves the deadline on while the bodies move, where they may not stand still for long.
    fn be_patient(&self, patience: &mut Patience, moved: u64) {
        let Some(idle) = self.settings.forward.body_idle_timeout else {
            return;
        };
        if patience.moved != Some(moved) {
            patience.moved = Some(moved);
            self.around.timer.arm(Some(idle));
            if patience.whole < self.around.timer.deadline() {
                self.around.timer.arm_at(patience.whole);
            }
        }
    }

    fn answer_draft(
        &self,
        answer: &ResponseHead,
        framing: Framing,
        (outbound, slot): (&Outbound<'_>, &InFlight),
        client: &ClientSide,
    ) -> Draft {
        let head = outbound.routed.traced.head;
        let forward = &self.settings.forward;
        let manners = self.manners(head);
        let cookie = outbound
            .affinity
            .cookie(answer, slot, &outbound.routed.pool, forward);
        let knows_key = !forward.trace_key.is_empty()
            && head.block().value(FieldName::XVcapTrace)
                == Some(forward.trace_key.reveal().as_bytes());
        let date = self.date();
        let facts = ResponseFacts {
            date: &date,
            cookie: cookie.as_deref().map(str::as_bytes),
            trace: knows_key.then(|| {
                (
                    self.settings.router_ip.as_bytes(),
                    slot.address().as_bytes(),
                )
            }),
            ..self.response_facts(outbound, framing, manners)
        };
        response_draft(
            answer,
            client.marks(),
            &facts,
            &self.settings.response_rules,
        )
    }

    /// Moves both bodies until the answer's is complete.
    fn poll_relay(
        &self,
        cx: &mut Context<'_>,
        call: &mut Call<'_>,
        down: &mut Pump,
        client: &mut ClientSide,
    ) -> Poll<Result<(), io::Error>> {
        if let Err(_gone) = call.poll_upload(cx, client) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        match down.poll(cx, &mut *call.session.connection, client) {
            Poll::Ready(Ok(())) => Poll::Ready(Ok(())),
            Poll::Ready(Err(PumpError::Source(_))) => {
                // What came before the cut was honest: it is sent, and then the client sees the cut.
                let _best_effort = client.poll_flush(cx);
                Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()))
            }
            Poll::Ready(Err(PumpError::Sink(error))) => Poll::Ready(Err(error)),
            Poll::Pending => {
                if call.upload.is_done() && client.poll_gone(cx).is_ready() {
                    return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
                }
                let expired = self.around.timer.poll_expired(cx);
                expired.map(|()| Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }

    async fn tunnel(&self, websocket: bool, mut session: Session, client: &mut ClientSide) -> Keep {
        // compat: only WebSockets escape `endpoint_timeout` (gorouter 15, 17).
        if websocket {
            self.around.timer.arm(None);
        }
        match client {
            ClientSide::H1(client) => {
                let way = match self.settings.forward.splice_from_bytes {
                    None => tunnel::Way::Copied,
                    Some(_) => tunnel::Way::Spliced,
                };
                let ends = (client, &mut *session.connection);
                tunnel::run(ends, way, self.around.timer).await;
            }
            // invariant: an upgrade is read from HTTP/1.1 requests only.
            ClientSide::H2(_) => {}
        }
        Keep::Close
    }
}

/// How an answer's body leaves, given how it comes and what the client understands.
fn client_framing(framing: Framing, version: Version) -> Framing {
    match (framing, version) {
        (Framing::Chunked, Version::Http10) => Framing::UntilClose,
        // A body that ends with the endpoint's connection need not end the client's.
        (Framing::UntilClose, Version::Http11) => Framing::Chunked,
        (Framing::Chunked, Version::Http2) => Framing::UntilClose,
        (framing, _) => framing,
    }
}
