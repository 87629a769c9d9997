//! The loop: what is due is carried on, by the one that holds the lease.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::{info, warn};

use super::carry::carry;
use super::{ServiceSettings, Services, now};
use crate::model::ServiceOperation;
use crate::store::{Lease, Store, StoreError};

/// What operations are carried out with.
#[derive(Clone, Debug)]
pub struct ServiceParts {
    /// Where they are.
    pub store: Store,
    /// Who announces them.
    pub services: Services,
    /// Who we are among those that carry them out; the same after a restart.
    pub id: String,
}

/// What all operations share.
pub(super) struct Site {
    pub(super) store: Store,
    pub(super) settings: ServiceSettings,
}

/// Carries operations out until `stop` changes.
pub async fn run(parts: ServiceParts, mut stop: watch::Receiver<bool>) {
    let mut desk = Desk::new(&parts);
    let mut clock = interval(parts.services.settings().look_every);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = clock.tick() => desk.look().await,
            () = parts.services.nudged() => desk.look().await,
            Some(ended) = desk.tasks.join_next() => {
                desk.over(ended);
                desk.look().await;
            }
            _ = stop.changed() => break,
        }
    }
    desk.let_go().await;
}

struct Desk {
    site: Arc<Site>,
    id: String,
    held: Option<Held>,
    /// The operations that are being carried on, with the brokers that are asked.
    busy: HashMap<String, String>,
    tasks: JoinSet<String>,
    swept: Option<Instant>,
}

/// The right to carry operations out, and since when others respect it.
struct Held {
    lease: Lease,
    since: Instant,
}

impl Desk {
    fn new(parts: &ServiceParts) -> Self {
        let site = Site {
            store: parts.store.clone(),
            settings: parts.services.settings().clone(),
        };
        Self {
            site: Arc::new(site),
            id: parts.id.clone(),
            held: None,
            busy: HashMap::new(),
            tasks: JoinSet::new(),
            swept: None,
        }
    }

    /// Begins what is due and not begun.
    async fn look(&mut self) {
        let Some(lease) = self.lease().await else {
            return;
        };
        self.sweep(&lease).await;
        let due = self.site.store.due_service_operations(now(), MOST_DUE);
        match due.await {
            Ok(due) => {
                for operation in due {
                    self.begin(operation, lease.clone());
                }
            }
            Err(error) => warn!(%error, "service-operations-unread"),
        }
    }

    fn begin(&mut self, operation: ServiceOperation, lease: Lease) {
        let of_broker = |broker: &&String| **broker == operation.broker_guid;
        let has_room = self.busy.len() < MOST_AT_ONCE
            && self.busy.values().filter(of_broker).count() < MOST_PER_BROKER;
        if !has_room || self.busy.contains_key(&operation.guid) {
            return;
        }
        let guid = operation.guid.clone();
        self.busy
            .insert(guid.clone(), operation.broker_guid.clone());
        let site = Arc::clone(&self.site);
        self.tasks.spawn(async move {
            carry(&site, &lease, operation).await;
            guid
        });
    }

    fn over(&mut self, ended: Result<String, JoinError>) {
        match ended {
            Ok(guid) => {
                self.busy.remove(&guid);
            }
            // Which one it was is not known; what is begun twice is the same request twice.
            Err(error) => {
                warn!(%error, "service-operation-failed");
                self.busy.clear();
            }
        }
    }

    /// The lease, renewed when a third of it has gone.
    async fn lease(&mut self) -> Option<Lease> {
        if let Some(held) = &self.held
            && held.since.elapsed() < LEASE / 3
        {
            return Some(held.lease.clone());
        }
        let asked = Instant::now();
        match self.renew().await {
            Ok(Some(lease)) => {
                if self.held.is_none() {
                    info!(epoch = lease.epoch, "services-lead");
                }
                self.held = Some(Held {
                    lease: lease.clone(),
                    since: asked,
                });
                Some(lease)
            }
            Ok(None) => {
                self.held = None;
                None
            }
            Err(error) => {
                warn!(%error, "services-lease-not-renewed");
                self.held.take_if(|held| held.since.elapsed() >= LEASE);
                self.held.as_ref().map(|held| held.lease.clone())
            }
        }
    }

    async fn renew(&self) -> Result<Option<Lease>, StoreError> {
        let store = &self.site.store;
        match &self.held {
            Some(held) => match store.renew_lease(&held.lease, now(), LEASE).await {
                Ok(()) => Ok(Some(held.lease.clone())),
                Err(StoreError::LeaseLost) => Ok(None),
                Err(error) => Err(error),
            },
            None => store.acquire_lease(LEADER, &self.id, now(), LEASE).await,
        }
    }

    /// Now and then: brokers whose space is gone go when nothing of theirs is left.
    async fn sweep(&mut self, lease: &Lease) {
        if self
            .swept
            .is_some_and(|swept| swept.elapsed() < self.site.settings.mend_every)
        {
            return;
        }
        self.swept = Some(Instant::now());
        if let Err(error) = self.remove_abandoned(lease).await {
            warn!(%error, "brokers-not-swept");
        }
    }

    async fn remove_abandoned(&self, lease: &Lease) -> Result<(), StoreError> {
        let mut tx = self.site.store.begin().await?;
        tx.check_epoch(lease).await?;
        tx.delete_abandoned_brokers().await?;
        tx.commit().await
    }

    async fn let_go(&mut self) {
        self.tasks.shutdown().await;
        if let Some(held) = self.held.take() {
            let released = self.site.store.release_lease(&held.lease).await;
            info!(released = released.is_ok(), "services-stopped");
        }
    }
}

const LEADER: &str = "services";
const LEASE: Duration = Duration::from_secs(10);
const MOST_DUE: u32 = 1000;
const MOST_AT_ONCE: usize = 32;
/// A broker that is slow must not hold up the others.
const MOST_PER_BROKER: usize = 8;
