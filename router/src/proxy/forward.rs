//! Forward: the request goes to an endpoint, and its answer comes back.
//!
//! Both sides are driven at once: the answer may begin while the body still arrives. A retry is
//! possible only before the first byte of an answer, and only while no byte of the body has left
//! the client's side for good.

use std::sync::Arc;

use super::Walk;
use super::attempt::{Call, Failure, Upload};
use super::deliver::Forwarded;
use super::lookup::{Aim, host_text};
use super::refusal::Refusal;
use super::rewrite::Outbound;
use super::verdict::{Blame, Next, Repeat, Verdict};
use crate::core::Moment;
use crate::message::RequestHead;
use crate::observe::Exchange;
use crate::route::{Choice, Endpoint, InFlight, Tried, Unselectable};
use crate::upstream::{AttemptError, Caution, History, Session};
use crate::wire::ClientSide;

/// What the attempts of one request know of each other.
struct Attempts {
    made: u32,
    /// When the current one began.
    now: Moment,
    tried: Tried,
    repeat: Repeat,
    /// The endpoint that closed an idle connection under us, to be asked again.
    again: Option<Arc<Endpoint>>,
    last: Option<AttemptError>,
}

impl Walk<'_> {
    /// Sends the request on, to one endpoint after another if need be.
    ///
    /// # Errors
    ///
    /// Refuses when no endpoint can be chosen or the attempts are used up, as long as nothing was
    /// sent to the client.
    pub(super) async fn forward(
        &self,
        outbound: Outbound<'_>,
        client: &mut ClientSide,
        exchange: &mut Exchange<'_>,
    ) -> Result<Forwarded, Refusal> {
        let head = outbound.routed.traced.head;
        let splice_from = self.settings.forward.splice_from_bytes;
        let body = client.take_buffered_body();
        if let Some(body) = &body {
            exchange.received_bytes(body.len() as u64);
        }
        let mut attempts = Attempts {
            made: 0,
            tried: Tried::new(),
            now: outbound.routed.found_at,
            repeat: Repeat::of(head),
            again: None,
            last: None,
        };
        loop {
            let slot = self.choose(&outbound, &mut attempts)?;
            exchange.attempted(slot.endpoint(), attempts.now);
            let mut upload = Upload::new(body.as_ref(), head, splice_from);
            let fresh = attempts.again.take().is_some();
            let failure = match self.connect(&slot, attempts.repeat, fresh).await {
                Err(error) => (error, History::Fresh),
                Ok(session) => {
                    let mut call = Call {
                        slot: &slot,
                        session,
                        upload,
                    };
                    self.send_request(&outbound, &mut call);
                    match self.await_answer(&outbound, &mut call, client).await {
                        Ok(answer) => {
                            return Ok(self
                                .deliver((&answer, call), &outbound, client, exchange)
                                .await);
                        }
                        Err(Failure::Client(refusal)) => return Err(refusal),
                        Err(Failure::Attempt(error)) => {
                            upload = call.upload;
                            (error, call.session.history)
                        }
                    }
                }
            };
            exchange.received_bytes(upload.moved());
            attempts.now = self.proxy.observer.clock().now();
            exchange.attempt_failed(attempts.now);
            self.judge(failure, &slot, &upload, &mut attempts)
                .inspect_err(|_| count_websocket(head, exchange))?;
            exchange.metrics().retried();
        }
    }

    /// Blames the endpoint, and says whether there is a next attempt.
    fn judge(
        &self,
        (error, history): (AttemptError, History),
        slot: &InFlight,
        upload: &Upload<'_>,
        attempts: &mut Attempts,
    ) -> Result<(), Refusal> {
        let verdict = Verdict::of(&error, attempts.repeat, history);
        self.blame(slot, verdict.blame, &error);
        match verdict.next {
            _ if upload.has_begun() => return Err(Refusal::Exhausted(error)),
            Next::GiveUp => return Err(Refusal::Exhausted(error)),
            Next::TryAgain => attempts.again = Some(Arc::clone(slot.endpoint())),
            Next::TryAnother => {
                attempts.made += 1;
                if attempts.made >= self.settings.forward.max_attempts.get()
                    || attempts.tried.try_push(slot.id()).is_err()
                {
                    return Err(Refusal::Exhausted(error));
                }
            }
        }
        attempts.last = Some(error);
        Ok(())
    }

    fn blame(&self, endpoint: &Endpoint, blame: Blame, error: &AttemptError) {
        let until = self
            .proxy
            .observer
            .clock()
            .now()
            .millis()
            .plus(self.settings.forward.endpoint_cool_off);
        match blame {
            Blame::Nobody => {}
            Blame::Unhealthy => endpoint.mark_failed(until),
            Blame::Unreachable => {
                endpoint.mark_failed(until);
                if endpoint.is_tls() {
                    endpoint.evict();
                    tracing::info!(endpoint = endpoint.address(), error = %error, "prune-failed-endpoint");
                } else {
                    tracing::info!(endpoint = endpoint.address(), error = %error, "endpoint-marked-as-ineligible");
                }
            }
        }
    }

    /// Chooses the endpoint for the next attempt.
    fn choose(
        &self,
        outbound: &Outbound<'_>,
        attempts: &mut Attempts,
    ) -> Result<InFlight, Refusal> {
        let most = self.settings.forward.max_conns;
        let host = || host_text(outbound.routed.traced.head);
        if let Some(slot) = attempts
            .again
            .as_ref()
            .and_then(|endpoint| endpoint.admit(most))
        {
            return Ok(slot);
        }
        attempts.again = None;
        let selected = match &outbound.routed.aim {
            Aim::Any => self.select(outbound, attempts),
            Aim::OneOf(endpoints) => endpoints
                .iter()
                .filter(|endpoint| !attempts.tried.contains(&endpoint.id()))
                .find_map(|endpoint| endpoint.admit(most))
                .ok_or(Unselectable::Full),
        };
        let insists = outbound.affinity.is_required();
        match (selected, attempts.last.take()) {
            // compat: a negotiated session belongs to its instance or to nobody (gorouter 3.6).
            (Ok(slot), None)
                if insists && outbound.affinity.instance() != Some(slot.instance_id()) =>
            {
                Err(Refusal::Exhausted(AttemptError::NoEndpoints))
            }
            // All have been tried: the first failure's successor would be a repetition.
            (Ok(slot), Some(error)) if attempts.tried.contains(&slot.id()) => {
                Err(Refusal::Exhausted(error))
            }
            (Ok(slot), _) => Ok(slot),
            (Err(_), Some(error)) => Err(Refusal::Exhausted(error)),
            (Err(Unselectable::Full), None) => Err(Refusal::ConnectionLimit { host: host() }),
            (Err(Unselectable::Empty), None) => Err(self.empty_pool(host())),
        }
    }

    fn empty_pool(&self, host: Box<str>) -> Refusal {
        if self.settings.forward.empty_pool_response_code_503 {
            Refusal::NoEndpoints { host }
        } else {
            Refusal::UnknownRoute { host }
        }
    }

    fn select(
        &self,
        outbound: &Outbound<'_>,
        attempts: &Attempts,
    ) -> Result<InFlight, Unselectable> {
        let affinity = &outbound.affinity;
        let choice = Choice {
            now: attempts.now.millis(),
            cursors: &self.proxy.cursors,
            random: self.proxy.random.next(),
            tried: &attempts.tried,
            preferred_instance: affinity.instance().filter(|_| attempts.tried.is_empty()),
            max_in_flight: self.settings.forward.max_conns,
        };
        let slot = outbound.routed.pool.select(&choice)?;
        Ok(slot)
    }

    async fn connect(
        &self,
        slot: &InFlight,
        repeat: Repeat,
        fresh: bool,
    ) -> Result<Session, AttemptError> {
        let caution = match repeat {
            Repeat::Harmless => Caution::Usual,
            Repeat::Harmful => Caution::Extra,
        };
        let timer = self.around.timer;
        let forward = &self.settings.forward;
        timer.arm(forward.response_header_timeout.or(forward.endpoint_timeout));
        let deadline = timer.deadline();
        let history = if fresh {
            History::Fresh
        } else {
            History::Reused
        };
        self.proxy
            .upstream
            .connect(slot.endpoint(), (history, caution), timer, deadline)
            .await
    }
}

fn count_websocket(head: &RequestHead, exchange: &Exchange<'_>) {
    if head.is_websocket() {
        exchange.metrics().websocket_failure();
    }
}
