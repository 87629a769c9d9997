//! A running router, and the evening: how it stops.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::start::GLANCE;
use crate::admin::AdminListeners;
use crate::config::DrainConfig;
use crate::core::Clock;
use crate::core::accept::Balance;
use crate::listen::{DrainOrder, Gate, Stage};
use crate::observe::access_log::AccessLog;
use crate::observe::health::Health;

/// Where a router can be reached.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Addresses {
    pub(super) http: Option<SocketAddr>,
    pub(super) https: Option<SocketAddr>,
    status: Option<SocketAddr>,
    routes: Option<SocketAddr>,
    prometheus: Option<SocketAddr>,
}

impl Addresses {
    pub(super) fn of(listeners: &AdminListeners) -> Self {
        Self {
            status: listeners.status(),
            routes: listeners.routes(),
            prometheus: listeners.prometheus(),
            ..Self::default()
        }
    }
}

/// A router at work. Dropping it stops it at once.
pub struct Running {
    addresses: Addresses,
    health: Arc<Health>,
    clock: Clock,
    drain: DrainConfig,
    control: Option<JoinHandle<()>>,
    over: watch::Sender<bool>,
    serving: Option<Serving>,
}

/// What there is once the traffic ports are open.
pub(super) struct Serving {
    pub(super) workers: Vec<JoinHandle<()>>,
    pub(super) order: DrainOrder,
    pub(super) balance: Arc<Balance<Gate>>,
    pub(super) log: Option<AccessLog>,
}

/// How long SIGTERM lets exchanges finish: the process is gone by 4 s.
const TERM_LIMIT: Duration = Duration::from_millis(3500);

impl Running {
    pub(super) fn new(
        over: watch::Sender<bool>,
        control: JoinHandle<()>,
        (health, clock): (Arc<Health>, Clock),
        drain: &DrainConfig,
    ) -> Self {
        Self {
            addresses: Addresses::default(),
            health,
            clock,
            drain: drain.clone(),
            control: Some(control),
            over,
            serving: None,
        }
    }

    pub(super) fn serve(&mut self, serving: Serving, addresses: Addresses) {
        self.addresses = addresses;
        self.serving = Some(serving);
    }

    /// Where HTTP is served.
    #[must_use]
    pub fn http(&self) -> Option<SocketAddr> {
        self.addresses.http
    }

    /// Where HTTPS is served.
    #[must_use]
    pub fn https(&self) -> Option<SocketAddr> {
        self.addresses.https
    }

    /// Where `/health` is.
    #[must_use]
    pub fn status(&self) -> Option<SocketAddr> {
        self.addresses.status
    }

    /// Where `/routes` is.
    #[must_use]
    pub fn routes(&self) -> Option<SocketAddr> {
        self.addresses.routes
    }

    /// Where `/metrics` is.
    #[must_use]
    pub fn prometheus(&self) -> Option<SocketAddr> {
        self.addresses.prometheus
    }

    /// Tells the access log to open its file anew, after a rotation.
    pub fn reopen_access_log(&self) {
        if let Some(log) = self
            .serving
            .as_ref()
            .and_then(|serving| serving.log.as_ref())
        {
            log.reopen();
        }
    }

    /// Drains: unhealthy at once, stop accepting after `drain_wait`, and wait for what is under
    /// way for at most `drain_timeout` (SIGUSR1, gorouter 8.5).
    pub fn drain(mut self) {
        tracing::info!(
            wait_seconds = self.drain.drain_wait.as_secs(),
            timeout_seconds = self.drain.drain_timeout.as_secs(),
            "gorouter-draining"
        );
        self.health.degrade();
        thread::sleep(self.drain.drain_wait);
        let timeout = self.drain.drain_timeout;
        self.finish(timeout);
    }

    /// Stops: no new connections, what is under way may finish, gone by 4 s (SIGTERM, SIGINT).
    pub fn stop(mut self) {
        self.health.degrade();
        self.finish(TERM_LIMIT);
    }

    fn finish(&mut self, limit: Duration) {
        tracing::info!("gorouter.stopping");
        if let Some(serving) = self.serving.take() {
            serving.finish(limit);
        }
        self.over.send_replace(true);
        if let Some(control) = self.control.take() {
            // A panic there was an event already.
            let _panicked = control.join();
        }
        tracing::info!(uptime_ms = self.clock.now().millis().0, "gorouter.stopped");
    }
}

impl Serving {
    fn finish(self, limit: Duration) {
        self.order.send_replace(Stage::Draining);
        let deadline = Instant::now() + limit;
        while self.balance.total() > 0 && Instant::now() < deadline {
            thread::sleep(GLANCE);
        }
        let cut = self.balance.total();
        if cut > 0 {
            tracing::warn!(connections = cut, "router.drain.timed-out");
        }
        self.order.send_replace(Stage::Over);
        for worker in self.workers {
            let _panicked = worker.join();
        }
        if let Some(log) = self.log {
            let left = log.close();
            if left.0 > 0 {
                tracing::warn!(bytes = left.0, "access-log-unwritten");
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.control.is_some() {
            self.health.degrade();
            self.finish(Duration::ZERO);
        }
    }
}
