//! `Expect: 100-continue`: who waits is told, who refuses is heard, and nobody else is hurt.

use std::time::Duration;

use harness::endpoint::{Conn, Endpoint};
use harness::oracle::Fault;
use harness::stage::{HOST, Stage};

fn ok(conn: &mut Conn) {
    conn.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

fn answering_all() -> Endpoint {
    Endpoint::scripted(|conn| {
        while conn.request().is_some() {
            ok(conn);
        }
    })
}

fn expecting(version: &str) -> String {
    format!(
        "POST /x {version}\r\nHost: {HOST}\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    )
}

#[test]
fn a_client_that_waits_for_100_gets_it_and_then_its_answer() {
    let stage = Stage::with(Endpoint::scripted(|conn| {
        while let Some(mut head) = conn.head() {
            assert_eq!(head.field("expect"), Some("100-continue"));
            conn.send("HTTP/1.1 100 Continue\r\n\r\n");
            if conn.body(&mut head).is_ok() {
                conn.send(format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}",
                    head.text()
                ));
            }
        }
    }));
    let mut client = stage.client();
    for _ in 0..2 {
        client.send(expecting("HTTP/1.1"));
        assert_eq!(client.response().status(), 100);
        client.send("hello");
        assert_eq!(client.expect_status(200).text(), "hello");
    }
}

#[test]
fn an_endpoint_that_never_says_100_still_gets_the_body() {
    let stage = Stage::with(answering_all());
    let mut client = stage.client();
    client.send(expecting("HTTP/1.1"));
    let patience = Some(Duration::from_secs(3));
    client.stream().set_read_timeout(patience).unwrap();
    let first = client.try_response();
    client.send("hello");
    match first {
        Ok(interim) => assert_eq!(interim.status(), 100),
        Err(fault) => assert_eq!(fault, Fault::Timeout),
    }
    client.expect_status(200);
    assert_eq!(stage.endpoint.request().text(), "hello");
}

#[test]
fn a_1_0_client_never_gets_a_100() {
    let stage = Stage::with(Endpoint::scripted(|conn| {
        while let Some(mut head) = conn.head() {
            conn.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n");
            let _ = conn.body(&mut head);
            ok(conn);
        }
    }));
    let mut client = stage.client();
    client.send(expecting("HTTP/1.0") + "hello");
    client.expect_status(200);
}

#[test]
fn a_refusal_before_the_body_reaches_the_client_and_hurts_nobody() {
    let stage = Stage::with(Endpoint::scripted(|conn| {
        while let Some(head) = conn.head() {
            if head.field("expect").is_some() {
                conn.send("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno");
            } else {
                conn.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhonest");
            }
        }
    }));
    let mut client = stage.client();
    client.send(expecting("HTTP/1.1"));
    assert_eq!(client.expect_status(417).text(), "no");
    for _ in 0..3 {
        assert_eq!(stage.innocent().text(), "honest");
    }
}

#[test]
fn other_expectations_are_417() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let answer = stage.exchange(format!(
        "GET / HTTP/1.1\r\nHost: {HOST}\r\nExpect: the-unexpected\r\n\r\n"
    ));
    assert_eq!(answer.status(), 417);
    assert!(stage.heard().is_empty());
}
