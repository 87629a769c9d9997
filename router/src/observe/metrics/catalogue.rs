//! Catalogue: every family of numbers, once: its place in the cells, its name, its help.

use crate::config::ObserveConfig;
use crate::core::cells::{HistogramSlots, Layout, Slots};

use super::collector::{Family, Labels, Value};
use super::labels::{ComponentLabels, Direction, RefusalReason, RegistryAction, StatusGroup};
use super::request::PerRequest;

/// Where each number lives in a core's block.
#[derive(Debug)]
pub(super) struct Catalogue {
    pub(super) per_request: PerRequest,

    pub(super) total_requests: Slots,
    pub(super) responses: Slots,
    pub(super) rejected_requests: Slots,
    pub(super) bad_gateways: Slots,
    pub(super) exhausted: Slots,
    pub(super) invalid_id: Slots,
    pub(super) invalid_tls_cert: Slots,
    pub(super) tls_handshake_failed: Slots,
    pub(super) websocket_upgrades: Slots,
    pub(super) websocket_failures: Slots,
    pub(super) empty_content_length: Slots,
    pub(super) route_lookup_time: HistogramSlots,
    pub(super) gorouter_time: HistogramSlots,
    pub(super) latency: HistogramSlots,

    pub(super) registry_message: Slots,
    pub(super) unregistry_message: Slots,
    pub(super) routes_pruned: Slots,
    pub(super) total_routes: Slots,
    pub(super) ms_since_last_update: Slots,
    pub(super) registration_latency: HistogramSlots,
    pub(super) buffered_messages: Slots,
    pub(super) dropped_messages: Slots,

    pub(super) client_connections: Slots,
    pub(super) client_connections_total: Slots,
    pub(super) client_bytes: Slots,
    pub(super) endpoint_connections_opened: Slots,
    pub(super) endpoint_connections_reused: Slots,
    pub(super) retries: Slots,
    pub(super) refused: Slots,
    pub(super) access_log_dropped: Slots,
    pub(super) response_seconds: HistogramSlots,
}

impl Catalogue {
    /// Gives each family its place.
    pub(super) fn reserve(layout: &mut Layout, config: &ObserveConfig) -> Self {
        let components = usize::from(ComponentLabels::LIMIT);
        let meters = &config.meters;
        Self {
            per_request: PerRequest::of(config),
            // The numbers of a usual request first, so that they share few lines.
            responses: layout.numbers(StatusGroup::NAMES.len()),
            client_bytes: layout.numbers(Direction::NAMES.len()),
            endpoint_connections_reused: layout.number(),
            endpoint_connections_opened: layout.number(),
            client_connections: layout.number(),
            client_connections_total: layout.number(),
            rejected_requests: layout.number(),
            bad_gateways: layout.number(),
            exhausted: layout.number(),
            invalid_id: layout.number(),
            invalid_tls_cert: layout.number(),
            tls_handshake_failed: layout.number(),
            websocket_upgrades: layout.number(),
            websocket_failures: layout.number(),
            empty_content_length: layout.number(),
            retries: layout.number(),
            access_log_dropped: layout.number(),
            refused: layout.numbers(RefusalReason::NAMES.len()),
            response_seconds: layout.histogram(&nanoseconds(&response_seconds(), SECOND)),
            route_lookup_time: layout.histogram(&nanoseconds(
                &meters.route_lookup_time_histogram_buckets,
                1.0,
            )),
            gorouter_time: layout.histogram(&nanoseconds(
                &meters.gorouter_time_histogram_buckets,
                SECOND,
            )),
            total_requests: layout.numbers(components),
            latency: layout.histograms(
                &nanoseconds(
                    &meters.routing_response_latency_histogram_buckets,
                    MILLISECOND,
                ),
                components,
            ),
            registry_message: layout.numbers(components * RegistryAction::NAMES.len()),
            unregistry_message: layout.numbers(components),
            routes_pruned: layout.number(),
            total_routes: layout.number(),
            ms_since_last_update: layout.number(),
            registration_latency: layout.histogram(&nanoseconds(
                &meters.route_registration_latency_histogram_buckets,
                MILLISECOND,
            )),
            buffered_messages: layout.number(),
            dropped_messages: layout.number(),
        }
    }

    /// Every family that is exposed.
    pub(super) fn families(&self) -> Vec<Family> {
        let mut families = self.request_families();
        families.extend(self.registry_families());
        families.extend(self.own_families());
        if self.per_request == PerRequest::Report {
            families.extend(self.timed_families());
        }
        families
    }

    /// gorouter's numbers about requests.
    fn request_families(&self) -> Vec<Family> {
        vec![
            counter(
                "total_requests",
                "Attempts at an endpoint",
                self.total_requests,
            )
            .by(Labels::Component),
            counter(
                "responses",
                "Answered requests that had an endpoint",
                self.responses,
            )
            .by(Labels::Fixed("status_group", &StatusGroup::NAMES)),
            counter(
                "rejected_requests",
                "Requests refused before any endpoint was asked",
                self.rejected_requests,
            ),
            counter(
                "bad_gateways",
                "Requests that failed at their endpoints",
                self.bad_gateways,
            ),
            counter(
                "backend_exhausted_conns",
                "Requests whose endpoints were all at their connection limit",
                self.exhausted,
            ),
            counter(
                "backend_invalid_id",
                "Attempts whose endpoint proved another identity",
                self.invalid_id,
            ),
            counter(
                "backend_invalid_tls_cert",
                "Attempts whose endpoint had an invalid certificate",
                self.invalid_tls_cert,
            ),
            counter(
                "backend_tls_handshake_failed",
                "Attempts whose TLS handshake failed",
                self.tls_handshake_failed,
            ),
            counter(
                "websocket_upgrades",
                "WebSocket tunnels opened",
                self.websocket_upgrades,
            ),
            counter(
                "websocket_failures",
                "WebSocket tunnels that did not open",
                self.websocket_failures,
            ),
            counter(
                "empty_content_length_header",
                "Requests with an empty Content-Length header",
                self.empty_content_length,
            ),
        ]
    }

    /// gorouter's distributions, which cost a look at the clock per request.
    fn timed_families(&self) -> Vec<Family> {
        vec![
            histogram(
                "route_lookup_time",
                "Route lookup, nanoseconds",
                &self.route_lookup_time,
                1.0,
            ),
            histogram(
                "gorouter_time",
                "Time within the router, seconds",
                &self.gorouter_time,
                SECOND,
            ),
            histogram(
                "latency",
                "Whole exchange, milliseconds",
                &self.latency,
                MILLISECOND,
            )
            .by(Labels::Component),
        ]
    }

    /// gorouter's numbers about the route table.
    fn registry_families(&self) -> Vec<Family> {
        let registration = &self.registration_latency;
        vec![
            counter(
                "registry_message",
                "Routes registered, by outcome",
                self.registry_message,
            )
            .by(Labels::ComponentAndAction),
            counter(
                "unregistry_message",
                "Routes unregistered",
                self.unregistry_message,
            )
            .by(Labels::Component),
            counter(
                "routes_pruned",
                "Endpoints pruned because stale",
                self.routes_pruned,
            ),
            gauge("total_routes", "Routes in the table", self.total_routes),
            gauge(
                "ms_since_last_registry_update",
                "Age of the table, milliseconds",
                self.ms_since_last_update,
            ),
            gauge(
                "buffered_messages",
                "Bus messages that wait for us",
                self.buffered_messages,
            ),
            gauge(
                "total_dropped_messages",
                "Bus messages lost",
                self.dropped_messages,
            ),
            histogram(
                "route_registration_latency",
                "From an endpoint's start to its registration, milliseconds",
                registration,
                MILLISECOND,
            ),
        ]
    }

    /// Numbers that gorouter does not have, in base units.
    fn own_families(&self) -> Vec<Family> {
        vec![
            gauge(
                "switchyard_client_connections",
                "Connections of clients that are open",
                self.client_connections,
            ),
            counter(
                "switchyard_client_connections_total",
                "Connections of clients accepted",
                self.client_connections_total,
            ),
            counter(
                "switchyard_client_bytes_total",
                "Bytes of bodies",
                self.client_bytes,
            )
            .by(Labels::Fixed("direction", &Direction::NAMES)),
            counter(
                "switchyard_endpoint_connections_opened_total",
                "Connections opened to endpoints",
                self.endpoint_connections_opened,
            ),
            counter(
                "switchyard_endpoint_connections_reused_total",
                "Attempts on an idle connection",
                self.endpoint_connections_reused,
            ),
            counter(
                "switchyard_retries_total",
                "Attempts after a failed one",
                self.retries,
            ),
            counter(
                "switchyard_requests_refused_total",
                "Requests refused because their bytes were no clear message",
                self.refused,
            )
            .by(Labels::Fixed("reason", &RefusalReason::NAMES)),
            counter(
                "switchyard_access_log_dropped_total",
                "Access-log lines dropped because the ring was full",
                self.access_log_dropped,
            ),
            histogram(
                "switchyard_response_seconds",
                "Whole exchange of requests that had an endpoint",
                &self.response_seconds,
                SECOND,
            ),
        ]
    }
}

fn counter(name: &'static str, help: &'static str, slots: Slots) -> Family {
    Family::new(name, help, Value::Counter(slots))
}

fn gauge(name: &'static str, help: &'static str, slots: Slots) -> Family {
    Family::new(name, help, Value::Gauge(slots))
}

fn histogram(name: &'static str, help: &'static str, slots: &HistogramSlots, unit: f64) -> Family {
    Family::new(
        name,
        help,
        Value::Histogram {
            slots: slots.clone(),
            unit,
        },
    )
}

/// Bounds in nanoseconds, ascending, from bounds in a unit of so many nanoseconds.
fn nanoseconds(bounds: &[f64], unit: f64) -> Vec<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, and a bound below zero means zero"
    )]
    let mut bounds: Vec<u64> = bounds
        .iter()
        .map(|bound| (bound * unit).round() as u64)
        .collect();
    bounds.sort_unstable();
    bounds.dedup();
    bounds
}

/// Ten bounds per decade from 50 µs to 60 s: p50 and p99 within an eighth of their value.
fn response_seconds() -> Vec<f64> {
    let steps = [1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0];
    let decades = [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0];
    let bounds = decades
        .iter()
        .flat_map(|decade| steps.map(|step| decade * step));
    bounds
        .filter(|bound| (4.9e-5..60.1).contains(bound))
        .collect()
}

const SECOND: f64 = 1e9;
const MILLISECOND: f64 = 1e6;
