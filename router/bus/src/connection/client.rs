//! The connection that everybody shares.

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::{Client, Event, PublishErrorKind, RequestErrorKind};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::broadcast;
use tokio::task::AbortHandle;
use tokio::time::{interval, timeout};
use tracing::{debug, info, warn};

use super::connect;
use super::error::{BusError, ConnectError};
use super::events::{BusEvent, BusEvents, HELD_EVENTS};
use super::options::BusOptions;
use super::selector::Selector;
use super::subscription::{Limits, Message, Subscription, Totals};

/// A connection to the bus. Clones share it; it ends with [`Bus::close`] or the last clone.
#[derive(Clone)]
pub struct Bus {
    client: Client,
    shared: Arc<Shared>,
    _watch: Arc<Watch>,
    limits: Limits,
    request_timeout: Duration,
}

/// Whether the bus can be heard.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BusState {
    /// Messages come and go.
    Connected,
    /// Servers are being tried.
    Disconnected,
}

/// What the library's callbacks and the connection both know.
pub(super) struct Shared {
    pub(super) selector: Selector,
    events: broadcast::Sender<BusEvent>,
    /// Kept for the first listener, so that it hears of the first connection too.
    first_listener: Mutex<Option<broadcast::Receiver<BusEvent>>>,
    totals: Arc<Totals>,
    was_connected: AtomicBool,
}

impl Bus {
    /// Connects to one of the servers. From then on lost connections are made anew without end.
    ///
    /// # Errors
    ///
    /// Fails when no server can be used; the error names each one and its reason.
    pub async fn connect(options: BusOptions) -> Result<Self, ConnectError> {
        info!(
            servers = options.servers.len(),
            "setting-up-nats-connection"
        );
        let limits = Limits {
            messages: options.pending_messages,
            bytes: options.pending_bytes,
        };
        let (ping_interval, request_timeout) = (options.ping_interval, options.request_timeout);
        let (client, shared) = connect::connect(options).await?;
        let watch = watch(client.clone(), Arc::clone(&shared), ping_interval);
        let watch = Arc::new(Watch(tokio::spawn(watch).abort_handle()));
        Ok(Self {
            client,
            shared,
            _watch: watch,
            limits,
            request_timeout,
        })
    }

    /// Subscribes to `subject`, which may hold wildcards. [`Self::flush`] proves that it is in force.
    ///
    /// # Errors
    ///
    /// Fails when the subject makes no sense, or the connection is closed or away for too long.
    pub async fn subscribe(&self, subject: &str) -> Result<Subscription, BusError> {
        let subscribing = self.client.subscribe(subject.to_owned());
        self.subscription(self.in_time(subscribing).await?, subject)
    }

    /// Subscribes as one of the group `queue`, of which one member gets each message.
    ///
    /// # Errors
    ///
    /// Fails as [`Self::subscribe`] does.
    pub async fn queue_subscribe(
        &self,
        subject: &str,
        queue: &str,
    ) -> Result<Subscription, BusError> {
        let subscribing = self
            .client
            .queue_subscribe(subject.to_owned(), queue.to_owned());
        self.subscription(self.in_time(subscribing).await?, subject)
    }

    /// Publishes `payload`. While the connection is away a few thousand messages are kept for it.
    ///
    /// # Errors
    ///
    /// Fails when subject or size are not allowed, or the connection is closed or away for too long.
    pub async fn publish(&self, subject: &str, payload: Bytes) -> Result<(), BusError> {
        let size = payload.len();
        let publishing = self.client.publish(subject.to_owned(), payload);
        let published = self.in_time(publishing).await?;
        published.map_err(|error| publish_error(error.kind(), subject, size))
    }

    /// Publishes `payload` and says where an answer is expected.
    ///
    /// # Errors
    ///
    /// Fails as [`Self::publish`] does.
    pub async fn publish_with_reply(
        &self,
        subject: &str,
        reply: &str,
        payload: Bytes,
    ) -> Result<(), BusError> {
        let size = payload.len();
        let publishing =
            self.client
                .publish_with_reply(subject.to_owned(), reply.to_owned(), payload);
        let published = self.in_time(publishing).await?;
        published.map_err(|error| publish_error(error.kind(), subject, size))
    }

    /// Publishes `payload` and waits for the first answer.
    ///
    /// # Errors
    ///
    /// Fails when nobody listens, nobody answers in time, or publishing fails.
    pub async fn request(&self, subject: &str, payload: Bytes) -> Result<Message, BusError> {
        let size = payload.len();
        match self.client.request(subject.to_owned(), payload).await {
            Ok(async_nats::Message {
                subject,
                reply,
                payload,
                ..
            }) => Ok(Message {
                subject,
                reply,
                payload,
            }),
            Err(error) => Err(match error.kind() {
                RequestErrorKind::InvalidSubject => BusError::Subject(subject.into()),
                RequestErrorKind::MaxPayloadExceeded => BusError::TooLarge(size),
                RequestErrorKind::NoResponders => BusError::NoResponders(subject.into()),
                RequestErrorKind::Other => BusError::Closed,
                RequestErrorKind::TimedOut => BusError::TimedOut,
            }),
        }
    }

    /// Waits until the server has carried out everything asked of it before: subscriptions made so
    /// far are in force there, and messages published so far are on their way.
    ///
    /// # Errors
    ///
    /// Fails when the connection is closed, or the server does not respond in time.
    pub async fn flush(&self) -> Result<(), BusError> {
        // The library's flush only empties its buffers. A server carries out what one client says in
        // order, so a message to ourselves comes back when everything before it is done.
        let inbox = self.client.new_inbox();
        let echo = async {
            let mut echo = self.client.subscribe(inbox.clone()).await.ok()?;
            self.client.publish(inbox, Bytes::new()).await.ok()?;
            echo.next().await
        };
        self.in_time(echo)
            .await?
            .map(|_echo| ())
            .ok_or(BusError::Closed)
    }

    /// Whether the bus can be heard right now.
    pub fn state(&self) -> BusState {
        match self.client.connection_state() {
            async_nats::connection::State::Connected => BusState::Connected,
            async_nats::connection::State::Disconnected
            | async_nats::connection::State::Pending => BusState::Disconnected,
        }
    }

    /// Whether the bus can be heard right now.
    pub fn is_connected(&self) -> bool {
        self.state() == BusState::Connected
    }

    /// The server of this connection, or the one being tried, `host:port`.
    pub fn server(&self) -> String {
        self.shared.selector.last()
    }

    /// What happens to the connection from now on; the first caller hears of the first connection too.
    pub fn events(&self) -> BusEvents {
        let mut first = self
            .shared
            .first_listener
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        BusEvents(
            first
                .take()
                .unwrap_or_else(|| self.shared.events.subscribe()),
        )
    }

    /// Messages that wait in all subscriptions.
    pub fn buffered_messages(&self) -> usize {
        self.shared.totals.buffered.load(Ordering::Relaxed)
    }

    /// Messages for which there was no room, since the start.
    pub fn dropped_messages(&self) -> u64 {
        self.shared.totals.dropped.load(Ordering::Relaxed)
    }

    /// Ends all subscriptions and the connection, once what was published is written.
    ///
    /// # Errors
    ///
    /// Fails when it is closed already.
    pub async fn close(&self) -> Result<(), BusError> {
        self.client.drain().await.map_err(|_| BusError::Closed)
    }

    fn subscription(
        &self,
        source: Result<async_nats::Subscriber, async_nats::SubscribeError>,
        subject: &str,
    ) -> Result<Subscription, BusError> {
        let source = source.map_err(|error| match error.kind() {
            async_nats::client::SubscribeErrorKind::Other => BusError::Closed,
            _ => BusError::Subject(subject.into()),
        })?;
        let (totals, events) = (Arc::clone(&self.shared.totals), self.shared.events.clone());
        Ok(Subscription::new(source, self.limits, totals, events))
    }

    async fn in_time<F: Future>(&self, operation: F) -> Result<F::Output, BusError> {
        timeout(self.request_timeout, operation)
            .await
            .map_err(|_| BusError::TimedOut)
    }
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus")
            .field("server", &self.server())
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn new(options: &BusOptions, selector: Selector) -> Self {
        debug!(
            server = selector.last(),
            tls = options.tls.is_some(),
            "nats-connecting"
        );
        let (events, first) = broadcast::channel(HELD_EVENTS);
        Self {
            selector,
            events,
            first_listener: Mutex::new(Some(first)),
            totals: Arc::default(),
            was_connected: AtomicBool::new(false),
        }
    }

    /// Tells logs and listeners what the library says has happened.
    pub(super) fn note(&self, event: &Event) {
        let event = match event {
            Event::Connected => self.connected(),
            Event::Disconnected => {
                warn!(addr = self.selector.last(), "nats-connection-disconnected");
                BusEvent::Disconnected
            }
            Event::Closed => {
                info!("nats-connection-closed");
                BusEvent::Closed
            }
            Event::SlowConsumer(_) => {
                self.totals.dropped.fetch_add(1, Ordering::Relaxed);
                BusEvent::SlowConsumer { dropped: 1 }
            }
            Event::ServerError(error) => return warn!(%error, "nats-server-error"),
            Event::ClientError(error) => return debug!(%error, "nats-client-error"),
            Event::Draining | Event::LameDuckMode => return debug!(%event, "nats-event"),
        };
        // Nobody may be listening, which is their choice.
        let _listeners = self.events.send(event);
    }

    fn connected(&self) -> BusEvent {
        let server = self.selector.connected();
        let host = server
            .rsplit_once(':')
            .map_or(&*server, |(host, _port)| host);
        if self.was_connected.swap(true, Ordering::Relaxed) {
            info!(host, addr = server, "nats-connection-reconnected");
            return BusEvent::Reconnected { server };
        }
        info!(host, addr = server, "Successfully-connected-to-nats");
        BusEvent::Connected { server }
    }
}

/// The task that complains while the connection is away; it ends with the connection.
struct Watch(AbortHandle);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn watch(client: Client, shared: Arc<Shared>, period: Duration) {
    // A period of zero is no period.
    let mut ticks = interval(period.max(Duration::from_millis(1)));
    loop {
        ticks.tick().await;
        if client.connection_state() != async_nats::connection::State::Connected {
            warn!(
                addr = shared.selector.last(),
                "nats-connection-still-disconnected"
            );
        }
    }
}

fn publish_error(kind: PublishErrorKind, subject: &str, size: usize) -> BusError {
    match kind {
        PublishErrorKind::InvalidSubject => BusError::Subject(subject.into()),
        PublishErrorKind::MaxPayloadExceeded => BusError::TooLarge(size),
        PublishErrorKind::Send => BusError::Closed,
    }
}
