//! What all sessions share: the subscriptions, and who is there.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use rand::RngExt;

use super::client::{Client, Delivery, Subscription};
use super::options::ServerOptions;
use super::outbox::Pushed;
use super::parse::Publication;
use super::sublist::{Matches, Sublist};

/// The meeting place of all clients of one server.
pub(super) struct Hub {
    pub(super) options: ServerOptions,
    pub(super) server_id: String,
    sublist: RwLock<Sublist>,
    clients: AtomicUsize,
    last_id: AtomicU64,
}

/// What became of a publication.
#[derive(Default)]
pub(super) struct Reach {
    /// Whether anyone got it.
    pub(super) delivered: bool,
    /// A client that has so much to read that its publishers should pause.
    pub(super) behind: Option<Arc<Client>>,
}

/// A connected client. Dropping it takes the client and its subscriptions back.
pub(super) struct Seat {
    pub(super) hub: Arc<Hub>,
    pub(super) client: Arc<Client>,
}

impl Hub {
    pub(super) fn new(options: ServerOptions) -> Self {
        let server_id = format!("{:032X}", rand::rng().random::<u128>());
        let (clients, last_id) = (AtomicUsize::new(0), AtomicU64::new(0));
        Self {
            options,
            server_id,
            sublist: RwLock::default(),
            clients,
            last_id,
        }
    }

    /// Takes a seat for a new client, or `None` when there are too many.
    pub(super) fn seat(self: &Arc<Self>) -> Option<Seat> {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let client = Arc::new(Client::new(id, self.options.max_pending_bytes));
        let before = self.clients.fetch_add(1, Ordering::Relaxed);
        let seat = Seat {
            hub: Arc::clone(self),
            client,
        };
        (before < self.options.max_connections).then_some(seat)
    }

    /// Clients that are there.
    pub(super) fn clients(&self) -> usize {
        self.clients.load(Ordering::Relaxed)
    }

    /// Subscriptions of all clients.
    pub(super) fn subscriptions(&self) -> usize {
        self.read().len()
    }

    /// Adds a subscription. One under an id that its client already uses is ignored.
    pub(super) fn subscribe(&self, subscription: Subscription) {
        let subscription = Arc::new(subscription);
        let mut held = subscription.client().subscriptions();
        // compat: the first of two subscriptions under one id stays.
        if held.contains_key(subscription.sid()) {
            return;
        }
        held.insert(subscription.sid().into(), Arc::clone(&subscription));
        drop(held);
        self.write().insert(subscription);
    }

    /// Removes a subscription for good.
    pub(super) fn unsubscribe(&self, subscription: &Arc<Subscription>) {
        let mut held = subscription.client().subscriptions();
        // Its id may be in use again by now, when two publishers reach its limit together.
        let same = held
            .get(subscription.sid())
            .is_some_and(|held| Arc::ptr_eq(held, subscription));
        if same {
            held.remove(subscription.sid());
        }
        drop(held);
        self.write().remove(subscription);
    }

    /// Gives a message to all who subscribed, and to one member of each queue group.
    pub(super) fn publish(
        &self,
        from: &Client,
        message: &Publication<'_>,
        matches: &mut Matches,
    ) -> Reach {
        self.read().collect(message.subject, matches);
        let mut reach = Reach::default();
        for subscription in &matches.all {
            self.deliver(from, message, subscription, &mut reach);
        }
        for group in &matches.groups {
            let start = rand::rng().random_range(0..group.len().max(1));
            let (late, early) = group.split_at_checked(start).unwrap_or((group, &[]));
            // The first who can take it; others follow when that one is being cut off.
            let _taker = early
                .iter()
                .chain(late)
                .find(|subscription| self.deliver(from, message, subscription, &mut reach));
        }
        reach
    }

    /// Tells `client` on `reply` that nobody heard it, if it listens there.
    pub(super) fn say_nobody(&self, client: &Client, reply: &[u8], matches: &mut Matches) {
        const NOBODY: &[u8] = b"NATS/1.0 503\r\n\r\n";
        self.read().collect(reply, matches);
        let mut own = matches.all.iter().chain(matches.groups.iter().flatten());
        let Some(own) = own.find(|subscription| subscription.client().id == client.id) else {
            return;
        };
        let line = [
            b"HMSG ",
            reply,
            b" ",
            own.sid(),
            b" 16 16\r\n",
            NOBODY,
            b"\r\n",
        ]
        .concat();
        client
            .outbox
            .push(line.len(), |bytes| bytes.extend_from_slice(&line));
    }

    fn deliver(
        &self,
        from: &Client,
        message: &Publication<'_>,
        subscription: &Arc<Subscription>,
        reach: &mut Reach,
    ) -> bool {
        let delivery = subscription.deliver(from, message);
        if subscription.is_spent() {
            self.unsubscribe(subscription);
        }
        let Delivery::Done(pushed) = delivery else {
            return false;
        };
        reach.delivered = true;
        if pushed == Pushed::Behind {
            reach.behind = Some(Arc::clone(subscription.client()));
        }
        true
    }

    // invariant: the sublist stays consistent where its code can panic, so poison means nothing.
    fn read(&self) -> RwLockReadGuard<'_, Sublist> {
        self.sublist.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Sublist> {
        self.sublist.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let held = std::mem::take(&mut *self.client.subscriptions());
        let mut sublist = self.hub.write();
        for subscription in held.values() {
            sublist.remove(subscription);
        }
        drop(sublist);
        self.hub.clients.fetch_sub(1, Ordering::Relaxed);
    }
}
