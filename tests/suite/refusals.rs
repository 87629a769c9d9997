//! What the router answers in an endpoint's place: statuses, texts and fields that operators know.

use std::sync::Mutex;
use std::sync::mpsc;

use harness::bus::Bus;
use harness::endpoint::Endpoint;
use harness::oracle::Message;
use harness::router::Router;
use harness::stage::{HOST, Stage};
use harness::wait::DEADLINE;
use serde_json::json;

const GUID: &str = "6f1b6c0e-3a43-4a9b-9d57-0d1c2f1a9a01";

fn expect(answer: &Message, status: u16, error: &str, cache: Option<&str>, body: &str) {
    assert_eq!(answer.status(), status, "{answer:#?}");
    assert_eq!(answer.field("x-cf-routererror"), Some(error));
    assert_eq!(answer.field("cache-control"), cache);
    assert_eq!(answer.text(), body);
    assert_eq!(
        answer.field("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(answer.field("x-content-type-options"), Some("nosniff"));
}

#[test]
fn an_unknown_route_is_404() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let answer = stage.exchange("GET /x HTTP/1.1\r\nHost: Unknown.org:81\r\n\r\n");
    let body = "404 Not Found: Requested route ('Unknown.org:81') does not exist.\n";
    expect(
        &answer,
        404,
        "unknown_route",
        Some("no-cache, no-store"),
        body,
    );
}

#[test]
fn after_a_404_the_connection_goes_on() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let mut client = stage.client();
    client.get("unknown.org", "/x");
    client.expect_status(404);
    client.get(HOST, "/x");
    client.expect_status(200);
}

#[test]
fn an_empty_host_is_400() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let answer = stage.exchange("GET /x HTTP/1.0\r\n\r\n");
    let body = "400 Bad Request: Request had empty Host header\n";
    expect(&answer, 400, "empty_host", Some("public,max-age=2"), body);
}

#[test]
fn a_host_that_is_the_clients_own_address_is_400() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let answer = stage.exchange("GET /x HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n");
    assert_eq!(
        (answer.status(), answer.field("x-cf-routererror")),
        (400, Some("empty_host"))
    );
}

#[test]
fn an_emptied_pool_is_404_by_default() {
    let stage = Stage::with(Endpoint::saying("hello"));
    stage.bus.unregister(HOST, &stage.endpoint);
    stage.router.eventually_knows(HOST, 0);
    assert_eq!(
        stage
            .exchange(format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n"))
            .status(),
        404
    );
}

#[test]
fn an_emptied_pool_can_be_503() {
    let further = json!({ "empty_pool_response_code_503": true, "empty_pool_timeout": "60s" });
    let stage = Stage::configured(Endpoint::saying("hello"), &further);
    stage.bus.unregister(HOST, &stage.endpoint);
    stage.router.eventually_knows(HOST, 0);
    let answer = stage.exchange(format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
    let body =
        "503 Service Unavailable: Requested route ('a.example.com') has no available endpoints.\n";
    expect(&answer, 503, "no_endpoints", Some("public,max-age=2"), body);
}

#[test]
fn an_endpoint_at_its_limit_is_503() {
    let (go, gone) = mpsc::channel::<()>();
    let gone = Mutex::new(gone);
    let endpoint = Endpoint::scripted(move |conn| {
        while conn.request().is_some() {
            let _ = gone.lock().unwrap().recv_timeout(DEADLINE);
            conn.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let stage = Stage::configured(endpoint, &json!({ "backends": { "max_conns": 1 } }));
    let mut first = stage.client();
    first.get(HOST, "/");
    stage.endpoint.eventually_has(1);
    let answer = stage.exchange(format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
    let body = "503 Service Unavailable: Requested route ('a.example.com') has reached the connection limit.\n";
    expect(&answer, 503, "Connection Limit Reached", None, body);
    go.send(()).unwrap();
    first.expect_status(200);
    go.send(()).unwrap();
    stage.innocent();
}

#[test]
fn a_head_over_the_configured_size_is_431() {
    let stage = Stage::configured(
        Endpoint::saying("hello"),
        &json!({ "max_request_header_bytes": 1000 }),
    );
    let answer = stage.exchange(format!(
        "GET / HTTP/1.1\r\nHost: {HOST}\r\nX-Filler: {}\r\n\r\n",
        "v".repeat(1000)
    ));
    assert_eq!(
        (answer.status(), answer.field("x-cf-routererror")),
        (431, Some("max-request-size-exceeded"))
    );
    assert!(answer.body.is_empty());
    assert!(stage.heard().is_empty());
}

#[test]
fn more_fields_than_configured_are_431() {
    let stage = Stage::configured(
        Endpoint::saying("hello"),
        &json!({ "max_request_headers": 5 }),
    );
    let answer = stage.exchange(format!(
        "GET / HTTP/1.1\r\nHost: {HOST}\r\n{}\r\n",
        "X-A: b\r\n".repeat(6)
    ));
    assert_eq!(
        (answer.status(), answer.field("x-cf-routererror")),
        (431, Some("max-request-size-exceeded"))
    );
    stage.innocent();
}

#[test]
fn an_unknown_route_is_404_even_with_a_giant_head() {
    let stage = Stage::configured(
        Endpoint::saying("hello"),
        &json!({ "max_request_header_bytes": 1000 }),
    );
    let answer = stage.exchange(format!(
        "GET / HTTP/1.1\r\nHost: unknown.org\r\nX-Filler: {}\r\n\r\n",
        "v".repeat(1000)
    ));
    assert_eq!(answer.status(), 404);
}

#[test]
fn a_failing_endpoint_is_502() {
    let stage = Stage::with(Endpoint::refusing());
    let answer = stage.exchange(format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
    assert_eq!(answer.status(), 502);
    assert_eq!(
        answer.text(),
        "502 Bad Gateway: Registered endpoint failed to handle the request.\n"
    );
    let error = answer.field("x-cf-routererror").unwrap();
    let address = stage.endpoint.addr();
    assert_eq!(
        error,
        format!("endpoint_failure (dial tcp {address}: connect: connection refused)")
    );
}

#[test]
fn an_endpoint_that_closes_without_a_word_is_an_eof() {
    let stage = Stage::with(Endpoint::scripted(|conn| drop(conn.request())));
    let answer = stage.exchange(format!(
        "POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 1\r\n\r\nx"
    ));
    assert_eq!(
        (answer.status(), answer.field("x-cf-routererror")),
        (502, Some("endpoint_failure (EOF)"))
    );
}

#[test]
fn the_health_probe_is_answered_for_any_host_and_path() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let raw = "GET /any HTTP/1.1\r\nHost: unknown.org\r\nUser-Agent: HTTP-Monitor/1.1\r\n\r\n";
    let answer = stage.exchange(raw);
    assert_eq!((answer.status(), answer.text().as_str()), (200, "ok\n"));
    assert_eq!(answer.field("cache-control"), Some("private, max-age=0"));
    assert_eq!(answer.field("expires"), Some("0"));
    assert!(stage.heard().is_empty());
}

#[test]
fn only_the_exact_probe_agent_is_a_probe() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let raw = format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nUser-Agent: HTTP-Monitor/1.1 x\r\n\r\n");
    assert_eq!(stage.exchange(raw).text(), "hello");
}

/// Two instances of one application; the header `name: value` picks one, or is refused.
fn targeted(name: &str, value: &str) -> (Message, Vec<Message>) {
    let (bus, zero, one) = (Bus::start(), Endpoint::saying("0"), Endpoint::saying("1"));
    let router = Router::start(&bus);
    for (index, endpoint) in [&zero, &one].into_iter().enumerate() {
        let index = index.to_string();
        let tags = json!({ "process_id": GUID });
        bus.register_with(
            HOST,
            endpoint,
            json!({ "app": GUID, "private_instance_index": index,
            "private_instance_id": format!("i-{index}"), "tags": tags }),
        );
    }
    router.eventually_knows(HOST, 2);
    let mut client = router.connect();
    client.send(format!(
        "GET / HTTP/1.1\r\nHost: {HOST}\r\n{name}: {value}\r\n\r\n"
    ));
    (
        client.response(),
        [zero.requests(), one.requests()].concat(),
    )
}

#[test]
fn an_instance_can_be_picked() {
    for _ in 0..2 {
        let (answer, heard) = targeted("X-CF-App-Instance", &format!("{GUID}:1"));
        assert_eq!(answer.text(), "1");
        assert_eq!(heard[0].field("x-cf-app-instance"), None);
    }
}

#[test]
fn a_process_instance_can_be_picked() {
    let (answer, heard) = targeted("X-CF-Process-Instance", &format!("{GUID}:1"));
    assert_eq!(answer.text(), "1");
    assert!(heard[0].field("x-cf-process-instance").is_some());
}

#[test]
fn a_malformed_instance_is_400() {
    let (answer, heard) = targeted("X-CF-App-Instance", "not-a-guid:1");
    let body = "400 Bad Request: Invalid X-CF-App-Instance Header\n";
    expect(
        &answer,
        400,
        "invalid_cf_app_instance_header",
        Some("no-cache, no-store"),
        body,
    );
    let (answer, _) = targeted("X-CF-Process-Instance", "x");
    let body = "400 Bad Request: Invalid X-CF-Process-Instance Header\n";
    expect(
        &answer,
        400,
        "invalid_cf_process_instance_header",
        Some("no-cache, no-store"),
        body,
    );
    assert!(heard.is_empty());
}

#[test]
fn an_instance_that_is_not_there_is_400() {
    let (answer, heard) = targeted("X-CF-App-Instance", &format!("{GUID}:7"));
    let body = format!(
        "400 Bad Request: Requested instance ('7') with guid ('{GUID}') does not exist for route ('{HOST}')\n"
    );
    expect(
        &answer,
        400,
        "unknown_route",
        Some("no-cache, no-store"),
        &body,
    );
    assert!(heard.is_empty());
}
