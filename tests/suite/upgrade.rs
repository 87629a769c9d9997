//! Upgrades: a tunnel opens on a 101 that was asked for, and on nothing else.

use harness::endpoint::Endpoint;
use harness::oracle::Message;
use harness::stage::{HOST, Stage};

const SWITCH: &str =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

fn handshake(version: &str, further: &str) -> String {
    format!(
        "GET /chat {version}\r\nHost: {HOST}\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{further}\r\n"
    )
}

/// Accepts the upgrade, then says everything back.
fn echo() -> Endpoint {
    Endpoint::scripted(|conn| {
        if conn.head().is_none() {
            return;
        }
        conn.send(SWITCH);
        loop {
            let byte = conn.bytes(1);
            if byte.is_empty() {
                return;
            }
            conn.send(byte);
        }
    })
}

fn other_requests(stage: &Stage) -> Vec<Message> {
    stage
        .heard()
        .into_iter()
        .filter(|one| one.target() != "/chat")
        .collect()
}

#[test]
fn a_websocket_is_a_tunnel_both_ways() {
    let stage = Stage::with(echo());
    let mut client = stage.client();
    client.send(handshake("HTTP/1.1", ""));
    let answer = client.expect_status(101);
    assert_eq!(answer.field("upgrade"), Some("websocket"));
    assert!(
        answer
            .field("connection")
            .unwrap()
            .eq_ignore_ascii_case("upgrade")
    );
    for text in ["\x01\x02\0\r\n", "GET / HTTP/1.1\r\n\r\n", "more"] {
        client.send(text);
        assert_eq!(client.bytes(text.len()), text.as_bytes());
    }
    let bytes = &stage.endpoint.received()[0];
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    assert!(
        text.contains("\r\nconnection: upgrade\r\n") && text.contains("\r\nupgrade: websocket\r\n"),
        "{text}"
    );
}

#[test]
fn bytes_behind_the_handshake_are_not_lost() {
    let stage = Stage::with(Endpoint::scripted(|conn| {
        conn.head();
        // What the endpoint says first travels in one write with its answer.
        conn.send(format!("{SWITCH}welcome"));
        let said = conn.bytes(5);
        conn.send(said);
    }));
    let mut client = stage.client();
    client.send(handshake("HTTP/1.1", ""));
    client.expect_status(101);
    assert_eq!(client.bytes(7), b"welcome");
    client.send("hello");
    assert_eq!(client.bytes(5), b"hello");
    client.expect_closed();
}

#[test]
fn a_tunnel_carries_megabytes_at_once() {
    let stage = Stage::with(Endpoint::scripted(|conn| {
        conn.head();
        conn.send(SWITCH);
        let bytes = conn.bytes(8 << 20);
        conn.send(bytes);
    }));
    let mut client = stage.client();
    client.send(handshake("HTTP/1.1", ""));
    client.expect_status(101);
    let bytes = vec![7; 8 << 20];
    client.send(&bytes);
    assert!(client.bytes(bytes.len()) == bytes);
}

#[test]
fn when_the_client_leaves_a_tunnel_the_endpoint_is_told() {
    let stage = Stage::with(echo());
    let mut client = stage.client();
    client.send(handshake("HTTP/1.1", ""));
    client.expect_status(101);
    client.reset();
    stage.endpoint.eventually_left_but(0);
}

#[test]
fn half_of_a_tunnel_may_end_first() {
    let stage = Stage::with(Endpoint::scripted(|conn| {
        conn.head();
        conn.send(SWITCH);
        conn.until_closed();
        conn.send("last words");
    }));
    let mut client = stage.client();
    client.send(handshake("HTTP/1.1", ""));
    client.expect_status(101);
    client.send("all I say");
    client.half_close();
    let (rest, how) = client.rest();
    assert_eq!((rest.as_slice(), how), (&b"last words"[..], Ok(())));
}

#[test]
fn other_protocols_are_tunnelled_as_well() {
    let stage = Stage::with(Endpoint::scripted(|conn| {
        conn.head();
        conn.send(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: foo/2\r\n\r\nhi",
        );
    }));
    let mut client = stage.client();
    client.send(format!(
        "GET /chat HTTP/1.1\r\nHost: {HOST}\r\nConnection: upgrade\r\nUpgrade: foo/2\r\n\r\n"
    ));
    client.expect_status(101);
    assert_eq!(client.bytes(2), b"hi");
}

#[test]
fn an_answer_with_another_protocol_is_502() {
    let stage = Stage::with(Endpoint::scripted(|conn| {
        conn.head();
        conn.send(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n",
        );
    }));
    assert_eq!(stage.exchange(handshake("HTTP/1.1", "")).status(), 502);
}

#[test]
fn an_upgrade_answered_200_is_no_tunnel() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let mut client = stage.client();
    client
        .send(handshake("HTTP/1.1", "") + &format!("GET /behind HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
    assert_eq!(client.expect_status(200).text(), "hello");
    // Read as a request, with its own fields added, not as raw bytes of a tunnel.
    client.expect_status(200);
    let behind = &other_requests(&stage)[0];
    assert!(behind.field("x-vcap-request-id").is_some(), "{behind:#?}");
}

#[test]
fn a_200_that_echoes_upgrade_is_no_tunnel() {
    let stage = Stage::with(Endpoint::answering(
        "HTTP/1.1 200 OK\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nok",
    ));
    let mut client = stage.client();
    client
        .send(handshake("HTTP/1.1", "") + &format!("GET /behind HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
    let answer = client.expect_status(200);
    assert_eq!(
        (answer.text().as_str(), answer.field("upgrade")),
        ("ok", None)
    );
    client.expect_status(200);
    assert!(
        other_requests(&stage)[0]
            .field("x-vcap-request-id")
            .is_some()
    );
}

#[test]
fn a_refused_upgrade_keeps_both_connections() {
    let stage = Stage::with(Endpoint::answering(
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
    ));
    let mut client = stage.client();
    for _ in 0..2 {
        client.send(handshake("HTTP/1.1", ""));
        client.expect_status(403);
    }
    assert_eq!(stage.endpoint.connections(), 1);
}

#[test]
fn the_body_of_an_upgrade_request_stays_its_body() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let behind = format!("GET /smuggled HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    let length = format!("Content-Length: {}\r\n", behind.len());
    let mut client = stage.client();
    client.send(handshake("HTTP/1.1", &length) + &behind);
    client.expect_status(200);
    let heard = stage.heard();
    assert_eq!((heard.len(), heard[0].text()), (1, behind));
}

#[test]
fn an_upgrade_on_http_1_0_is_ignored() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let mut client = stage.client();
    client.send(handshake("HTTP/1.0", ""));
    client.expect_status(200);
    assert_eq!(stage.heard()[0].field("upgrade"), None);
}

#[test]
fn a_tunnel_outlives_the_endpoint_timeout() {
    let stage = Stage::configured(
        Endpoint::scripted(|conn| {
            if conn.head().is_some_and(|head| head.target() == "/chat") {
                conn.send(SWITCH);
                let said = conn.bytes(5);
                conn.send(said);
            }
            conn.until_closed();
        }),
        &serde_json::json!({ "endpoint_timeout": "500ms" }),
    );
    let mut client = stage.client();
    client.send(handshake("HTTP/1.1", ""));
    client.expect_status(101);
    // A request that is never answered tells when the timeout has passed.
    let answer = stage.exchange(format!("GET /x HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
    assert_eq!(answer.status(), 502);
    client.send("hello");
    assert_eq!(client.bytes(5), b"hello");
}
