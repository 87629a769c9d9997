//! The numbers, as `/varz` and as Prometheus' text.

use std::time::Duration;

use serde_json::Value;

use crate::observe::metrics::RegistryAction;
use crate::route::{Algorithm, TableWriter};

use super::desk::{Desk, basic, body, config};
use super::routes::fill;

#[test]
fn varz_shows_the_figures_of_the_metrics() {
    let mut writer = TableWriter::new(Algorithm::default());
    fill(&mut writer);
    let desk = Desk::of(&config(), writer.table());
    let metrics = &desk.state.metrics;
    let uaa = metrics.components().resolve("uaa");
    let worker = metrics.worker(0);
    worker.attempt(uaa);
    worker.attempt(0);
    worker.responded(200, uaa, Duration::from_millis(5));
    worker.responded(503, 0, Duration::from_millis(5));
    worker.rejected();
    worker.bad_gateway();
    let response = desk.get(desk.routes, "/varz", &basic("user:secret"));
    let varz: Value = serde_json::from_str(body(&response)).unwrap();
    let expected = [
        ("/type", Value::from("Router")),
        ("/index", 7.into()),
        ("/uuid", "7-a-b-c".into()),
        ("/host", format!("0.0.0.0:{}", desk.status.port()).into()),
        ("/credentials/1", "secret".into()),
        ("/requests", 2.into()),
        ("/responses_2xx", 1.into()),
        ("/responses_5xx", 1.into()),
        ("/responses_xxx", 0.into()),
        ("/latency/samples", 2.into()),
        ("/latency/50", 0.005.into()),
        ("/tags/component/uaa/requests", 1.into()),
        ("/bad_requests", 1.into()),
        ("/bad_gateways", 1.into()),
        ("/urls", 2.into()),
        ("/log_counts/error", 0.into()),
        ("/rate/2", 0.0.into()),
    ];
    for (pointer, value) in expected {
        assert_eq!(varz.pointer(pointer), Some(&value), "{pointer} in {varz}");
    }
    assert!(varz["mem"].as_u64().unwrap() > 0);
}

#[test]
fn metrics_are_scraped_as_text() {
    let desk = Desk::open(&config());
    desk.state
        .metrics
        .registry_metrics()
        .registered(0, RegistryAction::Added);
    let response = desk.get(desk.prometheus, "/metrics", "");
    assert!(response.contains("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    assert!(body(&response).contains("\nregistry_message{action=\"added\",component=\"\"} 1\n"));
    assert!(body(&response).contains("\n# TYPE total_routes gauge\ntotal_routes 0\n"));
}
