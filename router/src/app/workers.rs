//! The workers: what each core is given, and what it builds of it.

use std::net::TcpListener;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, watch};

use crate::config::{Config, CorePinning, UpstreamConfig};
use crate::core::accept::{Arrival, Balance};
use crate::core::worker::{self, Pinning};
use crate::core::{Clock, Wheel};
use crate::listen::{self, DrainWatch, FrontTls, Gate, Gates, Hall, Stage};
use crate::observe::Observer;
use crate::observe::access_log::{CoreLog, LogProducer};
use crate::observe::health::Health;
use crate::observe::metrics::Metrics;
use crate::observe::zone::Zone;
use crate::proxy::{Proxy, SharedSettings};
use crate::route::RouteTable;
use crate::upstream::{EndpointTls, Upstream};

/// What all cores share.
pub(super) struct Shared {
    pub(super) config: Config,
    pub(super) table: Arc<RouteTable>,
    pub(super) health: Arc<Health>,
    pub(super) settings: Arc<SharedSettings>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) balance: Arc<Balance<Gate>>,
    pub(super) front_tls: Option<FrontTls>,
    pub(super) endpoint_tls: EndpointTls,
    pub(super) drain: watch::Receiver<Stage>,
    pub(super) clock: Clock,
    pub(super) zone: Zone,
}

/// What one core alone is given.
pub(super) struct Share {
    pub(super) listeners: Vec<(Gate, TcpListener)>,
    pub(super) inbox: mpsc::Receiver<Arrival<Gate>>,
    pub(super) log: Option<LogProducer>,
}

/// Starts the workers.
pub(super) fn spawn(shared: Shared, shares: Vec<Share>) -> std::io::Result<Vec<JoinHandle<()>>> {
    let count = shares.len();
    let pinning = match shared.config.listen.pin_workers {
        CorePinning::Floating => Pinning::Floating,
        CorePinning::Pinned => Pinning::Pinned,
    };
    let shared = Arc::new(shared);
    let shares: Vec<_> = shares.into_iter().map(Some).collect();
    let shares = Arc::new(Mutex::new(shares));
    worker::spawn(count, pinning, move |core| {
        let shared = Arc::clone(&shared);
        let share = shares
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_mut(core)
            .and_then(Option::take);
        async move {
            if let Some(share) = share {
                run(core, &shared, share).await;
            }
        }
    })
}

async fn run(core: usize, shared: &Shared, share: Share) {
    let config = &shared.config;
    let metrics = Rc::new(shared.metrics.worker(core));
    let cores = config.listen.workers.get();
    let upstream = Rc::new(Upstream::new(
        UpstreamConfig::clone(&config.upstream),
        shared.endpoint_tls.clone(),
        cores,
        Rc::clone(&metrics),
        shared.clock,
    ));
    let log = share
        .log
        .map(|producer| CoreLog::new(&config.observe, shared.zone, producer));
    let observer = Observer::new(
        metrics,
        log,
        config.observe.extra_headers_to_log.clone(),
        shared.clock,
    );
    let parts = (
        Arc::clone(&shared.table),
        Arc::clone(&shared.health),
        Arc::clone(&shared.settings),
    );
    let proxy = Rc::new(Proxy::new(parts, Rc::clone(&upstream), observer));
    let wheel = Wheel::new();
    let drain = DrainWatch::new(shared.drain.clone());
    tokio::task::spawn_local(Rc::clone(&wheel).turn());
    tokio::task::spawn_local(upstream.sweep());
    tokio::task::spawn_local(drain.clone().run(Rc::clone(&wheel)));
    let hall = Rc::new(Hall::new(
        proxy,
        wheel,
        drain,
        shared.front_tls.clone(),
        &config.listen,
    ));
    let gates = Gates {
        core,
        listeners: share.listeners,
        balance: Arc::clone(&shared.balance),
        inbox: share.inbox,
    };
    listen::serve(hall, gates).await;
}
