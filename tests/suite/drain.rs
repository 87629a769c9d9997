//! The end of a router: signals, what still finishes, what is cut, and exit codes.

use std::sync::Mutex;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use harness::bus::Bus;
use harness::client::Client;
use harness::endpoint::Endpoint;
use harness::process::{RouterProcess, run};
use harness::stage::HOST;
use harness::wait::{DEADLINE, eventually};
use rustix::process::Signal;
use serde_json::{Value, json};

struct Cast {
    router: RouterProcess,
    endpoint: Endpoint,
    go: mpsc::Sender<()>,
    _bus: Bus,
}

/// A router process and an endpoint that answers `/held` only when told to.
fn cast(further: &Value) -> Cast {
    let (go, gone) = mpsc::channel::<()>();
    let gone = Mutex::new(gone);
    let endpoint = Endpoint::scripted(move |conn| {
        while let Some(request) = conn.request() {
            if request.target() == "/held" {
                let _ = gone.lock().unwrap().recv_timeout(2 * DEADLINE);
            }
            conn.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    });
    let bus = Bus::start();
    let router = RouterProcess::start(&bus, further);
    bus.register(HOST, &[&endpoint]);
    eventually("the route is served", || {
        let mut client = router.connect();
        client.get(HOST, "/");
        client.response().status() == 200
    });
    Cast {
        router,
        endpoint,
        go,
        _bus: bus,
    }
}

impl Cast {
    /// A client whose request is at the endpoint and stays there.
    fn held(&self) -> Client {
        let mut client = self.router.connect();
        client.get(HOST, "/held");
        eventually("the request is at the endpoint", || {
            self.endpoint
                .requests()
                .iter()
                .any(|request| request.target() == "/held")
        });
        client
    }

    fn has_event(&self, name: &str) -> bool {
        self.router
            .events()
            .iter()
            .any(|event| event["message"] == name)
    }
}

#[test]
fn term_lets_what_is_in_flight_finish() {
    let mut cast = cast(&json!({}));
    let mut client = cast.held();
    cast.router.signal(Signal::TERM);
    eventually("new connections are refused", || cast.router.refuses());
    cast.go.send(()).unwrap();
    let answer = client.expect_status(200);
    assert_eq!(answer.text(), "ok");
    client.expect_closed();
    assert_eq!(cast.router.exit().code(), Some(0));
}

#[test]
fn term_ends_by_four_seconds_whatever_is_in_flight() {
    let mut cast = cast(&json!({}));
    let mut client = cast.held();
    let began = Instant::now();
    cast.router.signal(Signal::TERM);
    assert_eq!(cast.router.exit().code(), Some(0));
    // Four seconds are the contract; the rest is what a busy machine may add.
    assert!(
        began.elapsed() < Duration::from_secs(8),
        "{:?}",
        began.elapsed()
    );
    assert!(client.try_response().is_err());
}

#[test]
fn int_is_term() {
    let mut cast = cast(&json!({}));
    cast.router.signal(Signal::INT);
    assert_eq!(cast.router.exit().code(), Some(0));
}

#[test]
fn term_closes_idle_connections() {
    let mut cast = cast(&json!({}));
    let mut idle = cast.router.connect();
    idle.get(HOST, "/");
    idle.expect_status(200);
    cast.router.signal(Signal::TERM);
    idle.expect_closed();
    assert_eq!(cast.router.exit().code(), Some(0));
}

#[test]
fn usr1_fails_the_health_check_first_and_keeps_serving() {
    let mut cast = cast(&json!({ "drain_wait": "1s", "drain_timeout": "5s" }));
    let mut client = cast.held();
    cast.router.signal(Signal::USR1);
    eventually("health is 503", || cast.router.health() == Some(503));
    let mut late = cast.router.connect();
    late.get(HOST, "/");
    late.expect_status(200);
    eventually("new connections are refused", || cast.router.refuses());
    assert!(
        cast.has_event("gorouter-draining"),
        "{:?}",
        cast.router.events()
    );
    cast.go.send(()).unwrap();
    client.expect_status(200);
    assert_eq!(cast.router.exit().code(), Some(0));
}

#[test]
fn usr1_tells_clients_to_go_elsewhere() {
    let mut cast = cast(&json!({ "drain_wait": "0s", "drain_timeout": "5s" }));
    let mut client = cast.held();
    cast.router.signal(Signal::USR1);
    eventually("new connections are refused", || cast.router.refuses());
    cast.go.send(()).unwrap();
    let answer = client.expect_status(200);
    assert_eq!(answer.field("connection"), Some("close"));
    client.expect_closed();
    assert_eq!(cast.router.exit().code(), Some(0));
}

#[test]
fn a_drain_ends_at_its_timeout() {
    let mut cast = cast(&json!({ "drain_wait": "0s", "drain_timeout": "300ms" }));
    let mut client = cast.held();
    cast.router.signal(Signal::USR1);
    assert_eq!(cast.router.exit().code(), Some(0));
    assert!(client.try_response().is_err());
}

#[test]
fn a_bad_configuration_ends_with_1_and_its_line() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("bad.yml");
    std::fs::write(&file, "port: 8080\nendpoint_timeout: soon\n").unwrap();
    let output = run(&["-c", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(
        text.contains("Error loading config") && text.contains("bad.yml:2"),
        "{text}"
    );
}

#[test]
fn a_missing_file_ends_with_1_and_its_name() {
    let output = run(&["-c", "/nonexistent/gorouter.yml"]);
    assert_eq!(output.status.code(), Some(1));
    let text = [output.stdout, output.stderr].concat();
    assert!(String::from_utf8_lossy(&text).contains("/nonexistent/gorouter.yml"));
}

#[test]
fn no_bus_ends_with_1_and_its_address() {
    let folder = tempfile::TempDir::new().unwrap();
    let (file, dead) = (folder.path().join("gorouter.yml"), Endpoint::refusing());
    let bus = json!([{ "hostname": "127.0.0.1", "port": dead.addr().port() }]);
    let text = json!({ "port": 0, "nats": { "hosts": bus }, "status": { "port": 0, "routes": { "port": 0 } },
        "switchyard": { "listen_address": "127.0.0.1" } });
    std::fs::write(&file, text.to_string()).unwrap();
    let output = run(&["-c", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(
        text.contains("nats-connection-error") && text.contains(&dead.addr().to_string()),
        "{text}"
    );
}
