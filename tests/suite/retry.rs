//! Trying again: on another endpoint, and never what might be done twice.

use harness::bus::Bus;
use harness::client::Client;
use harness::endpoint::Endpoint;
use harness::oracle::Message;
use harness::router::Router;
use harness::stage::{HOST, Stage, post};
use serde_json::json;

struct Pair {
    router: Router,
    _bus: Bus,
}

/// A router that knows both endpoints under one name.
fn pair(one: &Endpoint, two: &Endpoint) -> Pair {
    let bus = Bus::start();
    let router = Router::start(&bus);
    bus.register(HOST, &[one, two]);
    router.eventually_knows(HOST, 2);
    Pair { router, _bus: bus }
}

fn closing() -> Endpoint {
    Endpoint::scripted(|conn| drop(conn.request()))
}

fn resetting() -> Endpoint {
    Endpoint::scripted(|conn| {
        conn.request();
        conn.reset();
    })
}

fn all_get_200(client: &mut Client, count: usize) {
    for _ in 0..count {
        client.get(HOST, "/");
        client.expect_status(200);
    }
}

#[test]
fn clients_never_see_a_dead_endpoint() {
    let (alive, dead) = (Endpoint::saying("hello"), Endpoint::refusing());
    let pair = pair(&alive, &dead);
    let mut client = pair.router.connect();
    all_get_200(&mut client, 6);
    assert_eq!(alive.requests().len(), 6);
}

#[test]
fn a_post_is_tried_elsewhere_when_the_dial_fails() {
    let (alive, dead) = (Endpoint::saying("hello"), Endpoint::refusing());
    let pair = pair(&alive, &dead);
    let mut client = pair.router.connect();
    for _ in 0..4 {
        client.send(post("Content-Length: 5\r\n", "hello"));
        client.expect_status(200);
    }
    assert!(alive.requests().iter().all(|one| one.body == b"hello"));
    assert_eq!(alive.requests().len(), 4);
}

#[test]
fn a_get_is_tried_elsewhere_after_an_eof() {
    let (alive, dead) = (Endpoint::saying("hello"), closing());
    let pair = pair(&alive, &dead);
    all_get_200(&mut pair.router.connect(), 6);
}

#[test]
fn a_get_is_tried_elsewhere_after_a_reset() {
    let (alive, dead) = (Endpoint::saying("hello"), resetting());
    let pair = pair(&alive, &dead);
    all_get_200(&mut pair.router.connect(), 6);
}

#[test]
fn a_reset_marks_the_endpoint() {
    let (alive, dead) = (Endpoint::saying("hello"), resetting());
    let pair = pair(&alive, &dead);
    all_get_200(&mut pair.router.connect(), 10);
    assert_eq!(
        dead.requests().len(),
        1,
        "a marked endpoint is skipped for its cool-down"
    );
}

#[test]
fn a_failed_dial_marks_the_endpoint_until_all_have_failed() {
    let stage = Stage::with(Endpoint::scripted(|conn| {
        if conn.number == 0 {
            conn.request();
            return conn.reset();
        }
        while conn.request().is_some() {
            conn.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        }
    }));
    let mut client = stage.client();
    client.send(post("Content-Length: 1\r\n", "x"));
    client.expect_status(502);
    // The only endpoint is marked: rather than nobody, it is asked again.
    client.get(HOST, "/");
    client.expect_status(200);
}

#[test]
fn when_an_endpoint_dies_after_reading_a_post_there_is_one_copy() {
    for dead in [closing(), resetting()] {
        let other = closing();
        let pair = pair(&dead, &other);
        let mut client = pair.router.connect();
        client.send(post("Content-Length: 5\r\n", "hello"));
        client.expect_status(502);
        assert_eq!([dead.requests(), other.requests()].concat().len(), 1);
    }
}

#[test]
fn when_endpoints_die_after_reading_a_get_there_are_few_copies() {
    let stage = Stage::with(closing());
    let mut client = stage.client();
    client.get(HOST, "/");
    client.expect_status(502);
    let copies = stage.endpoint.requests().len();
    assert!((1..=4).contains(&copies), "{copies}");
}

#[test]
fn attempts_end_at_their_limit() {
    let bus = Bus::start();
    let router = Router::with(&bus, &json!({ "backends": { "max_attempts": 2 } }));
    let endpoints: Vec<Endpoint> = (0..5).map(|_| closing()).collect();
    bus.register(HOST, &endpoints.iter().collect::<Vec<_>>());
    router.eventually_knows(HOST, 5);
    let mut client = router.connect();
    client.get(HOST, "/");
    client.expect_status(502);
    assert_eq!(
        endpoints
            .iter()
            .map(|one| one.requests().len())
            .sum::<usize>(),
        2
    );
}

#[test]
fn a_retry_prefers_an_endpoint_that_was_not_tried() {
    for _ in 0..3 {
        let (one, two) = (closing(), closing());
        let pair = pair(&one, &two);
        let mut client = pair.router.connect();
        client.get(HOST, "/");
        client.expect_status(502);
        assert!(!one.requests().is_empty() && !two.requests().is_empty());
    }
}

#[test]
fn a_get_with_a_body_is_not_repeated() {
    let stage = Stage::with(closing());
    let answer = stage.exchange(format!(
        "GET / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 1\r\n\r\nx"
    ));
    assert_eq!(answer.status(), 502);
    assert_eq!(stage.endpoint.requests().len(), 1);
}

#[test]
fn a_delete_is_not_repeated() {
    let stage = Stage::with(closing());
    assert_eq!(
        stage
            .exchange(format!("DELETE / HTTP/1.1\r\nHost: {HOST}\r\n\r\n"))
            .status(),
        502
    );
    assert_eq!(stage.endpoint.requests().len(), 1);
}

#[test]
fn a_bodyless_post_with_an_idempotency_key_may_be_repeated() {
    let (alive, dead) = (Endpoint::saying("hello"), closing());
    let pair = pair(&alive, &dead);
    let mut client = pair.router.connect();
    for _ in 0..4 {
        client.send(post("Idempotency-Key: 1\r\nContent-Length: 0\r\n", ""));
        client.expect_status(200);
    }
}

#[test]
fn an_answer_that_has_begun_is_never_tried_again() {
    let stage = Stage::with(Endpoint::scripted(|conn| {
        conn.request();
        conn.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123");
    }));
    let mut client = stage.client();
    client.get(HOST, "/");
    assert!(client.try_response().is_err());
    assert_eq!(stage.endpoint.requests().len(), 1);
}

#[test]
fn a_malformed_answer_is_not_tried_again() {
    let stage = Stage::with(Endpoint::answering("nonsense\r\n\r\n"));
    assert_eq!(get(&stage).status(), 502);
    assert_eq!(stage.endpoint.requests().len(), 1);
}

#[test]
fn a_kept_connection_that_died_costs_no_client_a_get() {
    let stage = Stage::with(Endpoint::scripted(|conn| {
        // One answer per connection, closed without saying so.
        conn.request();
        conn.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }));
    all_get_200(&mut stage.client(), 10);
}

#[test]
fn each_attempt_names_its_own_instance() {
    let (one, two) = (closing(), closing());
    let pair = pair(&one, &two);
    let mut client = pair.router.connect();
    client.get(HOST, "/");
    client.expect_status(502);
    assert_eq!(
        one.requests()[0].field("x-cf-instanceid"),
        Some("instance-0")
    );
    assert_eq!(
        two.requests()[0].field("x-cf-instanceid"),
        Some("instance-1")
    );
    assert_eq!(
        one.requests()[0].field("x-forwarded-for"),
        Some("127.0.0.1")
    );
}

#[test]
fn a_client_that_leaves_ends_its_attempt() {
    let stage = Stage::with(Endpoint::scripted(|conn| {
        conn.request();
        conn.until_closed();
    }));
    let mut client = stage.client();
    client.get(HOST, "/");
    stage.endpoint.eventually_has(1);
    client.reset();
    stage.endpoint.eventually_left_but(0);
    assert_eq!(stage.endpoint.requests().len(), 1);
}

fn get(stage: &Stage) -> Message {
    stage.exchange(format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n"))
}
