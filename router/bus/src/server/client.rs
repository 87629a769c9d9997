//! A client as others see it: someone with subscriptions and an outbox.

use std::collections::HashMap;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::outbox::{Outbox, Pushed};
use super::parse::Publication;

/// One connected client.
pub(super) struct Client {
    pub(super) id: u64,
    pub(super) outbox: Outbox,
    /// Whether it gets its own messages.
    pub(super) echo: AtomicBool,
    /// Whether it understands `HMSG`.
    pub(super) headers: AtomicBool,
    subscriptions: Mutex<HashMap<Box<[u8]>, Arc<Subscription>>>,
}

/// What a client subscribed to, under an id that it chose.
pub(super) struct Subscription {
    pub(super) subject: Box<[u8]>,
    pub(super) queue: Option<Arc<[u8]>>,
    client: Arc<Client>,
    sid: Box<[u8]>,
    delivered: AtomicU64,
    /// Messages after which it ends; 0 is never.
    max: AtomicU64,
}

/// What became of a message for one subscription.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Delivery {
    /// It is in the outbox.
    Done(Pushed),
    /// It is not for this subscription: spent, cut off, or its own echo.
    Refused,
}

impl Client {
    pub(super) fn new(id: u64, max_pending_bytes: usize) -> Self {
        Self {
            id,
            outbox: Outbox::new(max_pending_bytes),
            echo: AtomicBool::new(true),
            headers: AtomicBool::new(false),
            subscriptions: Mutex::default(),
        }
    }

    /// Appends one line of the protocol.
    pub(super) fn say(&self, line: &str) -> Pushed {
        self.outbox
            .push(line.len(), |bytes| bytes.extend_from_slice(line.as_bytes()))
    }

    pub(super) fn subscriptions(&self) -> MutexGuard<'_, HashMap<Box<[u8]>, Arc<Subscription>>> {
        // invariant: single map operations under the lock, so poison means nothing.
        self.subscriptions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscription {
    pub(super) fn new(
        client: Arc<Client>,
        subject: &[u8],
        queue: Option<&[u8]>,
        sid: &[u8],
    ) -> Self {
        // Copied, because a slice of the read buffer would keep all of it alive.
        let (subject, sid, queue) = (subject.into(), sid.into(), queue.map(Arc::from));
        let (delivered, max) = (AtomicU64::new(0), AtomicU64::new(0));
        Self {
            subject,
            queue,
            client,
            sid,
            delivered,
            max,
        }
    }

    pub(super) fn client(&self) -> &Arc<Client> {
        &self.client
    }

    pub(super) fn sid(&self) -> &[u8] {
        &self.sid
    }

    /// Ends the subscription after `max` messages in all; says whether they are there already.
    pub(super) fn limit(&self, max: u64) -> bool {
        self.max.store(max, Ordering::Relaxed);
        self.is_spent()
    }

    /// Whether it has had all the messages it asked for.
    pub(super) fn is_spent(&self) -> bool {
        let max = self.max.load(Ordering::Relaxed);
        max != 0 && self.delivered.load(Ordering::Relaxed) >= max
    }

    /// Puts a message of `from` into the outbox of this subscription's client.
    pub(super) fn deliver(&self, from: &Client, message: &Publication<'_>) -> Delivery {
        let client = &self.client;
        if client.id == from.id && !client.echo.load(Ordering::Relaxed) {
            return Delivery::Refused;
        }
        let before = self.delivered.fetch_add(1, Ordering::Relaxed);
        let max = self.max.load(Ordering::Relaxed);
        if max != 0 && before >= max {
            return Delivery::Refused;
        }
        match self.push(message) {
            Pushed::Closed => Delivery::Refused,
            pushed => Delivery::Done(pushed),
        }
    }

    fn push(&self, message: &Publication<'_>) -> Pushed {
        let header_bytes = message.header_bytes.filter(|count| *count > 0);
        let understood = self.client.headers.load(Ordering::Relaxed);
        let (headers, payload) = match header_bytes {
            Some(count) if understood => (Some(count), message.payload),
            Some(count) => (None, message.payload.get(count..).unwrap_or_default()),
            None => (None, message.payload),
        };
        let reply = message.reply.unwrap_or_default();
        let size = LINE_OVERHEAD + message.subject.len() + self.sid.len() + reply.len();
        self.client.outbox.push(size + payload.len(), |bytes| {
            let name = if headers.is_some() {
                b"HMSG ".as_slice()
            } else {
                b"MSG "
            };
            for piece in [name, message.subject, b" ", &self.sid, b" "] {
                bytes.extend_from_slice(piece);
            }
            if !reply.is_empty() {
                bytes.extend_from_slice(reply);
                bytes.push(b' ');
            }
            write_sizes(bytes, headers, payload.len());
            bytes.extend_from_slice(payload);
            bytes.extend_from_slice(b"\r\n");
        })
    }
}

/// What a message costs beside its words and payload, at most.
const LINE_OVERHEAD: usize = 40;

fn write_sizes(bytes: &mut Vec<u8>, headers: Option<usize>, payload: usize) {
    let written = match headers {
        Some(headers) => write!(bytes, "{headers} {payload}\r\n"),
        None => write!(bytes, "{payload}\r\n"),
    };
    debug_assert!(written.is_ok(), "a vector takes what is written");
}
