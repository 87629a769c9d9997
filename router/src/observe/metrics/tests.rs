//! What the scrape shows.

use crate::config::ObserveConfig;
use std::time::Duration;

use super::*;

/// Touches every number once.
fn touched(config: &ObserveConfig) -> Metrics {
    let metrics = Metrics::new(2, config).unwrap();
    let uaa = metrics.components().resolve("uaa");
    let worker = metrics.worker(0);
    worker.attempt(uaa);
    worker.attempt(0);
    worker.responded(200, uaa, Duration::from_millis(3));
    worker.lookup_time(12_000);
    worker.gorouter_time(Duration::from_micros(40));
    let registry = metrics.registry_metrics();
    registry.registered(uaa, RegistryAction::Updated);
    registry.unregistered(uaa);
    registry.registration_latency(Duration::from_micros(700));
    metrics
}

fn scrape(metrics: &Metrics) -> String {
    let mut out = Vec::new();
    metrics.render(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The value of one series, by its full name.
fn value(scrape: &str, series: &str) -> f64 {
    let line = scrape
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in\n{scrape}"))
        .parse()
        .unwrap()
}

#[test]
fn names_types_help_and_labels_are_those_of_the_golden_file() {
    let scrape = scrape(&touched(&ObserveConfig::default()));
    let shape = scrape.lines().map(|line| match line.rsplit_once(' ') {
        Some((series, _value)) if !line.starts_with('#') => series,
        _ => line,
    });
    let shape: Vec<&str> = shape.collect();
    let golden = include_str!("../fixtures/metrics.txt");
    assert_eq!(
        shape.join("\n"),
        golden.trim_end(),
        "update fixtures/metrics.txt by hand"
    );
}

#[test]
fn without_per_request_reporting_the_timed_families_are_absent() {
    let config = ObserveConfig {
        per_request_metrics_reporting: false,
        ..ObserveConfig::default()
    };
    let metrics = touched(&config);
    let scrape = scrape(&metrics);
    for family in ["route_lookup_time", "gorouter_time", "\nlatency"] {
        assert!(!scrape.contains(family), "{family}");
    }
    assert!(scrape.contains("switchyard_response_seconds_count 1"));
    assert_eq!(metrics.worker(0).per_request(), PerRequest::Skip);
}

#[test]
fn workers_add_up() {
    let metrics = Metrics::new(3, &ObserveConfig::default()).unwrap();
    for n in 0..3 {
        let worker = metrics.worker(n);
        worker.responded(503, 0, Duration::from_millis(1));
        worker.client_connected();
        worker.client_bytes(Direction::Sent, 1_000);
    }
    metrics.worker(1).client_gone();
    let scrape = scrape(&metrics);
    assert_eq!(value(&scrape, "responses{status_group=\"5xx\"}"), 3.0);
    assert_eq!(value(&scrape, "switchyard_client_connections"), 2.0);
    assert_eq!(value(&scrape, "switchyard_client_connections_total"), 3.0);
    assert_eq!(
        value(&scrape, "switchyard_client_bytes_total{direction=\"sent\"}"),
        3_000.0
    );
}

#[test]
fn each_touch_counts_in_its_own_family() {
    let metrics = Metrics::new(1, &ObserveConfig::default()).unwrap();
    let (worker, registry) = (metrics.worker(0), metrics.registry_metrics());
    let touches: [(&str, &dyn Fn()); 18] = [
        ("rejected_requests", &|| worker.rejected()),
        ("bad_gateways", &|| worker.bad_gateway()),
        ("backend_exhausted_conns", &|| worker.exhausted()),
        ("backend_invalid_id", &|| worker.invalid_id()),
        ("backend_invalid_tls_cert", &|| worker.invalid_tls_cert()),
        ("backend_tls_handshake_failed", &|| {
            worker.tls_handshake_failed()
        }),
        ("websocket_upgrades", &|| worker.websocket_upgrade()),
        ("websocket_failures", &|| worker.websocket_failure()),
        ("empty_content_length_header", &|| {
            worker.empty_content_length()
        }),
        ("switchyard_retries_total", &|| worker.retried()),
        ("switchyard_endpoint_connections_opened_total", &|| {
            worker.endpoint_connection_opened()
        }),
        ("switchyard_endpoint_connections_reused_total", &|| {
            worker.endpoint_connection_reused()
        }),
        (
            "switchyard_requests_refused_total{reason=\"version\"}",
            &|| {
                worker.refused(RefusalReason::Version);
            },
        ),
        ("switchyard_access_log_dropped_total", &|| {
            metrics.access_log_drops(0).increment()
        }),
        ("routes_pruned", &|| registry.pruned(1)),
        ("total_routes", &|| registry.total_routes(1)),
        ("buffered_messages", &|| registry.buffered_messages(1)),
        ("total_dropped_messages", &|| registry.dropped_messages(1)),
    ];
    for (series, touch) in touches {
        assert_eq!(value(&scrape(&metrics), series), 0.0, "{series}");
        touch();
        assert_eq!(value(&scrape(&metrics), series), 1.0, "{series}");
    }
}

#[test]
fn registrations_count_by_component_and_action() {
    let metrics = Metrics::new(1, &ObserveConfig::default()).unwrap();
    let api = metrics.components().resolve("CloudController");
    let registry = metrics.registry_metrics();
    registry.registered(api, RegistryAction::Added);
    registry.registered(api, RegistryAction::Unmodified);
    registry.registered(api, RegistryAction::Unmodified);
    registry.registered(ComponentLabels::LIMIT - 1, RegistryAction::Updated);
    let scrape = scrape(&metrics);
    let series = |action, component| {
        value(
            &scrape,
            &format!("registry_message{{action=\"{action}\",component=\"{component}\"}}"),
        )
    };
    assert_eq!(series("added", "CloudController"), 1.0);
    assert_eq!(series("unmodified", "CloudController"), 2.0);
    assert_eq!(series("updated", "other"), 1.0);
    assert_eq!(scrape.matches("registry_message{action").count(), 3);
}

#[test]
fn latency_is_in_milliseconds_with_cumulative_buckets() {
    let metrics = Metrics::new(1, &ObserveConfig::default()).unwrap();
    let worker = metrics.worker(0);
    for milliseconds in [1, 3, 2_000] {
        worker.responded(200, 0, Duration::from_millis(milliseconds));
    }
    let scrape = scrape(&metrics);
    assert_eq!(
        value(&scrape, "latency_bucket{component=\"\",le=\"1\"}"),
        1.0
    );
    assert_eq!(
        value(&scrape, "latency_bucket{component=\"\",le=\"4\"}"),
        2.0
    );
    assert_eq!(
        value(&scrape, "latency_bucket{component=\"\",le=\"1000\"}"),
        2.0
    );
    assert_eq!(
        value(&scrape, "latency_bucket{component=\"\",le=\"+Inf\"}"),
        3.0
    );
    assert_eq!(value(&scrape, "latency_sum{component=\"\"}"), 2_004.0);
    assert_eq!(
        value(&scrape, "switchyard_response_seconds_bucket{le=\"0.001\"}"),
        1.0
    );
}

#[test]
fn totals_tell_quantiles_within_an_eighth() {
    let metrics = Metrics::new(1, &ObserveConfig::default()).unwrap();
    let worker = metrics.worker(0);
    for n in 1..=1_000 {
        worker.responded(200, 0, Duration::from_micros(n * 10));
    }
    worker.attempt(0);
    let totals = metrics.totals();
    assert_eq!(totals.answered(), 1_000);
    assert_eq!(totals.responses, [1_000, 0, 0, 0, 0]);
    assert_eq!(totals.requests_by_component, [(0, 1)]);
    assert_eq!(totals.latency_quantile(0.5), Duration::from_millis(5));
    assert_eq!(totals.latency_quantile(0.99), Duration::from_millis(10));
    assert_eq!(totals.latency_sum(), Duration::from_micros(5_005_000));
}

#[test]
fn nothing_observed_means_a_quantile_of_zero() {
    let metrics = Metrics::new(1, &ObserveConfig::default()).unwrap();
    assert_eq!(metrics.totals().latency_quantile(0.99), Duration::ZERO);
}
