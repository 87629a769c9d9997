//! Attempt: one try at one endpoint, up to the head of its answer.

use std::future::poll_fn;
use std::num::NonZeroUsize;
use std::task::{Context, Poll};

use super::Walk;
use super::refusal::Refusal;
use super::rewrite::Outbound;
use crate::buffers::Buffer;
use crate::message::{Framing, Method, RequestHead, ResponseHead};
use crate::route::InFlight;
use crate::upstream::{AttemptError, Session};
use crate::wire::h1::{BodyError, HeadError, HeadFault, HeadLimits};
use crate::wire::{ClientSide, Pump, PumpError};

/// One attempt under way: the endpoint's slot, the session with it, and the body that goes there.
pub(super) struct Call<'b> {
    pub(super) slot: &'b InFlight,
    pub(super) session: Session,
    pub(super) upload: Upload<'b>,
}

impl Call<'_> {
    /// See [`Upload::poll`].
    pub(super) fn poll_upload(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut ClientSide,
    ) -> Result<(), BodyError> {
        self.upload.poll(cx, client, &mut self.session)
    }
}

/// The request's body on its way to an endpoint.
#[derive(Debug)]
pub(super) enum Upload<'b> {
    /// Nothing (more) to send.
    Done,
    /// All of it is in our hands, so that it can be sent again.
    Whole { body: &'b [u8], sent: usize },
    /// It is still arriving.
    Streaming(Pump),
    /// The endpoint takes no more of it.
    Refused(Pump),
}

impl<'b> Upload<'b> {
    pub(super) fn new(
        body: Option<&'b Buffer>,
        head: &RequestHead,
        splice_from: Option<NonZeroUsize>,
    ) -> Self {
        match (body, head.framing()) {
            (Some(body), _) => Self::Whole {
                body: body.filled(),
                sent: 0,
            },
            (None, Framing::Empty) => Self::Done,
            // A tunnel that opens before the end of the body takes over in the inbox.
            (None, framing) if head.upgrade().is_some() => {
                Self::Streaming(Pump::new(framing, None))
            }
            (None, framing) => Self::Streaming(Pump::new(framing, splice_from)),
        }
    }

    /// Sends on as much as both sides can.
    ///
    /// # Errors
    ///
    /// Fails when the client does. An endpoint that takes no more is no failure: it may be about
    /// to say why.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut ClientSide,
        session: &mut Session,
    ) -> Result<(), BodyError> {
        let connection = &mut *session.connection;
        match self {
            Self::Done => {
                // A failed flush shows when the answer is read.
                let _later = connection.poll_flush(cx);
            }
            Self::Refused(_) => {}
            Self::Whole { body, sent } => {
                while let Some(rest) = body.get(*sent..).filter(|rest| !rest.is_empty()) {
                    match connection.poll_send(cx, rest) {
                        Poll::Ready(Ok(taken)) => *sent += taken,
                        Poll::Ready(Err(_)) | Poll::Pending => return Ok(()),
                    }
                }
                if let Poll::Ready(Ok(())) = connection.poll_finish(cx, None) {
                    *self = Self::Done;
                }
            }
            Self::Streaming(pump) => match pump.poll(cx, client, connection) {
                Poll::Ready(Ok(())) | Poll::Pending => {}
                Poll::Ready(Err(PumpError::Sink(_))) => *self = Self::Refused(std::mem::take(pump)),
                Poll::Ready(Err(PumpError::Source(error))) => return Err(error),
            },
        }
        Ok(())
    }

    /// Has all of it been sent?
    pub(super) fn is_done(&self) -> bool {
        match self {
            Self::Done => true,
            Self::Whole { .. } | Self::Refused(_) => false,
            Self::Streaming(pump) => pump.is_done(),
        }
    }

    /// Has all of it been taken from the client?
    fn is_taken(&self) -> bool {
        self.is_done() || matches!(self, Self::Whole { .. })
    }

    /// Has any byte left the client's side for good?
    pub(super) fn has_begun(&self) -> bool {
        match self {
            Self::Done | Self::Whole { .. } => false,
            Self::Streaming(pump) | Self::Refused(pump) => pump.moved() > 0 || pump.is_done(),
        }
    }

    /// Body bytes taken from the client.
    pub(super) fn moved(&self) -> u64 {
        match self {
            Self::Done | Self::Whole { .. } => 0,
            Self::Streaming(pump) | Self::Refused(pump) => pump.moved(),
        }
    }
}

/// Why an attempt ended without an answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The endpoint, or the way to it.
    Attempt(AttemptError),
    /// The client's own body.
    Client(Refusal),
}

impl From<AttemptError> for Failure {
    fn from(error: AttemptError) -> Self {
        Self::Attempt(error)
    }
}

/// How many interim answers one exchange may have.
const MOST_INTERIM: u32 = 64;

impl Walk<'_> {
    /// Sends the head; as much of the body as there is follows when the answer is awaited.
    pub(super) fn send_request(&self, outbound: &Outbound<'_>, call: &mut Call<'_>) {
        let framing = outbound.routed.traced.head.framing();
        let draft = self.outbound_draft(outbound, call.slot, framing);
        call.session.connection.begin(draft.into_bytes(), framing);
    }

    /// Waits for the answer's head while the body goes out; passes interim answers on.
    ///
    /// # Errors
    ///
    /// Fails when the endpoint does, or the client.
    pub(super) async fn await_answer(
        &self,
        outbound: &Outbound<'_>,
        call: &mut Call<'_>,
        client: &mut ClientSide,
    ) -> Result<ResponseHead, Failure> {
        let bodiless = outbound.routed.traced.head.method() == Method::Head;
        for _ in 0..MOST_INTERIM {
            let answer = poll_fn(|cx| self.poll_answer(cx, bodiless, call, client)).await?;
            if !answer.is_informational() {
                return self.checked(answer, outbound);
            }
            self.pass_interim(&answer, outbound, client)?;
        }
        Err(AttemptError::TooManyInterim.into())
    }

    fn poll_answer(
        &self,
        cx: &mut Context<'_>,
        bodiless: bool,
        call: &mut Call<'_>,
        client: &mut ClientSide,
    ) -> Poll<Result<ResponseHead, Failure>> {
        if let Err(error) = call.poll_upload(cx, client) {
            return Poll::Ready(Err(client_failure(error)));
        }
        let limit = self.proxy.upstream.config().max_response_header_bytes;
        let connection = &mut call.session.connection;
        match connection.poll_response(cx, HeadLimits { max_bytes: limit }, bodiless) {
            Poll::Ready(Ok(answer)) => return Poll::Ready(Ok(answer)),
            Poll::Ready(Err(error)) => {
                let unsent = connection.stream().has_outbox();
                return Poll::Ready(Err(head_failure(error, unsent, limit).into()));
            }
            Poll::Pending => {}
        }
        // What an interim answer left for the client must not wait for the final one.
        let _later = client.poll_flush(cx);
        if call.upload.is_taken() && client.poll_gone(cx).is_ready() {
            return Poll::Ready(Err(AttemptError::ClientGone.into()));
        }
        let expired = self.around.timer.poll_expired(cx);
        expired.map(|()| Err(AttemptError::Timeout.into()))
    }

    fn checked(
        &self,
        answer: ResponseHead,
        outbound: &Outbound<'_>,
    ) -> Result<ResponseHead, Failure> {
        let most = self.proxy.upstream.config().max_response_headers;
        if most.is_some_and(|most| answer.block().fields().len() > most.get()) {
            return Err(AttemptError::TooManyFields.into());
        }
        if answer.status() == 101 {
            let asked = outbound.routed.traced.head.upgrade();
            let given = answer.block().value(crate::message::FieldName::Upgrade);
            let agreed = asked
                .zip(given)
                .is_some_and(|(asked, given)| asked.eq_ignore_ascii_case(given));
            if !agreed {
                return Err(AttemptError::UnaskedSwitch.into());
            }
        }
        Ok(answer)
    }
}

/// A client that left or broke its framing while its body was being read.
fn client_failure(error: BodyError) -> Failure {
    match error {
        BodyError::Chunk(_) => Failure::Client(Refusal::InvalidBody),
        BodyError::Io(_) | BodyError::Truncated => Failure::Attempt(AttemptError::ClientGone),
    }
}

fn head_failure(error: HeadError, unsent: bool, limit: usize) -> AttemptError {
    match error {
        HeadError::Closed | HeadError::Truncated if unsent => {
            AttemptError::Unsent(std::io::ErrorKind::BrokenPipe.into())
        }
        HeadError::Io(error) if unsent => AttemptError::Unsent(error),
        HeadError::Closed => AttemptError::Closed,
        // A head that breaks off has begun: nothing may be repeated after it.
        HeadError::Truncated => AttemptError::Malformed(HeadFault::Malformed),
        HeadError::Fault(HeadFault::TooLarge) => AttemptError::HeadTooLarge { limit },
        HeadError::Fault(fault) => AttemptError::Malformed(fault),
        HeadError::Io(error) => AttemptError::Reset(error),
    }
}
