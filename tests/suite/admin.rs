//! The operator's side: health, routes, metrics, the liveness path.

use harness::bus::Bus;
use harness::client::Client;
use harness::endpoint::Endpoint;
use harness::oracle::Message;
use harness::router::{Router, operator_get};
use harness::stage::{HOST, Stage};
use harness::wait::eventually;
use serde_json::json;

fn get(addr: std::net::SocketAddr, path: &str) -> Message {
    let mut client = Client::connect(addr);
    client.send(format!(
        "GET {path} HTTP/1.1\r\nHost: operator\r\nConnection: close\r\n\r\n"
    ));
    client.response()
}

#[test]
fn health_is_ok_once_the_router_is_up() {
    let bus = Bus::start();
    let router = Router::start(&bus);
    let answer = get(router.status, "/health");
    assert_eq!((answer.status(), answer.text().as_str()), (200, "ok\n"));
    assert_eq!(answer.field("cache-control"), Some("private, max-age=0"));
    assert_eq!(answer.field("expires"), Some("0"));
}

#[test]
fn the_liveness_path_is_ok() {
    let bus = Bus::start();
    let router = Router::start(&bus);
    let answer = get(
        router.status,
        "/is-process-alive-do-not-use-for-loadbalancing",
    );
    assert_eq!((answer.status(), answer.text().as_str()), (200, "ok\n"));
}

#[test]
fn routes_want_the_password() {
    let bus = Bus::start();
    let router = Router::start(&bus);
    let answer = get(router.routes, "/routes");
    assert_eq!(
        (answer.status(), answer.text().as_str()),
        (401, "401 Unauthorized\n")
    );
    assert_eq!(answer.field("www-authenticate"), Some("Basic"));
}

#[test]
fn routes_list_every_endpoint() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let facts = json!({ "tags": { "component": "suite" }, "availability_zone": "z1", "private_instance_id": "i-0",
        "options": { "loadbalancing": "least-connection" } });
    stage
        .bus
        .register_with("B.example.com/Path/", &stage.endpoint, facts);
    stage.router.eventually_knows("b.example.com/path", 1);
    let answer = operator_get(stage.router.routes, "/routes");
    let expected = json!([{
        "address": stage.endpoint.addr().to_string(), "availability_zone": "z1", "protocol": "http1", "tls": false,
        "ttl": 120, "tags": { "component": "suite" }, "private_instance_id": "i-0",
        "load_balancing_algorithm": "least-connection",
    }]);
    let table: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(table["b.example.com/path"], expected);
    let text = answer.text();
    assert!(
        text.ends_with("}\n") && text.find(HOST) < text.find("b.example.com"),
        "{text}"
    );
}

#[test]
fn metrics_have_the_names_that_dashboards_know() {
    let stage = Stage::with(Endpoint::saying("hello"));
    stage.innocent();
    assert_eq!(
        stage
            .exchange("GET / HTTP/1.1\r\nHost: unknown.org\r\n\r\n")
            .status(),
        404
    );
    let metrics = stage.router.metrics();
    for name in [
        "total_requests",
        "responses",
        "rejected_requests",
        "bad_gateways",
        "backend_exhausted_conns",
        "backend_invalid_id",
        "backend_invalid_tls_cert",
        "backend_tls_handshake_failed",
        "websocket_upgrades",
        "websocket_failures",
        "registry_message",
        "routes_pruned",
        "total_routes",
        "ms_since_last_registry_update",
        "file_descriptors",
        "route_lookup_time",
        "gorouter_time",
        "latency",
        "switchyard_client_connections",
    ] {
        assert!(
            metrics.contains(&format!("# TYPE {name} ")),
            "{name} is missing"
        );
    }
}

/// The value of a metric with exactly this name and these labels.
fn metric(router: &Router, series: &str) -> f64 {
    let metrics = router.metrics();
    let line = metrics.lines().find(|line| {
        line.strip_prefix(series)
            .is_some_and(|rest| rest.starts_with(' '))
    });
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok())
        .unwrap_or(0.0)
}

fn eventually_counts(router: &Router, series: &str, value: f64) {
    eventually(&format!("{series} is {value}"), || {
        (metric(router, series) - value).abs() < 0.5
    });
}

#[test]
fn requests_are_counted_by_what_became_of_them() {
    let stage = Stage::with(Endpoint::saying("hello"));
    for _ in 0..3 {
        stage.innocent();
    }
    let _ = stage.exchange("GET / HTTP/1.1\r\nHost: unknown.org\r\n\r\n");
    eventually_counts(&stage.router, "responses{status_group=\"2xx\"}", 3.0);
    eventually_counts(&stage.router, "rejected_requests", 1.0);
    eventually_counts(&stage.router, "total_requests{component=\"\"}", 3.0);
}

#[test]
fn a_bad_gateway_is_counted() {
    let stage = Stage::with(Endpoint::refusing());
    assert_eq!(
        stage
            .exchange(format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n"))
            .status(),
        502
    );
    eventually_counts(&stage.router, "bad_gateways", 1.0);
}

#[test]
fn client_connections_are_counted_while_they_last() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let mut clients: Vec<Client> = (0..3).map(|_| stage.client()).collect();
    for client in &mut clients {
        client.get(HOST, "/");
        client.expect_status(200);
    }
    eventually_counts(&stage.router, "switchyard_client_connections", 3.0);
    drop(clients);
    eventually_counts(&stage.router, "switchyard_client_connections", 0.0);
}

#[test]
fn registrations_are_counted_by_component() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let tags = json!({ "tags": { "component": "route-emitter" } });
    stage
        .bus
        .register_with("b.example.com", &stage.endpoint, tags);
    let series = "registry_message{action=\"added\",component=\"route-emitter\"}";
    eventually_counts(&stage.router, series, 1.0);
}

#[test]
fn varz_knows_the_routes() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let answer = operator_get(stage.router.routes, "/varz");
    let varz: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(
        (&varz["type"], &varz["urls"]),
        (&json!("Router"), &json!(1))
    );
}
