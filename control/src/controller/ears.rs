//! Ears: what the controller hears on the bus, decoded, from all subjects at once.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bus::{Bus, BusError, Message, Subscription};
use tracing::warn;

use super::site::now;
use crate::model::Micros;
use crate::placement::Role;
use crate::wire::{
    Advertisement, AgentHello, AgentShutdown, Exited, Heartbeat, ProcessNames, StatusQuestion,
    Updated, Wire, subject,
};

/// One thing that was heard.
#[derive(Debug)]
pub(super) enum Heard {
    /// What an agent offers, and an instant before which it did not come.
    Advertisement(Role, Advertisement, Micros),
    /// A question, and where its answer goes.
    Asked(Question, String),
    Exited(Exited),
    Heartbeat(Heartbeat),
    Hello(AgentHello),
    Shutdown(AgentShutdown),
    Updated(Updated),
}

/// What somebody wants to know of the health decider.
#[derive(Debug)]
pub(super) enum Question {
    Health(ProcessNames),
    Process(ProcessNames),
    Status(StatusQuestion),
}

/// The subscriptions of the controller.
pub(super) struct Ears {
    advertise: Dated,
    exited: Subscription,
    heartbeat: Subscription,
    hello: Subscription,
    asked_health: Subscription,
    asked_process: Subscription,
    asked_status: Subscription,
    shutdown: Subscription,
    staging_advertise: Dated,
    updated: Subscription,
    complained: HashMap<&'static str, Instant>,
}

impl Ears {
    pub(super) async fn open(bus: &Bus) -> Result<Self, BusError> {
        Ok(Self {
            advertise: Dated::new(bus.subscribe(subject::AGENT_ADVERTISE).await?),
            exited: bus.subscribe(subject::EXITED).await?,
            heartbeat: bus.subscribe(subject::HEARTBEAT).await?,
            hello: bus.subscribe(subject::AGENT_START).await?,
            asked_health: bus.subscribe(subject::RECONCILER_HEALTH).await?,
            asked_process: bus.subscribe(subject::RECONCILER_PROCESS).await?,
            asked_status: bus.subscribe(subject::RECONCILER_STATUS).await?,
            shutdown: bus.subscribe(subject::AGENT_SHUTDOWN).await?,
            staging_advertise: Dated::new(bus.subscribe(subject::STAGING_ADVERTISE).await?),
            updated: bus.subscribe(subject::UPDATED).await?,
            complained: HashMap::new(),
        })
    }

    /// Waits for the next message that makes sense; `None` once the bus is closed.
    ///
    /// # Cancel safety
    ///
    /// No message is lost when the future is dropped.
    pub(super) async fn hear(&mut self) -> Option<Heard> {
        loop {
            let (kind, heard) = tokio::select! {
                m = self.exited.next() => (subject::EXITED, decode(m?, Heard::Exited)),
                m = self.heartbeat.next() => (subject::HEARTBEAT, decode(m?, Heard::Heartbeat)),
                m = self.hello.next() => (subject::AGENT_START, decode(m?, Heard::Hello)),
                m = self.shutdown.next() => (subject::AGENT_SHUTDOWN, decode(m?, Heard::Shutdown)),
                m = self.asked_health.next() => {
                    (subject::RECONCILER_HEALTH, question(m?, Question::Health))
                }
                m = self.asked_process.next() => {
                    (subject::RECONCILER_PROCESS, question(m?, Question::Process))
                }
                m = self.asked_status.next() => {
                    (subject::RECONCILER_STATUS, question(m?, Question::Status))
                }
                m = self.updated.next() => (subject::UPDATED, decode(m?, Heard::Updated)),
                m = self.advertise.next() => {
                    (subject::AGENT_ADVERTISE, advertised(m?, Role::Instances))
                }
                m = self.staging_advertise.next() => {
                    (subject::STAGING_ADVERTISE, advertised(m?, Role::Staging))
                }
            };
            match heard {
                Ok(heard) => return Some(heard),
                Err(error) => self.complain(kind, &error),
            }
        }
    }

    /// Says once a minute for each subject that something there makes no sense.
    fn complain(&mut self, kind: &'static str, error: &crate::wire::DecodeError) {
        let now = Instant::now();
        let last = self.complained.get(kind);
        if last.is_none_or(|last| now.duration_since(*last) >= COMPLAINT_PAUSE) {
            self.complained.insert(kind, now);
            warn!(subject = kind, %error, "bus-message-dropped");
        }
    }
}

fn decode<M: Wire>(
    message: Message,
    heard: impl FnOnce(M) -> Heard,
) -> Result<Heard, crate::wire::DecodeError> {
    M::decode(&message.payload).map(heard)
}

/// A question; one that has no inbox is answered to nobody.
fn question<M: Wire>(
    message: Message,
    question: impl FnOnce(M) -> Question,
) -> Result<Heard, crate::wire::DecodeError> {
    let inbox = message.reply.as_ref().map(ToString::to_string);
    let inbox = inbox.unwrap_or_default();
    M::decode(&message.payload).map(|asked| Heard::Asked(question(asked), inbox))
}

fn advertised(
    (message, since): (Message, Micros),
    role: Role,
) -> Result<Heard, crate::wire::DecodeError> {
    decode(message, |told| Heard::Advertisement(role, told, since))
}

/// A subscription that knows how old a message may be that waited for its turn.
struct Dated {
    messages: Subscription,
    /// When nothing waited.
    empty: Micros,
}

impl Dated {
    fn new(messages: Subscription) -> Self {
        Self {
            messages,
            empty: now(),
        }
    }

    /// The next message, and an instant before which it did not come.
    ///
    /// # Cancel safety
    ///
    /// No message is lost when the future is dropped.
    async fn next(&mut self) -> Option<(Message, Micros)> {
        if self.messages.buffered_messages() == 0 {
            self.empty = now();
        }
        let message = self.messages.next().await?;
        Some((message, self.empty))
    }
}

const COMPLAINT_PAUSE: Duration = Duration::from_secs(60);
