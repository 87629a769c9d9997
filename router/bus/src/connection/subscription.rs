//! A subscription: messages that wait for their reader, and never more than a limit of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use async_nats::{Subject, Subscriber};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::{broadcast, mpsc};
use tokio::task::AbortHandle;
use tracing::warn;

use super::events::BusEvent;

/// A message from the bus.
#[derive(Clone, Debug)]
pub struct Message {
    /// Subject it was published on.
    pub subject: Subject,
    /// Where an answer is expected, if one is.
    pub reply: Option<Subject>,
    /// What it says.
    pub payload: Bytes,
}

/// Messages of one subject, in the order in which they came. Dropping it unsubscribes.
#[derive(Debug)]
pub struct Subscription {
    receiver: mpsc::Receiver<Message>,
    gauge: Arc<Gauge>,
    forwarding: AbortHandle,
}

/// What waits in all subscriptions of a connection, and what was dropped.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) buffered: AtomicUsize,
    pub(super) dropped: AtomicU64,
}

/// What waits in one subscription.
#[derive(Debug)]
struct Gauge {
    bytes: AtomicUsize,
    totals: Arc<Totals>,
}

/// How much one subscription may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) messages: usize,
    pub(super) bytes: usize,
}

impl Subscription {
    /// Takes over what `source` receives.
    pub(super) fn new(
        source: Subscriber,
        limits: Limits,
        totals: Arc<Totals>,
        events: broadcast::Sender<BusEvent>,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(limits.messages.max(1));
        let gauge = Arc::new(Gauge {
            bytes: AtomicUsize::new(0),
            totals,
        });
        let forwarder = Forwarder {
            source,
            sender,
            gauge: Arc::clone(&gauge),
            max_bytes: limits.bytes,
            events,
        };
        // perf: a task that must yield every 128 messages would fill the library's queue while the
        // socket's task, which may read thousands in its turn, goes on; this one ends with the burst.
        let task = tokio::spawn(tokio::task::unconstrained(forwarder.run()));
        Self {
            receiver,
            gauge,
            forwarding: task.abort_handle(),
        }
    }

    /// Waits for the next message; `None` once the connection is closed.
    ///
    /// # Cancel safety
    ///
    /// No message is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Message> {
        let message = self.receiver.recv().await?;
        self.gauge.took(std::slice::from_ref(&message));
        Some(message)
    }

    /// Waits for messages and appends up to `limit` of them to `batch`; gives their number, which is
    /// 0 once the connection is closed.
    ///
    /// # Cancel safety
    ///
    /// No message is lost when the future is dropped.
    pub async fn next_batch(&mut self, batch: &mut Vec<Message>, limit: usize) -> usize {
        let before = batch.len();
        let count = self.receiver.recv_many(batch, limit).await;
        self.gauge.took(batch.get(before..).unwrap_or_default());
        count
    }

    /// Messages that wait.
    pub fn buffered_messages(&self) -> usize {
        self.receiver.len()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.forwarding.abort();
        self.receiver.close();
        while let Ok(message) = self.receiver.try_recv() {
            self.gauge.took(std::slice::from_ref(&message));
        }
    }
}

impl Gauge {
    fn took(&self, messages: &[Message]) {
        let bytes = messages.iter().map(|message| message.payload.len()).sum();
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.totals
            .buffered
            .fetch_sub(messages.len(), Ordering::Relaxed);
    }
}

/// Moves messages from the library's queue, whose losses cannot be counted, to ours.
struct Forwarder {
    source: Subscriber,
    sender: mpsc::Sender<Message>,
    gauge: Arc<Gauge>,
    max_bytes: usize,
    events: broadcast::Sender<BusEvent>,
}

/// Messages after which losses are reported, even when the burst goes on.
const BURST: usize = 8192;

impl Forwarder {
    async fn run(mut self) {
        let mut dropping = false;
        loop {
            let first = tokio::select! {
                message = self.source.next() => message,
                () = self.sender.closed() => None,
            };
            let Some(first) = first else { return };
            let dropped = self.forward_burst(first);
            if dropped > 0 {
                self.report(dropped, dropping);
            }
            dropping = dropped > 0;
        }
    }

    /// Forwards what is there; gives the number of messages for which there was no room.
    fn forward_burst(&mut self, first: async_nats::Message) -> u64 {
        let mut dropped = u64::from(!self.offer(first));
        for _ in 1..BURST {
            let Some(Some(message)) = self.source.next().now_or_never() else {
                break;
            };
            dropped += u64::from(!self.offer(message));
        }
        dropped
    }

    /// Puts a message into our queue; says whether there was room.
    fn offer(&self, message: async_nats::Message) -> bool {
        let async_nats::Message {
            subject,
            reply,
            payload,
            ..
        } = message;
        let bytes = payload.len();
        let Gauge {
            bytes: held,
            totals,
        } = &*self.gauge;
        if held.load(Ordering::Relaxed).saturating_add(bytes) > self.max_bytes {
            return false;
        }
        // Counted before it is sent, so that its reader never takes off what was not added.
        held.fetch_add(bytes, Ordering::Relaxed);
        totals.buffered.fetch_add(1, Ordering::Relaxed);
        let sent = self
            .sender
            .try_send(Message {
                subject,
                reply,
                payload,
            })
            .is_ok();
        if !sent {
            held.fetch_sub(bytes, Ordering::Relaxed);
            totals.buffered.fetch_sub(1, Ordering::Relaxed);
        }
        sent
    }

    fn report(&self, dropped: u64, already: bool) {
        self.gauge
            .totals
            .dropped
            .fetch_add(dropped, Ordering::Relaxed);
        if !already {
            warn!(dropped, "nats-slow-consumer");
        }
        // Nobody may be listening, which is their choice.
        let _listeners = self.events.send(BusEvent::SlowConsumer { dropped });
    }
}
