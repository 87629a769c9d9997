//! What all drivers of the controller share: the bus, the store, the nodes, and the lease.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bus::Bus;
use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::warn;

use super::queue::Queue;
use crate::blobs::{Blobs, Signer, Verb};
use crate::health::HealthSettings;
use crate::model::Micros;
use crate::placement::Pool;
use crate::store::{Lease, Store};
use crate::wire::{LogBatch, LogRecord, LogStream, Wire, subject};

/// What a controller is made of.
#[derive(Clone, Debug)]
pub struct ControllerParts {
    /// Its seat on the bus.
    pub bus: Bus,
    /// Desired state.
    pub store: Store,
    /// Packages and droplets.
    pub blobs: Blobs,
    /// Signs the addresses that agents fetch from.
    pub signer: Signer,
    /// Names and addresses.
    pub settings: ControllerSettings,
}

/// Names and addresses of a controller.
#[derive(Clone, Debug)]
pub struct ControllerSettings {
    /// Who it is among the controllers; the same after a restart.
    pub id: String,
    /// Where clients find the API, as applications are told.
    pub api_url: String,
    /// Where agents fetch and store files, as in `http://127.0.0.1:8080`.
    pub internal_url: String,
    /// How long a stager may take to make a container ready before another one is tried.
    pub stager_patience: Duration,
    /// How long things are waited for, and how often they are tried.
    pub health: HealthSettings,
}

/// What all drivers share.
pub(super) struct Site {
    pub(super) bus: Bus,
    pub(super) store: Store,
    pub(super) blobs: Blobs,
    pub(super) settings: ControllerSettings,
    signer: Signer,
    pool: Arc<Mutex<Pool>>,
    queue: Mutex<Queue>,
    lease: Mutex<Option<Held>>,
    /// Whoever waits for a stager should look again.
    pub(super) stagers_changed: Notify,
}

/// A lease, and until when others respect it.
struct Held {
    lease: Lease,
    until: Instant,
}

impl Site {
    pub(super) fn new(parts: ControllerParts) -> Self {
        Self {
            bus: parts.bus,
            store: parts.store,
            blobs: parts.blobs,
            settings: parts.settings,
            signer: parts.signer,
            pool: Arc::default(),
            queue: Mutex::default(),
            lease: Mutex::new(None),
            stagers_changed: Notify::new(),
        }
    }

    /// The nodes; let go of before anything is waited for.
    pub(super) fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The nodes, for those who only look.
    pub(super) fn shared_pool(&self) -> Arc<Mutex<Pool>> {
        Arc::clone(&self.pool)
    }

    /// The builds that wait; let go of before anything is waited for.
    pub(super) fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The right to act for all controllers, if this one has it and others still respect it.
    pub(super) fn lease(&self) -> Option<Lease> {
        let held = self.lease.lock().unwrap_or_else(PoisonError::into_inner);
        let held = held.as_ref().filter(|held| Instant::now() < held.until);
        held.map(|held| held.lease.clone())
    }

    /// Notes that a lease was acquired or renewed by a request that was made at `asked`.
    pub(super) fn hold_lease(&self, lease: Lease, asked: Instant, length: Duration) {
        let until = asked + length;
        let held = Some(Held { lease, until });
        *self.lease.lock().unwrap_or_else(PoisonError::into_inner) = held;
    }

    /// Notes that another controller has the lease.
    pub(super) fn drop_lease(&self) {
        *self.lease.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// A signed address at which an agent may do one thing with one file.
    pub(super) fn signed(&self, verb: Verb, path: &str, lifetime: Duration) -> String {
        let base = self.settings.internal_url.trim_end_matches('/');
        let path = self.signer.sign(verb, path, now(), lifetime);
        format!("{base}{path}")
    }

    /// Says a message on the bus. One that is lost is said again by a later round.
    pub(super) async fn say(&self, subject: &str, message: &impl Wire) {
        if let Err(error) = self.bus.publish(subject, message.encode().into()).await {
            warn!(%error, subject, "bus-message-lost");
        }
    }

    /// Puts a line of the platform into an application's log, on every controller.
    pub(super) async fn log(&self, app: &str, source_type: &str, text: &str) {
        let record = LogRecord {
            time_ns: now().0.saturating_mul(1000),
            source_type: source_type.to_owned(),
            instance: "0".to_owned(),
            stream: LogStream::Out,
            text: text.to_owned(),
        };
        let batch = LogBatch {
            app: app.to_owned(),
            records: vec![record],
            lost: 0,
        };
        self.say(&subject::logs(app), &batch).await;
    }
}

/// The clock of this machine.
pub(super) fn now() -> Micros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Micros::default().after(since.unwrap_or_default())
}

/// A random version 4 UUID.
pub(super) fn random_guid() -> String {
    uuid::Builder::from_random_bytes(rand::random())
        .into_uuid()
        .to_string()
}
