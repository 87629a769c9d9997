//! Carries out what one client says.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::client::{Client, Subscription};
use super::connect::{Connect, Credentials};
use super::hub::Seat;
use super::parse::{Op, ProtocolError, Publication};
use super::subject::{is_deliverable, is_literal, is_subscribable};
use super::sublist::Matches;

/// Why a connection ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    /// It did not say in time who it is.
    AuthTimeout,
    /// It is not who it must be.
    AuthViolation,
    /// Its CONNECT is not understood.
    BadConnect,
    /// The client has gone.
    Gone,
    /// It sent headers without having said that it would.
    Headers,
    /// It wants no-responders replies without headers, which carry them.
    NoRespondersNeedHeaders,
    /// What it sent is not the protocol.
    Protocol(ProtocolError),
    /// The server stops.
    Shutdown,
    /// It did not read what it asked for; then it cannot be told so either.
    SlowConsumer,
    /// It does not answer.
    Stale,
    /// Too many clients are here.
    TooManyConnections,
}

impl End {
    /// What the client is told, if anything: nats-server's words.
    pub(super) fn reply(self) -> Option<&'static str> {
        match self {
            Self::AuthTimeout => Some("Authentication Timeout"),
            Self::AuthViolation => Some("Authorization Violation"),
            Self::NoRespondersNeedHeaders => Some("no responders requires headers support"),
            Self::Protocol(error) => error.reply(),
            Self::Stale => Some("Stale Connection"),
            Self::TooManyConnections => Some("maximum connections exceeded"),
            Self::BadConnect | Self::Gone | Self::Headers | Self::Shutdown | Self::SlowConsumer => {
                None
            }
        }
    }
}

/// One client's side of the conversation.
pub(super) struct Session {
    seat: Seat,
    connect: Connect,
    authorized: bool,
    matches: Matches,
}

impl Session {
    pub(super) fn new(seat: Seat) -> Self {
        let authorized = Credentials::of(&seat.hub.options) == Credentials::None;
        Self {
            seat,
            connect: Connect::default(),
            authorized,
            matches: Matches::default(),
        }
    }

    pub(super) fn client(&self) -> &Arc<Client> {
        &self.seat.client
    }

    /// Whether the client has proved what it must.
    pub(super) fn is_authorized(&self) -> bool {
        self.authorized
    }

    /// Carries out one operation. Gives the client that its publisher should wait for, if any.
    pub(super) fn perform(&mut self, op: Op<'_>) -> Result<Option<Arc<Client>>, End> {
        if !self.authorized && !matches!(op, Op::Connect(_)) {
            return Err(End::AuthViolation);
        }
        match op {
            Op::Connect(json) => self.connect(json)?,
            Op::Ping => self.say("PONG\r\n"),
            // Whatever arrives is a sign of life, and the connection has noted it.
            Op::Pong => {}
            Op::Publish(publication) => return self.publish(&publication),
            Op::Subscribe {
                subject,
                queue,
                sid,
            } => self.subscribe(subject, queue, sid),
            Op::Unsubscribe { sid, max } => self.unsubscribe(sid, max),
        }
        Ok(None)
    }

    fn connect(&mut self, json: &[u8]) -> Result<(), End> {
        self.connect.update(json).map_err(|_| End::BadConnect)?;
        if !self.connect.is_authorized(&self.seat.hub.options) {
            return Err(End::AuthViolation);
        }
        if self.connect.no_responders && !self.connect.headers {
            return Err(End::NoRespondersNeedHeaders);
        }
        self.authorized = true;
        self.client()
            .echo
            .store(self.connect.echo, Ordering::Relaxed);
        self.client()
            .headers
            .store(self.connect.headers, Ordering::Relaxed);
        self.say_ok();
        Ok(())
    }

    fn publish(&mut self, message: &Publication<'_>) -> Result<Option<Arc<Client>>, End> {
        if message.header_bytes.is_some() && !self.connect.headers {
            return Err(End::Headers);
        }
        // compat: a complaint, and no more: a wildcard is then taken literally.
        if self.connect.pedantic && !is_literal(message.subject) {
            self.say("-ERR 'Invalid Publish Subject'\r\n");
        }
        self.say_ok();
        if !is_deliverable(message.subject) {
            return Ok(None);
        }
        let Seat { hub, client } = &self.seat;
        let reach = hub.publish(client, message, &mut self.matches);
        if let Some(reply) = message.reply
            && !reach.delivered
            && self.connect.no_responders
        {
            hub.say_nobody(client, reply, &mut self.matches);
        }
        self.matches.clear();
        Ok(reach.behind)
    }

    fn subscribe(&self, subject: &[u8], queue: Option<&[u8]>, sid: &[u8]) {
        if !is_subscribable(subject) {
            return self.say("-ERR 'Invalid Subject'\r\n");
        }
        let Seat { hub, client } = &self.seat;
        if client.subscriptions().len() >= hub.options.max_subscriptions {
            return self.say("-ERR 'maximum subscriptions exceeded'\r\n");
        }
        hub.subscribe(Subscription::new(Arc::clone(client), subject, queue, sid));
        self.say_ok();
    }

    fn unsubscribe(&self, sid: &[u8], max: Option<u64>) {
        let held = self.client().subscriptions().get(sid).map(Arc::clone);
        if let Some(subscription) = held
            && max.is_none_or(|max| max == 0 || subscription.limit(max))
        {
            self.seat.hub.unsubscribe(&subscription);
        }
        self.say_ok();
    }

    fn say_ok(&self) {
        if self.connect.verbose {
            self.say("+OK\r\n");
        }
    }

    /// Says one line; if there is no room for it, the session is ending anyway.
    fn say(&self, line: &str) {
        self.client().say(line);
    }
}
