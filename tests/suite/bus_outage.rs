//! The bus comes, goes and comes back; the table outlives it.

use std::time::{Duration, Instant};

use harness::bus::{Bus, Gate};
use harness::endpoint::Endpoint;
use harness::router::Router;
use harness::stage::HOST;
use harness::wait::eventually;
use serde_json::{Value, json};

fn served(router: &Router) {
    let mut client = router.connect();
    client.get(HOST, "/");
    client.expect_status(200);
}

/// The shortest life that a busy machine cannot mistake for a missed announcement.
fn pruning() -> Value {
    json!({ "prune_stale_droplets_interval": "50ms", "droplet_stale_threshold": "2s",
        "suspend_pruning_if_nats_unavailable": true })
}

/// Announces `endpoint` until the router has it.
fn until_known(bus: &Bus, router: &Router, endpoint: &Endpoint) {
    eventually("the announcement is heard", || {
        bus.register(HOST, &[endpoint]);
        router.table().get(HOST).is_some()
    });
}

/// Repeats `act` until an endpoint that was not announced again must have gone.
fn for_longer_than_the_threshold(mut act: impl FnMut()) {
    let end = Instant::now() + Duration::from_secs(3);
    while Instant::now() < end {
        act();
    }
}

/// A router that finds the bus through `gate`, with further keys.
fn behind(gate: &Gate, bus: &Bus, further: &Value) -> Router {
    let mut settings = further.clone();
    let host = json!({ "hostname": gate.addr().ip().to_string(), "port": gate.addr().port() });
    settings["nats"] = json!({ "hosts": [host] });
    Router::with(bus, &settings)
}

/// Restarts the bus and gives what a router behind `gate` asks of everybody once it is back.
///
/// It asks once, so the gate is opened when somebody listens.
fn greeting_after_return(gate: &Gate, bus: &mut Bus) -> Value {
    gate.close();
    bus.restart();
    let mut starts = bus.listen("router.start");
    gate.open();
    serde_json::from_slice(&starts.message()).unwrap()
}

fn has_pruned(router: &Router) -> bool {
    let metrics = router.metrics();
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix("routes_pruned "));
    line.expect("`routes_pruned` is a metric") != "0"
}

#[test]
fn an_announcement_on_a_real_nats_server_is_served() {
    let (bus, endpoint) = (Bus::debian(), Endpoint::saying("hello"));
    let router = Router::start(&bus);
    bus.register(HOST, &[&endpoint]);
    router.eventually_knows(HOST, 1);
    served(&router);
    bus.unregister(HOST, &endpoint);
    router.eventually_knows(HOST, 0);
}

#[test]
fn without_a_bus_every_route_is_still_served_and_nothing_is_pruned() {
    let (mut bus, endpoint) = (Bus::debian(), Endpoint::saying("hello"));
    let router = Router::with(&bus, &pruning());
    until_known(&bus, &router, &endpoint);
    bus.stop();
    for_longer_than_the_threshold(|| served(&router));
    assert!(!has_pruned(&router));
}

#[test]
fn when_the_bus_returns_the_router_asks_for_everything_again() {
    let (mut bus, endpoint) = (Bus::debian(), Endpoint::saying("hello"));
    let gate = Gate::before(&bus);
    let router = behind(&gate, &bus, &json!({}));
    bus.register(HOST, &[&endpoint]);
    router.eventually_knows(HOST, 1);
    let start = greeting_after_return(&gate, &mut bus);
    assert!(start["id"].is_string(), "{start}");
    let late = Endpoint::saying("late");
    // The subscription is back as well, some time after the greeting at the latest.
    eventually("announcements are heard again", || {
        bus.register("late.example.com", &[&late]);
        router.table().get("late.example.com").is_some()
    });
    served(&router);
}

/// The long form of the two rules above, with the thresholds of `examples/gorouter.yml`: routes become stale after two
/// minutes, the bus is away for five.
#[test]
#[ignore = "takes five minutes: cargo nextest run -p switchyard-tests --run-ignored only -E 'test(five_minutes)'"]
fn five_minutes_without_a_bus_lose_nothing() {
    let (mut bus, endpoint) = (Bus::debian(), Endpoint::saying("hello"));
    let suspended = json!({ "suspend_pruning_if_nats_unavailable": true });
    let gate = Gate::before(&bus);
    let router = behind(&gate, &bus, &suspended);
    until_known(&bus, &router, &endpoint);
    bus.stop();
    let end = Instant::now() + Duration::from_secs(5 * 60);
    while Instant::now() < end {
        served(&router);
        std::thread::park_timeout(Duration::from_millis(100));
    }
    assert!(!has_pruned(&router));
    let start = greeting_after_return(&gate, &mut bus);
    assert!(start["id"].is_string(), "{start}");
    until_known(&bus, &router, &endpoint);
    served(&router);
    assert!(!has_pruned(&router));
}

#[test]
fn a_stale_endpoint_is_pruned_while_the_bus_is_there() {
    let (bus, endpoint) = (Bus::start(), Endpoint::saying("hello"));
    let router = Router::with(&bus, &pruning());
    bus.register(HOST, &[&endpoint]);
    eventually("a route is pruned", || has_pruned(&router));
    router.eventually_knows(HOST, 0);
}

#[test]
fn a_repeated_registration_keeps_an_endpoint() {
    let (bus, endpoint) = (Bus::start(), Endpoint::saying("hello"));
    let router = Router::with(&bus, &pruning());
    until_known(&bus, &router, &endpoint);
    for_longer_than_the_threshold(|| {
        bus.register(HOST, &[&endpoint]);
        served(&router);
    });
    assert!(!has_pruned(&router));
}

#[test]
fn a_greeting_is_answered_with_the_intervals() {
    let bus = Bus::start();
    let _router = Router::start(&bus);
    let reply: Value = serde_json::from_slice(&bus.request("router.greet")).unwrap();
    assert_eq!(reply["minimumRegisterIntervalInSeconds"], 0);
    assert_eq!(reply["pruneThresholdInSeconds"], 120);
    assert_eq!(reply["hosts"].as_array().map(Vec::len), Some(1));
    assert!(
        reply["id"].as_str().is_some_and(|id| id.starts_with("0-")),
        "{reply}"
    );
}

#[test]
fn the_start_is_announced_before_anything_is_served() {
    let bus = Bus::start();
    let mut starts = bus.listen("router.start");
    let _router = Router::start(&bus);
    let start: Value = serde_json::from_slice(&starts.message()).unwrap();
    assert_eq!(start["pruneThresholdInSeconds"], 120);
}

#[test]
fn an_announcement_right_after_the_start_is_not_lost() {
    for _ in 0..5 {
        let (bus, endpoint) = (Bus::start(), Endpoint::saying("hello"));
        let router = Router::start(&bus);
        // One message only, as soon as the ports are open: the subscription must stand by then.
        bus.register(HOST, &[&endpoint]);
        router.eventually_knows(HOST, 1);
    }
}

#[test]
fn nonsense_on_the_bus_changes_nothing() {
    let (bus, endpoint) = (Bus::start(), Endpoint::saying("hello"));
    let router = Router::start(&bus);
    bus.register(HOST, &[&endpoint]);
    for nonsense in [
        "",
        "{",
        "[]",
        "null",
        "\"x\"",
        r#"{"uris":["x.example.com"],"port":"80"}"#,
        r#"{"uris":"x.example.com"}"#,
        r#"{"uris":["x.example.com"],"host":"h","port":70000}"#,
        r#"{"uris":["x.example.com"],"host":"h","port":1,"route_service_url":"http://x"}"#,
    ] {
        bus.publish("router.register", nonsense);
        bus.publish("router.unregister", nonsense);
    }
    bus.publish("router.register", [0xff, 0xfe, 0x00]);
    let last = Endpoint::saying("last");
    bus.register("last.example.com", &[&last]);
    router.eventually_knows("last.example.com", 1);
    assert_eq!(
        router.table().as_object().unwrap().len(),
        2,
        "{}",
        router.table()
    );
    served(&router);
}

#[test]
fn keys_are_read_as_go_reads_them() {
    let (bus, endpoint) = (Bus::start(), Endpoint::saying("hello"));
    let router = Router::start(&bus);
    let port = endpoint.addr().port();
    bus.publish("router.register", format!(
        r#"{{"HOST":"127.0.0.1","Port":{port},"URIS":["A.Example.COM/"],"app":null,"unknown":{{}},"port":{port}}}"#));
    router.eventually_knows(HOST, 1);
    served(&router);
}
