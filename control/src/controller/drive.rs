//! The loop: one thing after the other, from the API, from the bus, and by the clock.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bus::connection::BusEvents;
use bus::{BusError, BusEvent};
use bytes::Bytes;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};
use tracing::{info, warn};

use super::ears::{Ears, Heard};
use super::handle::{Order, Orders};
use super::nodes::Nodes;
use super::site::{ControllerParts, Site, now};
use super::stage::stage;
use super::tidy::{TIDY_EVERY, tidy};
use super::{crash, stats};
use crate::health::Health;
use crate::model::{CrashCount, InstanceReport, InstanceState, Micros};
use crate::placement::{self, Role};
use crate::store::{Lease, StoreError};
use crate::wire::{FindInstances, Updated, subject};

/// The one task that decides what is started and stopped.
pub(super) struct Driver {
    pub(super) site: Arc<Site>,
    pub(super) orders: Orders,
    /// The processes of each application that this controller has had to do with.
    pub(super) known: HashMap<String, BTreeSet<String>>,
    /// Decides what is missing and what is too much.
    pub(super) health: Health,
    /// Applications that wait for room, and when that was last said.
    pub(super) short: HashMap<String, Micros>,
    /// Crash counts that are still to be written, by process and index.
    pub(super) unkept: BTreeMap<(String, u32), CrashCount>,
    /// The nodes that are written down.
    pub(super) nodes: Nodes,
    /// Whether what the last leader wrote down is still to be taken up.
    unrecalled: bool,
    tasks: JoinSet<()>,
    builds: HashSet<String>,
    staging: JoinSet<String>,
    /// When it was last looked for what nobody needs.
    tidied: Option<Micros>,
}

/// Runs the controller until `stop` changes, the bus is closed, or every handle is gone.
///
/// # Errors
///
/// Fails when the bus cannot be heard at the start.
pub async fn run(
    parts: ControllerParts,
    orders: Orders,
    mut stop: watch::Receiver<bool>,
) -> Result<(), BusError> {
    let site = Arc::new(Site::new(parts));
    let mut ears = Ears::open(&site.bus).await?;
    let mut events = site.bus.events();
    let mut driver = Driver::new(Arc::clone(&site), orders);
    driver.tasks.spawn(crash::record(Arc::clone(&site)));
    let (mut fast, mut slow) = (clock(FAST), clock(SLOW));
    driver.renew_lease().await;
    driver.greet().await;
    loop {
        tokio::select! {
            order = driver.orders.next() => match order {
                Some(order) => driver.obey(order).await,
                None => break,
            },
            heard = ears.hear() => match heard {
                Some(heard) => driver.hear(heard).await,
                None => break,
            },
            () = back(&mut events) => {
                driver.health.bus_lost(now());
                driver.greet().await;
            }
            _ = fast.tick() => driver.tick().await,
            _ = slow.tick() => driver.look_again().await,
            Some(ended) = driver.staging.join_next() => driver.build_over(ended),
            // Whoever waited for it has been told.
            Some(_) = driver.tasks.join_next() => {}
            _ = stop.changed() => break,
        }
    }
    driver.let_go().await;
    Ok(())
}

impl Driver {
    fn new(site: Arc<Site>, orders: Orders) -> Self {
        let health = Health::new(site.settings.health.clone());
        orders.show_nodes(site.shared_pool());
        Self {
            site,
            orders,
            known: HashMap::new(),
            health,
            short: HashMap::new(),
            unkept: BTreeMap::new(),
            nodes: Nodes::new(),
            unrecalled: false,
            tasks: JoinSet::new(),
            builds: HashSet::new(),
            staging: JoinSet::new(),
            tidied: None,
        }
    }

    /// Asks every agent to say at once what it has.
    async fn greet(&self) {
        for subject in [
            subject::AGENT_LOCATE,
            subject::STAGING_LOCATE,
            subject::RECONCILER_START,
        ] {
            if let Err(error) = self.site.bus.publish(subject, EMPTY).await {
                warn!(%error, subject, "bus-message-lost");
            }
        }
    }

    async fn obey(&mut self, order: Order) {
        match order {
            Order::App(app) => self.app_changed(&app).await,
            Order::Everything => self.look_again().await,
            Order::Deployment(_) if self.leads() => self.advance_deployments().await,
            // The leader looks at all deployments and builds every other second.
            Order::Deployment(_) => {}
            Order::Log {
                app,
                source_type,
                text,
            } => self.site.log(&app, &source_type, &text).await,
            Order::Stage(build) if self.leads() => self.begin_build(build),
            Order::Stage(_) => {}
            Order::Stats { process, answer } => self.tell_stats(process, answer),
            Order::StopInstance { process, index } => self.stop_instance(&process, index).await,
        }
    }

    /// Acts on the change, or lets the leader know of it.
    async fn app_changed(&mut self, app: &str) {
        if self.leads() {
            self.reconcile_app(app).await;
            return;
        }
        let updated = Updated {
            process: app.to_owned(),
        };
        self.site.say(subject::UPDATED, &updated).await;
    }

    async fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Advertisement(role, told, since) => {
                let before = self.site.pool().apply_late(now(), since, role, &told);
                match role {
                    Role::Instances if before == placement::Heard::New => {
                        self.health.room_appeared(now());
                    }
                    Role::Instances => {}
                    Role::Staging => self.site.stagers_changed.notify_waiters(),
                }
            }
            Heard::Asked(question, inbox) if !inbox.is_empty() => {
                self.answer(question, &inbox).await;
            }
            Heard::Asked(..) => {}
            Heard::Exited(exit) => {
                self.health.exited(now(), &exit);
                self.show(&exit.process);
            }
            Heard::Heartbeat(beat) => {
                self.health.heartbeat(now(), &beat);
                self.witness_node(&beat).await;
                let processes = beat.instances.iter().map(|one| one.process.as_str());
                let processes: HashSet<&str> = processes.collect();
                processes.into_iter().for_each(|process| self.show(process));
            }
            Heard::Hello(hello) => self.site.pool().greet(&hello),
            Heard::Shutdown(told) => {
                self.site.pool().remove(&told.id);
            }
            Heard::Updated(updated) if self.leads() => {
                let target = self.site.store.target_of(&updated.process).await;
                let app = match target {
                    Ok(Some(target)) => target.app,
                    Ok(None) | Err(_) => updated.process,
                };
                self.reconcile_app(&app).await;
            }
            Heard::Updated(_) => {}
        }
    }

    /// Every second: what time alone changes.
    async fn tick(&mut self) {
        let gone = self.site.pool().expire(now());
        if !gone.is_empty() {
            info!(agents = ?gone, "agents-silent");
        }
        if self.leads() {
            self.call_roll().await;
            self.repair().await;
            self.forget_nodes().await;
            self.advance_deployments().await;
        }
        self.keep_crash_counts().await;
        self.show_all();
    }

    /// Every few seconds, and when orders were lost: everything that the store wants.
    async fn look_again(&mut self) {
        self.renew_lease().await;
        self.read_desired().await;
        if !self.leads() {
            return;
        }
        if self.unrecalled {
            // In this order: nothing missing is started before it is known what was given up.
            self.unrecalled = !(self.recall_crashes().await && self.recall_nodes().await);
        }
        match self.site.store.builds_to_stage().await {
            Ok(builds) => builds.into_iter().for_each(|build| self.begin_build(build)),
            Err(error) => warn!(%error, "builds-unread"),
        }
        self.tidy_when_due();
    }

    fn tidy_when_due(&mut self) {
        let due = |last: Micros| now().since(last) >= TIDY_EVERY;
        if let Some(lease) = self.site.lease()
            && self.tidied.is_none_or(due)
        {
            self.tidied = Some(now());
            self.tasks.spawn(tidy(Arc::clone(&self.site), lease));
        }
    }

    fn begin_build(&mut self, build: String) {
        if self.builds.insert(build.clone()) {
            self.site.queue().join(&build);
            let site = Arc::clone(&self.site);
            self.staging.spawn(async move {
                stage(site, build.clone()).await;
                build
            });
        }
    }

    fn build_over(&mut self, ended: Result<String, tokio::task::JoinError>) {
        match ended {
            Ok(build) => {
                self.builds.remove(&build);
                // An instance takes a small part of the room that a build held.
                self.health.room_appeared(now());
            }
            // Its build is taken up again once the set is rebuilt from the store.
            Err(error) => {
                warn!(%error, "staging-task-failed");
                self.builds.clear();
            }
        }
    }

    fn tell_stats(
        &mut self,
        process: String,
        answer: tokio::sync::oneshot::Sender<Vec<crate::model::InstanceStats>>,
    ) {
        let reports = self.health.instances(&process);
        let expected = reports.iter().filter(|report| is_live(report)).count();
        let site = Arc::clone(&self.site);
        self.tasks.spawn(async move {
            let question = FindInstances {
                process,
                include_stats: true,
                ..FindInstances::default()
            };
            let found = stats::find(&site, &question, expected, STATS_WAIT).await;
            let _told = answer.send(found.into_iter().map(stats::stats).collect());
        });
    }

    /// Shows the API what is known of a process.
    pub(super) fn show(&self, process: &str) {
        self.orders.show(process, self.health.instances(process));
    }

    fn show_all(&self) {
        let processes = self.known.values().flatten();
        let reports = processes.map(|process| (process.clone(), self.health.instances(process)));
        self.orders.show_all(reports.collect());
    }

    pub(super) fn leads(&self) -> bool {
        self.site.lease().is_some()
    }

    async fn renew_lease(&mut self) {
        let (site, asked) = (Arc::clone(&self.site), Instant::now());
        let held = site.lease();
        let renewed: Result<Option<Lease>, StoreError> = match held.clone() {
            Some(lease) => match site.store.renew_lease(&lease, now(), LEASE).await {
                Ok(()) => Ok(Some(lease)),
                Err(StoreError::LeaseLost) => Ok(None),
                Err(error) => Err(error),
            },
            None => {
                let id = &site.settings.id;
                site.store.acquire_lease(LEADER, id, now(), LEASE).await
            }
        };
        match renewed {
            Ok(Some(lease)) => {
                let epoch = lease.epoch;
                site.hold_lease(lease, asked, LEASE);
                if held.is_none() {
                    info!(epoch, "controller-leads");
                    // What the last leader has just started or stopped is not known here.
                    self.health.take_over(now());
                    self.nodes.clear();
                    self.unrecalled = true;
                }
            }
            Ok(None) => site.drop_lease(),
            // It runs out by itself, for us no later than for others.
            Err(error) => warn!(%error, "lease-not-renewed"),
        }
    }

    async fn let_go(&mut self) {
        self.staging.shutdown().await;
        self.tasks.shutdown().await;
        if let Some(lease) = self.site.lease() {
            let released = self.site.store.release_lease(&lease).await;
            info!(released = released.is_ok(), "controller-stopped");
        }
    }
}

/// Whether there is an instance that can be asked for its numbers.
fn is_live(report: &InstanceReport) -> bool {
    let up = matches!(
        report.state,
        InstanceState::Running | InstanceState::Starting
    );
    up && !report.instance.is_empty()
}

/// Waits until the bus is back after a gap.
async fn back(events: &mut BusEvents) {
    loop {
        match events.next().await {
            Some(BusEvent::Reconnected { .. } | BusEvent::Missed { .. }) => return,
            Some(_) => {}
            None => std::future::pending().await,
        }
    }
}

fn clock(period: Duration) -> Interval {
    let mut clock = interval(period);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    clock
}

const EMPTY: Bytes = Bytes::from_static(b"{}");
const FAST: Duration = Duration::from_secs(1);
const SLOW: Duration = Duration::from_secs(3);
const LEASE: Duration = Duration::from_secs(10);
const LEADER: &str = "controller";
const STATS_WAIT: Duration = Duration::from_secs(2);
