//! The agent at work: one loop over what is heard, what is due and what has changed.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bus::{Message, StartMessage as RouterStart};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until, timeout};
use tracing::{info, warn};

use super::desk;
use super::ears::{About, Ears, Heard};
use super::instance::End;
use super::namesakes::{Claim, Namesakes};
use super::node::Node;
use super::options::AgentOptions;
use super::routes::FILES;
use super::signals::{Asked, Signals};
use super::snapshot::Snapshot;
use super::sweep::Sweep;
use crate::component::Component;
use crate::wire::{ExitReason, InstanceState, NodeClaim, RollCall, Wire};

/// The agent at work.
pub(super) struct Service {
    node: Arc<Node>,
    snapshot: Snapshot,
    component: Component,
    /// Told when nothing is staged any more.
    staging: watch::Sender<bool>,
    namesakes: Namesakes,
    sweep: Sweep,
    pace: Pace,
    evacuation: Duration,
    /// When an evacuation ends, whatever still runs.
    deadline: Option<Instant>,
}

/// What is due at its own times.
struct Pace {
    advertise: Interval,
    heartbeat: Interval,
    routes: Interval,
    sweep: Interval,
}

/// Whether the loop goes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Next {
    GoOn,
    Leave,
    /// Under another name of the node.
    Rename,
}

impl Service {
    pub(super) fn new(
        node: Arc<Node>,
        snapshot: Snapshot,
        component: Component,
        staging: watch::Sender<bool>,
        options: &AgentOptions,
    ) -> Self {
        Self {
            sweep: Sweep::new(
                Arc::clone(&node),
                Duration::from_secs(options.orphan_interval.max(1)),
            ),
            pace: Pace {
                advertise: every(ADVERTISE),
                heartbeat: every(HEARTBEAT),
                routes: every(ROUTES),
                sweep: every(SWEEP),
            },
            evacuation: Duration::from_secs(options.evacuation_timeout),
            deadline: None,
            namesakes: Namesakes::default(),
            node,
            snapshot,
            component,
            staging,
        }
    }

    /// Works until a signal or an evacuation ends it, and every instance has ended.
    pub(super) async fn run(
        mut self,
        mut signals: Signals,
        mut ears: Ears,
        mut lives: JoinSet<()>,
    ) {
        loop {
            let next = tokio::select! {
                heard = ears.next() => self.hear(heard, &mut lives).await,
                () = self.node.roster.changed() => self.tell_change().await,
                asked = signals.next() => self.obey(asked).await,
                _ = self.pace.advertise.tick() => self.show_up().await,
                _ = self.pace.heartbeat.tick() => { self.node.heartbeat().await; Next::GoOn }
                _ = self.pace.routes.tick() => { self.node.routes.repeat().await; Next::GoOn }
                _ = self.pace.sweep.tick() => { self.sweep.run().await; Next::GoOn }
                _ = lives.join_next(), if !lives.is_empty() => self.evacuated(&lives),
                () = until(self.deadline) => Next::Leave,
            };
            match next {
                Next::GoOn => {}
                Next::Leave => break,
                Next::Rename => self.rename(&mut ears).await,
            }
        }
        self.leave(lives).await;
    }

    async fn hear(&mut self, heard: Heard, lives: &mut JoinSet<()>) -> Next {
        let Some(message) = heard.message else {
            self.node.routes.repeat().await;
            self.node.advertise().await;
            self.node.heartbeat().await;
            return Next::GoOn;
        };
        match heard.about {
            About::Claim => return self.compare(&message.payload),
            About::Discover => self.be_discovered(&message).await,
            About::Find => desk::find(&self.node, &message).await,
            About::Locate | About::Reconnected => self.node.advertise().await,
            About::ReconcilerStart => {
                // The message may be empty, as it always was.
                let asked = RollCall::decode(&message.payload).unwrap_or_default();
                self.node.answer(asked.word).await;
            }
            About::RouterStart => {
                self.follow(&message.payload);
                self.node.routes.repeat().await;
            }
            About::Start => desk::start(&self.node, lives, &message).await,
            About::Status => desk::status(&self.node, &message).await,
            About::Stop => desk::stop(&self.node, &message),
            About::Update => desk::update(&self.node, &message),
        }
        Next::GoOn
    }

    async fn be_discovered(&self, message: &Message) {
        let Some(reply) = &message.reply else { return };
        let bus = &self.node.bus;
        let said = bus.publish(reply, self.component.discovery().into());
        if let Err(error) = said.await {
            warn!(%error, "message-not-published");
        }
    }

    async fn show_up(&self) -> Next {
        self.node.advertise().await;
        self.node.claim().await;
        Next::GoOn
    }

    /// Looks whether somebody else goes by our node's name, and whose it is.
    fn compare(&mut self, claim: &[u8]) -> Next {
        // Whoever cannot say who it is claims nothing.
        let Ok(other) = NodeClaim::decode(claim) else {
            return Next::GoOn;
        };
        let own = self.node.own_claim();
        let agent = other.agent.as_str();
        match self.namesakes.hear(&own, &other, std::time::Instant::now()) {
            Claim::Nothing => Next::GoOn,
            Claim::Ours => {
                warn!(agent, "another-agent-goes-by-our-nodes-name");
                Next::GoOn
            }
            Claim::Theirs => {
                warn!(agent, "our-nodes-name-is-another-agents");
                Next::Rename
            }
        }
    }

    /// Takes another name for the node. Instances, their ids and ours stay as they are.
    async fn rename(&mut self, ears: &mut Ears) {
        let name = self.node.name.renew();
        self.namesakes = Namesakes::default();
        if let Err(error) = ears.hear_claims(&self.node.bus, &name).await {
            // Only who else has drawn the same name stays unheard.
            warn!(%error, "claims-not-heard");
        }
        info!(node = name, "node-renamed");
        self.node.advertise().await;
        self.node.heartbeat().await;
    }

    /// Registers as often as a router asks for, and never rarer than is usual.
    fn follow(&mut self, start: &[u8]) {
        let asked = RouterStart::decode(start).map(|start| start.minimum_register_interval);
        let asked = Duration::from_secs(asked.unwrap_or(0));
        let pause = if asked.is_zero() {
            ROUTES
        } else {
            asked.min(ROUTES)
        };
        if pause != self.pace.routes.period() {
            self.pace.routes = every(pause);
        }
    }

    /// Says and writes down what has changed.
    async fn tell_change(&self) -> Next {
        self.node.heartbeat().await;
        let instances = self.node.roster.all();
        let snapshot = self.snapshot.clone();
        let written = tokio::task::spawn_blocking(move || snapshot.write(&instances));
        match written.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(%error, "snapshot-not-written"),
            Err(error) => warn!(%error, "snapshot-not-written"),
        }
        Next::GoOn
    }

    async fn obey(&mut self, asked: Asked) -> Next {
        info!(?asked, "signal");
        self.node.closed.store(true, Ordering::Relaxed);
        self.staging.send_replace(true);
        match asked {
            Asked::Close => Next::GoOn,
            Asked::Evacuate if self.deadline.is_some() => Next::GoOn,
            Asked::Evacuate => {
                self.deadline = Some(Instant::now() + self.evacuation);
                self.evacuate().await;
                self.all_gone()
            }
            Asked::ShutDown => Next::Leave,
        }
    }

    /// Says goodbye; instances serve on until they are stopped one by one, when others serve.
    async fn evacuate(&self) {
        self.node.farewell().await;
        for instance in self.node.roster.all() {
            let end = End::Told(ExitReason::Evacuation);
            match instance.state {
                InstanceState::Running => {
                    let now = self.node.now();
                    let state = InstanceState::Evacuating;
                    self.node.roster.enter(&instance.guid, state, now);
                    self.node.exited(&instance, &end).await;
                }
                // It serves nobody yet: its replacement may as well start now.
                InstanceState::Born | InstanceState::Starting => {
                    self.node.exited(&instance, &end).await;
                    self.node
                        .roster
                        .tell(&instance.guid, ExitReason::Evacuation);
                }
                _ => {}
            }
        }
    }

    /// Leaves when an evacuation has nothing left to wait for.
    fn evacuated(&self, lives: &JoinSet<()>) -> Next {
        match (self.deadline, lives.is_empty()) {
            (Some(_), true) => Next::Leave,
            (Some(_) | None, _) => Next::GoOn,
        }
    }

    fn all_gone(&self) -> Next {
        match self.node.roster.all().iter().any(|one| one.is_live()) {
            true => Next::GoOn,
            false => Next::Leave,
        }
    }

    /// Ends every instance and waits for their ends.
    async fn leave(self, mut lives: JoinSet<()>) {
        self.staging.send_replace(true);
        let evacuating = self.deadline.is_some();
        if !evacuating {
            self.node.farewell().await;
        }
        for instance in self.node.roster.all() {
            self.node.roster.tell(&instance.guid, ExitReason::Shutdown);
        }
        let ended = timeout(LEAVE, async { while lives.join_next().await.is_some() {} });
        if ended.await.is_err() {
            warn!(
                left = lives.len(),
                "instances-still-ending; the next agent takes them up"
            );
        }
        self.node.routes.set(FILES, None).await;
        self.tell_change().await;
        if timeout(FLUSH, self.node.bus.flush()).await.is_err() {
            warn!("last-words-perhaps-not-heard");
        }
    }
}

fn every(period: Duration) -> Interval {
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
}

const ADVERTISE: Duration = Duration::from_secs(5);
const HEARTBEAT: Duration = Duration::from_secs(10);
const ROUTES: Duration = Duration::from_secs(20);
const SWEEP: Duration = Duration::from_secs(10);
/// The longest grace of an instance, and a kill.
const LEAVE: Duration = Duration::from_secs(330);
const FLUSH: Duration = Duration::from_secs(2);
