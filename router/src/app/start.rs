//! The morning: everything is built and started in order.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use super::control::{self, Control};
use super::error::StartError;
use super::parts::{self, Doors};
use super::running::{Addresses, Running, Serving};
use super::workers::{self, Share, Shared};
use crate::admin::{self, AdminListeners, AdminState};
use crate::config::Config;
use crate::core::Clock;
use crate::core::accept::Balance;
use crate::listen::{FrontTls, Stage};
use crate::observe::access_log::{AccessLog, LogProducer};
use crate::observe::events::EventCounts;
use crate::observe::health::Health;
use crate::observe::metrics::Metrics;
use crate::observe::zone::Zone;
use crate::registry::Registry;
use crate::registry::source::nats::{router_id, start_message};
use crate::route::RouteTable;
use crate::upstream::EndpointTls;

/// Starts a router and returns once its traffic ports are open.
///
/// # Errors
///
/// Fails when a port, a file, a certificate or the bus is not to be had; whatever was started by
/// then is stopped.
pub fn start(config: Config) -> Result<Running, StartError> {
    start_counted(config, Arc::default())
}

/// The same, for a process that counts its events.
pub(super) fn start_counted(
    config: Config,
    event_counts: Arc<EventCounts>,
) -> Result<Running, StartError> {
    let ground = Ground::lay(&config)?;
    let listeners = admin::bind(&config.admin, &config.listen)?;
    let mut addresses = Addresses::of(&listeners);
    let (mut running, table) = ground.learn_routes(&config, listeners, event_counts)?;
    thread::sleep(config.registry.start_response_delay_interval);
    let doors = Doors::open(&config)?;
    (addresses.http, addresses.https) = (doors.http, doors.https);
    let health = Arc::clone(&ground.health);
    running.serve(ground.serve(config, table, doors)?, addresses);
    health.warmed_up();
    tracing::info!("gorouter.started");
    Ok(running)
}

/// What must be there before anything runs.
struct Ground {
    clock: Clock,
    health: Arc<Health>,
    metrics: Arc<Metrics>,
    front_tls: Option<FrontTls>,
    endpoint_tls: EndpointTls,
    log: Option<AccessLog>,
    producers: Vec<LogProducer>,
}

impl Ground {
    fn lay(config: &Config) -> Result<Self, StartError> {
        let metrics = Metrics::new(config.listen.workers.get(), &config.observe)?;
        let (log, producers) = parts::access_log(config, &metrics)?;
        Ok(Self {
            clock: Clock::start(),
            health: Arc::new(Health::new()),
            metrics: Arc::new(metrics),
            front_tls: parts::front_tls(config)?,
            endpoint_tls: EndpointTls::new(&config.upstream)?,
            log,
            producers,
        })
    }

    /// Starts the control thread and waits until announcements can be heard.
    fn learn_routes(
        &self,
        config: &Config,
        listeners: AdminListeners,
        event_counts: Arc<EventCounts>,
    ) -> Result<(Running, Arc<RouteTable>), StartError> {
        let registry = Registry::new(
            &config.registry,
            self.metrics.registry_metrics(),
            self.metrics.components(),
        );
        let table = registry.table();
        let uuid: Arc<str> = router_id(config.registry.index).into();
        let control = Control {
            listeners,
            registry,
            config: config.registry.clone(),
            start: start_message(&config.registry, uuid.to_string()),
            bus: parts::bus_options(config),
            clock: self.clock,
            state: AdminState {
                health: Arc::clone(&self.health),
                metrics: Arc::clone(&self.metrics),
                table: Arc::clone(&table),
                event_counts,
                index: config.registry.index,
                uuid,
                started_at: SystemTime::now(),
            },
        };
        let (over, over_watch) = watch::channel(false);
        let (ready, readiness) = mpsc::sync_channel(1);
        let control = control::spawn(control, ready, over_watch)?;
        let running = Running::new(
            over,
            control,
            (Arc::clone(&self.health), self.clock),
            &config.drain,
        );
        readiness.recv().map_err(|_gone| StartError::Silence)??;
        Ok((running, table))
    }

    /// Starts the workers.
    fn serve(
        self,
        config: Config,
        table: Arc<RouteTable>,
        doors: Doors,
    ) -> Result<Serving, StartError> {
        let (balance, inboxes) = Balance::new(config.listen.workers.get());
        let balance = Arc::new(balance);
        let mut producers = self.producers.into_iter();
        let shares = doors.sets.into_iter().zip(inboxes);
        let shares = shares
            .map(|(listeners, inbox)| Share {
                listeners,
                inbox,
                log: producers.next(),
            })
            .collect();
        let (order, drain) = watch::channel(Stage::default());
        let shared = Shared {
            settings: Arc::new(parts::settings(&config)),
            table,
            health: self.health,
            metrics: self.metrics,
            balance: Arc::clone(&balance),
            front_tls: self.front_tls,
            endpoint_tls: self.endpoint_tls,
            drain,
            clock: self.clock,
            zone: Zone::local(),
            config,
        };
        Ok(Serving {
            workers: workers::spawn(shared, shares)?,
            order,
            balance,
            log: self.log,
        })
    }
}

/// How often something that has no event of its own is looked at.
pub(super) const GLANCE: Duration = Duration::from_millis(5);
