//! Request metrics: what a worker counts while exchanges pass.

use std::time::Duration;

use crate::config::ObserveConfig;
use crate::core::cells::{CoreCells, CoreCounter, CoreCounters, CoreGauge, CoreHistogram};

use super::catalogue::Catalogue;
use super::labels::{Direction, RefusalReason, StatusGroup};

/// What one worker counts. Each method is a few nanoseconds: no lock, no hash, no allocation.
#[derive(Debug)]
pub struct RequestMetrics {
    total_requests: CoreCounters,
    responses: CoreCounters,
    rejected_requests: CoreCounter,
    bad_gateways: CoreCounter,
    exhausted: CoreCounter,
    invalid_id: CoreCounter,
    invalid_tls_cert: CoreCounter,
    tls_handshake_failed: CoreCounter,
    websocket_upgrades: CoreCounter,
    websocket_failures: CoreCounter,
    empty_content_length: CoreCounter,
    timed: Option<Timed>,

    client_connections: CoreGauge,
    client_connections_total: CoreCounter,
    client_bytes: CoreCounters,
    endpoint_connections_opened: CoreCounter,
    endpoint_connections_reused: CoreCounter,
    retries: CoreCounter,
    refused: CoreCounters,
    response_seconds: CoreHistogram,
}

/// Distributions that `per_request_metrics_reporting` asks for.
#[derive(Debug)]
struct Timed {
    route_lookup_time: CoreHistogram,
    gorouter_time: CoreHistogram,
    latency: CoreHistogram,
}

impl RequestMetrics {
    pub(super) fn new(catalogue: &Catalogue, core: &CoreCells) -> Self {
        let timed = || Timed {
            route_lookup_time: core.histogram(&catalogue.route_lookup_time),
            gorouter_time: core.histogram(&catalogue.gorouter_time),
            latency: core.histogram(&catalogue.latency),
        };
        Self {
            total_requests: core.counters(catalogue.total_requests),
            responses: core.counters(catalogue.responses),
            rejected_requests: core.counter(catalogue.rejected_requests),
            bad_gateways: core.counter(catalogue.bad_gateways),
            exhausted: core.counter(catalogue.exhausted),
            invalid_id: core.counter(catalogue.invalid_id),
            invalid_tls_cert: core.counter(catalogue.invalid_tls_cert),
            tls_handshake_failed: core.counter(catalogue.tls_handshake_failed),
            websocket_upgrades: core.counter(catalogue.websocket_upgrades),
            websocket_failures: core.counter(catalogue.websocket_failures),
            empty_content_length: core.counter(catalogue.empty_content_length),
            timed: (catalogue.per_request == PerRequest::Report).then(timed),
            client_connections: core.gauge(catalogue.client_connections),
            client_connections_total: core.counter(catalogue.client_connections_total),
            client_bytes: core.counters(catalogue.client_bytes),
            endpoint_connections_opened: core.counter(catalogue.endpoint_connections_opened),
            endpoint_connections_reused: core.counter(catalogue.endpoint_connections_reused),
            retries: core.counter(catalogue.retries),
            refused: core.counters(catalogue.refused),
            response_seconds: core.histogram(&catalogue.response_seconds),
        }
    }
}

/// gorouter's numbers (gorouter 10.1).
impl RequestMetrics {
    /// Whether [`Self::lookup_time`] and [`Self::gorouter_time`] want a look at the clock.
    #[inline]
    #[must_use]
    pub fn per_request(&self) -> PerRequest {
        if self.timed.is_some() {
            PerRequest::Report
        } else {
            PerRequest::Skip
        }
    }

    /// `total_requests`: an attempt at an endpoint of this component begins.
    #[inline]
    pub fn attempt(&self, component: u16) {
        self.total_requests.increment(component.into());
    }

    /// `responses`, `latency` and `switchyard_response_seconds`: an exchange that had an endpoint
    /// has ended; `latency` counts from the request's arrival to the answer's last byte.
    #[inline]
    pub fn responded(&self, status: u16, component: u16, latency: Duration) {
        self.responses.increment(StatusGroup::of(status) as usize);
        let latency = nanoseconds(latency);
        self.response_seconds.observe(latency);
        if let Some(timed) = &self.timed {
            timed.latency.observe_labelled(component.into(), latency);
        }
    }

    /// `rejected_requests`: a 400 or 404 of the lookup.
    #[inline]
    pub fn rejected(&self) {
        self.rejected_requests.increment();
    }

    /// `bad_gateways`: a plain 502.
    #[inline]
    pub fn bad_gateway(&self) {
        self.bad_gateways.increment();
    }

    /// `backend_exhausted_conns`: a 503 because all endpoints were at their limit.
    #[inline]
    pub fn exhausted(&self) {
        self.exhausted.increment();
    }

    /// `backend_invalid_id`: an endpoint proved another identity.
    #[inline]
    pub fn invalid_id(&self) {
        self.invalid_id.increment();
    }

    /// `backend_invalid_tls_cert`: a 526.
    #[inline]
    pub fn invalid_tls_cert(&self) {
        self.invalid_tls_cert.increment();
    }

    /// `backend_tls_handshake_failed`: a 525.
    #[inline]
    pub fn tls_handshake_failed(&self) {
        self.tls_handshake_failed.increment();
    }

    /// `websocket_upgrades`: a WebSocket tunnel opened.
    #[inline]
    pub fn websocket_upgrade(&self) {
        self.websocket_upgrades.increment();
    }

    /// `websocket_failures`: a WebSocket tunnel did not open.
    #[inline]
    pub fn websocket_failure(&self) {
        self.websocket_failures.increment();
    }

    /// `empty_content_length_header`: a request had an empty Content-Length header.
    #[inline]
    pub fn empty_content_length(&self) {
        self.empty_content_length.increment();
    }

    /// `route_lookup_time`, when asked for: time spent in finding a pool.
    #[inline]
    pub fn lookup_time(&self, nanoseconds: u64) {
        if let Some(timed) = &self.timed {
            timed.route_lookup_time.observe(nanoseconds);
        }
    }

    /// `gorouter_time`, when asked for: the exchange without the time at the endpoint.
    #[inline]
    pub fn gorouter_time(&self, time: Duration) {
        if let Some(timed) = &self.timed {
            timed.gorouter_time.observe(nanoseconds(time));
        }
    }
}

/// Our own numbers.
impl RequestMetrics {
    /// `switchyard_client_connections` and its total: a client's connection was accepted.
    #[inline]
    pub fn client_connected(&self) {
        self.client_connections.increment();
        self.client_connections_total.increment();
    }

    /// `switchyard_client_connections`: a client's connection is gone.
    #[inline]
    pub fn client_gone(&self) {
        self.client_connections.decrement();
    }

    /// `switchyard_client_bytes_total`: bytes of a client's body went this way.
    #[inline]
    pub fn client_bytes(&self, direction: Direction, bytes: u64) {
        self.client_bytes.add(direction as usize, bytes);
    }

    /// `switchyard_endpoint_connections_opened_total`: a connection to an endpoint was opened.
    #[inline]
    pub fn endpoint_connection_opened(&self) {
        self.endpoint_connections_opened.increment();
    }

    /// `switchyard_endpoint_connections_reused_total`: an attempt took an idle connection.
    #[inline]
    pub fn endpoint_connection_reused(&self) {
        self.endpoint_connections_reused.increment();
    }

    /// `switchyard_retries_total`: an attempt follows a failed one.
    #[inline]
    pub fn retried(&self) {
        self.retries.increment();
    }

    /// `switchyard_requests_refused_total`: a wire refused bytes that were no clear message.
    #[inline]
    pub fn refused(&self, reason: RefusalReason) {
        self.refused.increment(reason as usize);
    }
}

/// Whether numbers that need a clock per request are kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PerRequest {
    /// They are.
    Report,
    /// They are not, and their families do not appear.
    Skip,
}

impl PerRequest {
    pub(super) fn of(config: &ObserveConfig) -> Self {
        if config.per_request_metrics_reporting {
            Self::Report
        } else {
            Self::Skip
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
