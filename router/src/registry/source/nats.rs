//! The bus as a source: announcements in, `router.start` and answers to `router.greet` out.

use std::io;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use bus::connection::BusEvents;
use bus::{
    Bus, BusError, BusEvent, DecodeError, Message, RegistryMessage, ResyncLimiter, StartMessage,
    Subscription, subject,
};
use tracing::{debug, error, info, warn};

use crate::config::RegistryConfig;
use crate::registry::writer::{Now, Registry};

/// Our seat on the control plane.
pub struct NatsSource {
    bus: Bus,
    subscription: Subscription,
    events: BusEvents,
    resync: ResyncLimiter,
    start: Vec<u8>,
}

/// Something that came from the bus.
#[derive(Debug)]
pub enum Arrival {
    /// The connection has been closed by this side; nothing follows.
    Closed,
    /// Messages were appended to the batch.
    Messages,
    /// The connection was made again: announcers should be asked for what was missed.
    Reconnected,
    /// Something about the connection that needs no action.
    Unimportant,
}

/// Messages taken at once: bounds the time until other work gets its turn to a millisecond or so.
pub const BATCH: usize = 256;
/// Least time between two requests to announce everything again.
const RESYNC_EVERY: Duration = Duration::from_secs(10);

impl NatsSource {
    /// Subscribes, asks announcers for their routes, and returns once the server has confirmed both.
    ///
    /// # Errors
    ///
    /// When the bus is closed, or away for longer than its request timeout.
    pub async fn open(bus: Bus, start: &StartMessage) -> Result<Self, BusError> {
        info!("subscriber-starting");
        let events = bus.events();
        // compat: gorouter says `router.start` before it subscribes (mbus/subscriber.go), so a quick
        // answer can be lost. Ours listens first.
        let subscription = bus.subscribe(subject::ROUTES).await?;
        let resync = ResyncLimiter::new(RESYNC_EVERY);
        let source = Self {
            bus,
            subscription,
            events,
            resync,
            start: start.encode(),
        };
        source
            .bus
            .publish(subject::START, source.start.clone().into())
            .await?;
        source.bus.flush().await?;
        info!("subscriber-started");
        Ok(source)
    }

    /// Waits for messages, appended to `batch`, or for news of the connection.
    ///
    /// # Cancel safety
    ///
    /// Nothing that has arrived is lost when the future is dropped while it waits.
    pub async fn next(&mut self, batch: &mut Vec<Message>) -> Arrival {
        let event = tokio::select! {
            count = self.subscription.next_batch(batch, BATCH) => {
                return if count == 0 { Arrival::Closed } else { Arrival::Messages };
            }
            event = self.events.next() => event,
        };
        match event {
            None | Some(BusEvent::Closed) => Arrival::Closed,
            Some(BusEvent::Missed { .. } | BusEvent::SlowConsumer { .. }) => {
                self.resync.want();
                Arrival::Unimportant
            }
            Some(BusEvent::Reconnected { .. }) => Arrival::Reconnected,
            Some(BusEvent::Connected { .. } | BusEvent::Disconnected) => Arrival::Unimportant,
        }
    }

    /// Carries out one message of a batch.
    pub async fn apply(&self, message: &Message, registry: &mut Registry, now: Now) {
        match message.subject.as_str() {
            subject::REGISTER => {
                let heard = registry.hear(&message.payload, now);
                complain(message, heard, registry, now);
            }
            subject::UNREGISTER => {
                let heard = RegistryMessage::decode(&message.payload)
                    .map(|decoded| registry.unregister(&decoded, now));
                complain(message, heard, registry, now);
            }
            subject::GREET => self.answer(message).await,
            // compat: gorouter decodes whatever `router.*` brings before it looks at the subject, and
            // logs an error for each empty greeting (mbus/subscriber.go). Ours looks first.
            other => debug!(subject = other, "bus-message-ignored"),
        }
    }

    /// When announcers have to be asked again because messages were lost, if at all.
    #[must_use]
    pub fn resync_due(&self) -> Option<Instant> {
        self.resync.due(Instant::now())
    }

    /// Asks announcers again, if it is due.
    pub async fn resync(&mut self) {
        if self.resync.take(Instant::now()) {
            warn!("route-announcements-lost");
            self.say_start().await;
        }
    }

    /// The connection, for its state and its counters.
    #[must_use]
    pub fn bus(&self) -> &Bus {
        &self.bus
    }

    /// Asks announcers for all their routes.
    pub async fn say_start(&self) {
        if let Err(error) = self
            .bus
            .publish(subject::START, self.start.clone().into())
            .await
        {
            error!(%error, "failed-to-publish-start");
        }
    }

    async fn answer(&self, greeting: &Message) {
        // Nobody can be answered who does not say where.
        let Some(reply) = &greeting.reply else { return };
        if let Err(error) = self.bus.publish(reply, self.start.clone().into()).await {
            error!(%error, "failed-to-answer-greet");
        }
    }
}

fn complain(message: &Message, heard: Result<(), DecodeError>, registry: &mut Registry, now: Now) {
    if let Err(error) = heard {
        registry
            .events
            .invalid(&message.subject, &message.payload, &error, now.millis);
    }
}

/// What we say about ourselves: `id` is this router's name on the bus (gorouter 1.2).
#[must_use]
pub fn start_message(config: &RegistryConfig, id: String) -> StartMessage {
    StartMessage {
        id,
        hosts: vec![local_ip().to_string()],
        minimum_register_interval: config.start_response_delay_interval.as_secs(),
        prune_threshold: config.droplet_stale_threshold.as_secs(),
    }
}

/// A router's name on the bus: `<index>-<uuid>`, new for each process.
#[must_use]
pub fn router_id(index: u32) -> String {
    let uuid = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
    format!("{index}-{uuid}")
}

/// The address that the outside would see us at; no packet is sent to find it.
fn local_ip() -> IpAddr {
    let route_out = || -> io::Result<IpAddr> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        // An address for documentation: it only makes the kernel choose a route.
        socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9))?;
        Ok(socket.local_addr()?.ip())
    };
    route_out().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}
