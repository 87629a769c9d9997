//! Upstream: sessions with endpoints, begun and taken back.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::buffers::Class;
use crate::config::UpstreamConfig;
use crate::core::{Clock, Deadline, Timer};
use crate::observe::metrics::RequestMetrics;
use crate::route::{Endpoint, EndpointId, Millis};
use crate::wire::h1;

use super::connector::{self, EndpointTls};
use super::error::AttemptError;
use super::idle::Idle;

/// The way to the endpoints, one per core.
#[derive(Debug)]
pub struct Upstream {
    config: UpstreamConfig,
    tls: EndpointTls,
    idle: Idle,
    metrics: Rc<RequestMetrics>,
    clock: Clock,
    // perf: the ages of idle connections are counted in sweeps, so that a request reads no clock
    // for them.
    lately: Cell<Millis>,
}

/// A connection to an endpoint, ready for one request.
#[derive(Debug)]
pub struct Session {
    /// The connection itself.
    // perf: boxed once per connection, so that taking it from the idle ones and putting it back
    // moves a pointer and not the connection.
    pub connection: Box<h1::Connection>,
    /// Whether another request went over it before.
    pub history: History,
    endpoint: EndpointId,
}

/// Whether a connection has been used before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum History {
    /// Just made.
    Fresh,
    /// Taken from the idle ones: the endpoint may be closing it at this moment.
    Reused,
}

/// How sure one must be that an idle connection is still open.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Caution {
    /// What the runtime knows is enough: the request may be repeated.
    Usual,
    /// The kernel is asked: the request must not be sent twice.
    Extra,
}

impl Upstream {
    /// An upstream with no connections. The limits on idle connections are shared between the
    /// cores in equal parts.
    #[must_use]
    pub fn new(
        config: UpstreamConfig,
        tls: EndpointTls,
        cores: usize,
        metrics: Rc<RequestMetrics>,
        clock: Clock,
    ) -> Self {
        Self {
            idle: Idle::new(&config, cores),
            config,
            tls,
            metrics,
            lately: Cell::new(clock.now().millis()),
            clock,
        }
    }

    /// Gives a connection to the endpoint: an idle one where `history` allows it.
    ///
    /// # Errors
    ///
    /// Fails when none can be made before `deadline` or within the configured times.
    pub async fn connect(
        &self,
        endpoint: &Arc<Endpoint>,
        (history, caution): (History, Caution),
        timer: &Timer,
        deadline: Deadline,
    ) -> Result<Session, AttemptError> {
        let idle = match history {
            History::Fresh => None,
            History::Reused => self
                .idle
                .take(endpoint.id(), caution, self.clock.now().millis()),
        };
        if let Some(connection) = idle {
            self.metrics.endpoint_connection_reused();
            return Ok(Session {
                connection,
                history: History::Reused,
                endpoint: endpoint.id(),
            });
        }
        let socket = connector::connect(endpoint, &self.config, &self.tls, timer, deadline).await?;
        self.metrics.endpoint_connection_opened();
        let connection = Box::new(h1::Connection::new(socket, Class::Small));
        Ok(Session {
            connection,
            history: History::Fresh,
            endpoint: endpoint.id(),
        })
    }

    /// Takes a session back after a complete exchange that the endpoint wants to follow with
    /// another. One that is not clean is closed.
    pub fn put_back(&self, session: Session) {
        if !self.config.disable_keep_alives && session.connection.is_clean() {
            self.idle
                .put(session.endpoint, session.connection, self.lately.get());
        }
    }

    /// Closes what has been idle for too long, or was closed by its endpoint; for ever, one task
    /// per core.
    pub async fn sweep(self: Rc<Self>) {
        let mut interval = tokio::time::interval(SWEEP_INTERVAL);
        loop {
            interval.tick().await;
            self.lately.set(self.clock.now().millis());
            self.idle.sweep(self.lately.get());
        }
    }

    /// Idle connections now.
    #[must_use]
    pub fn idle_connections(&self) -> usize {
        self.idle.len()
    }

    /// The limits and times in force.
    #[must_use]
    pub fn config(&self) -> &UpstreamConfig {
        &self.config
    }
}

/// How often idle connections are looked at. A connection that its endpoint has closed is never
/// used whatever this is; it only stays half open so long.
const SWEEP_INTERVAL: Duration = Duration::from_secs(5);
