//! Deadlines: every wait ends, and says how.

use harness::endpoint::Endpoint;
use harness::oracle::Fault;
use harness::stage::{HOST, Stage, post};
use serde_json::{Value, json};

fn silent() -> Endpoint {
    Endpoint::scripted(|conn| {
        conn.request();
        conn.until_closed();
    })
}

fn get(stage: &Stage) -> harness::oracle::Message {
    stage.exchange(format!("GET /x HTTP/1.1\r\nHost: {HOST}\r\n\r\n"))
}

fn endpoint_timeout() -> Value {
    json!({ "endpoint_timeout": "500ms" })
}

#[test]
fn an_endpoint_that_never_answers_is_502() {
    let stage = Stage::configured(silent(), &endpoint_timeout());
    let answer = get(&stage);
    assert_eq!(answer.status(), 502);
    assert_eq!(
        answer.field("x-cf-routererror"),
        Some("endpoint_failure (context deadline exceeded)")
    );
    stage.endpoint.eventually_left_but(0);
    assert_eq!(
        stage.endpoint.requests().len(),
        1,
        "a timeout is not tried again"
    );
}

#[test]
fn an_endpoint_that_stops_in_its_head_is_502() {
    let endpoint = Endpoint::scripted(|conn| {
        conn.request();
        conn.send("HTTP/1.1 200 OK\r\nContent-");
        conn.until_closed();
    });
    assert_eq!(
        get(&Stage::configured(endpoint, &endpoint_timeout())).status(),
        502
    );
}

#[test]
fn an_endpoint_that_stops_in_its_body_is_cut() {
    let endpoint = Endpoint::scripted(|conn| {
        conn.request();
        conn.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234");
        conn.until_closed();
    });
    let stage = Stage::configured(endpoint, &endpoint_timeout());
    let mut client = stage.client();
    client.get(HOST, "/x");
    assert!(matches!(client.try_response(), Err(Fault::Cut(_))));
    stage.endpoint.eventually_left_but(0);
}

#[test]
fn without_a_timeout_an_endpoint_may_take_its_time() {
    let endpoint = Endpoint::scripted(|conn| {
        if conn
            .request()
            .is_some_and(|request| request.target() == "/slow")
        {
            conn.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
            conn.send("slow");
        }
        conn.until_closed();
    });
    let stage = Stage::configured(endpoint, &json!({ "endpoint_timeout": "0s" }));
    let mut client = stage.client();
    client.get(HOST, "/slow");
    assert_eq!(client.expect_status(200).text(), "slow");
}

#[test]
fn a_client_that_stops_in_its_head_is_let_go() {
    let stage = Stage::configured(
        Endpoint::saying("hello"),
        &json!({ "read_header_timeout": "200ms" }),
    );
    let mut client = stage.client();
    client.send(format!("GET /x HTTP/1.1\r\nHost: {HOST}\r\nX-Slow: "));
    let (rest, how) = client.rest();
    assert_ne!(how, Err(Fault::Timeout), "the router waits for ever");
    let text = String::from_utf8_lossy(&rest);
    assert!(
        rest.is_empty() || text.starts_with("HTTP/1.1 408"),
        "{text}"
    );
    assert!(stage.heard().is_empty());
}

#[test]
fn an_idle_client_is_let_go() {
    let stage = Stage::configured(
        Endpoint::saying("hello"),
        &json!({ "frontend_idle_timeout": "200ms" }),
    );
    let mut client = stage.client();
    client.get(HOST, "/x");
    client.expect_status(200);
    client.expect_closed();
}

#[test]
fn a_client_that_never_says_a_word_is_let_go() {
    let stage = Stage::configured(
        Endpoint::saying("hello"),
        &json!({ "frontend_idle_timeout": "200ms" }),
    );
    stage.client().expect_closed();
}

#[test]
fn an_idle_timeout_leaves_a_busy_client_alone() {
    let endpoint = Endpoint::scripted(|conn| {
        conn.request();
        conn.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbusy");
    });
    let stage = Stage::configured(endpoint, &json!({ "frontend_idle_timeout": "2s" }));
    let mut client = stage.client();
    for _ in 0..3 {
        client.get(HOST, "/x");
        assert_eq!(client.expect_status(200).text(), "busy");
    }
}

#[test]
fn an_upload_that_stalls_ends_with_the_endpoint_timeout() {
    let stage = Stage::configured(Endpoint::saying("hello"), &endpoint_timeout());
    let mut client = stage.client();
    client.send(post("Content-Length: 10\r\n", "01234"));
    let (_answer, how) = client.rest();
    assert_ne!(how, Err(Fault::Timeout), "the router waits for ever");
    stage.endpoint.eventually_sees_a_cut();
    assert!(stage.heard().is_empty());
}

#[test]
fn an_answer_that_stands_still_is_cut_where_bodies_must_move() {
    let endpoint = Endpoint::scripted(|conn| {
        conn.request();
        conn.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234");
        conn.until_closed();
    });
    let patience = json!({ "switchyard": { "body_idle_timeout": "200ms" } });
    let stage = Stage::configured(endpoint, &patience);
    let mut client = stage.client();
    client.get(HOST, "/x");
    let (answer, how) = client.rest();
    assert_ne!(how, Err(Fault::Timeout), "the router waits for ever");
    assert!(String::from_utf8_lossy(&answer).ends_with("01234"));
}
