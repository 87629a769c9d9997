//! What the agent listens to on the bus, in one queue.

use std::future::pending;

use bus::{Bus, BusError, BusEvent, Message, Subscription};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use crate::wire::subject;

/// Something that was heard.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) about: About,
    pub(super) message: Option<Message>,
}

/// What it is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum About {
    /// An agent claims our node's name.
    Claim,
    Discover,
    Find,
    /// Somebody wants advertisements now.
    Locate,
    /// A health manager began and knows nothing yet.
    ReconcilerStart,
    /// The bus is back, and may have lost what we said.
    Reconnected,
    RouterStart,
    Start,
    Status,
    Stop,
    Update,
}

/// All subscriptions of the agent. Dropping it ends them.
pub(super) struct Ears {
    heard: mpsc::Receiver<Heard>,
    queue: mpsc::Sender<Heard>,
    pumps: JoinSet<()>,
    claims: Option<AbortHandle>,
}

impl Ears {
    /// Listens from now on.
    pub(super) async fn open(bus: &Bus, id: &str) -> Result<Self, BusError> {
        let (queue, heard) = mpsc::channel(WAITING);
        let mut pumps = JoinSet::new();
        let own = subject::start(id);
        for (about, subject) in [
            (About::Discover, subject::COMPONENT_DISCOVER),
            (About::Find, subject::FIND),
            (About::Locate, subject::AGENT_LOCATE),
            (About::ReconcilerStart, subject::RECONCILER_START),
            (About::RouterStart, bus::subject::START),
            (About::Start, own.as_str()),
            (About::Status, subject::AGENT_STATUS),
            (About::Stop, subject::STOP),
            (About::Update, subject::UPDATE),
        ] {
            let subscription = bus.subscribe(subject).await?;
            pumps.spawn(pump(about, subscription, queue.clone()));
        }
        pumps.spawn(watch(bus.clone(), queue.clone()));
        bus.flush().await?;
        Ok(Self {
            heard,
            queue,
            pumps,
            claims: None,
        })
    }

    /// Listens to who claims a name of a node, and no more to who claims an earlier one.
    pub(super) async fn hear_claims(&mut self, bus: &Bus, name: &str) -> Result<(), BusError> {
        let claims = bus.subscribe(&subject::node(name)).await?;
        let pump = pump(About::Claim, claims, self.queue.clone());
        if let Some(earlier) = self.claims.replace(self.pumps.spawn(pump)) {
            earlier.abort();
        }
        bus.flush().await
    }

    /// What was heard next.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing is taken off the queue by a call that is dropped.
    pub(super) async fn next(&mut self) -> Heard {
        match self.heard.recv().await {
            Some(heard) => heard,
            None => pending().await,
        }
    }
}

async fn pump(about: About, mut subscription: Subscription, queue: mpsc::Sender<Heard>) {
    while let Some(message) = subscription.next().await {
        let message = Some(message);
        if queue.send(Heard { about, message }).await.is_err() {
            return;
        }
    }
}

async fn watch(bus: Bus, queue: mpsc::Sender<Heard>) {
    let mut events = bus.events();
    while let Some(event) = events.next().await {
        let back = matches!(
            event,
            BusEvent::Reconnected { .. } | BusEvent::Missed { .. }
        );
        let heard = Heard {
            about: About::Reconnected,
            message: None,
        };
        if back && queue.send(heard).await.is_err() {
            return;
        }
    }
}

/// What waits while the agent is busy; more waits in the subscriptions.
const WAITING: usize = 256;
