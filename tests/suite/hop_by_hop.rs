//! What belongs to one connection stays on it; what a client claims is not believed.

use harness::endpoint::Endpoint;
use harness::stage::{HOST, Stage, post};
use serde_json::json;

fn heard(fields: &str) -> harness::oracle::Message {
    let stage = Stage::with(Endpoint::saying("hello"));
    assert_eq!(
        stage
            .exchange(format!("GET /x HTTP/1.1\r\nHost: {HOST}\r\n{fields}\r\n"))
            .status(),
        200
    );
    stage.heard()[0].clone()
}

#[test]
fn a_field_named_in_connection_is_removed() {
    let request = heard("Connection: keep-alive, X-Private\r\nX-Private: 1\r\nX-Public: 2\r\n");
    assert_eq!(request.field("x-private"), None);
    assert_eq!(request.field("x-public"), Some("2"));
}

#[test]
fn every_connection_line_counts() {
    let request = heard("Connection: X-One\r\nX-One: 1\r\nConnection: x-two\r\nX-Two: 2\r\n");
    assert_eq!(
        (request.field("x-one"), request.field("x-two")),
        (None, None)
    );
}

#[test]
fn the_hop_by_hop_fields_are_removed() {
    let request = heard(
        "Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: Basic x\r\n\
         Proxy-Authenticate: Basic\r\nTE: gzip\r\nTrailer: X-Sum\r\nUpgrade: foo\r\n",
    );
    for name in [
        "keep-alive",
        "proxy-connection",
        "proxy-authorization",
        "proxy-authenticate",
        "te",
        "upgrade",
    ] {
        assert_eq!(request.field(name), None, "{name}");
    }
}

#[test]
fn te_trailers_is_passed_on() {
    assert_eq!(
        heard("TE: trailers\r\nConnection: TE\r\n").field("te"),
        Some("trailers")
    );
}

#[test]
fn connection_cannot_hide_the_client() {
    let request = heard("Connection: X-Forwarded-For\r\nX-Forwarded-For: 1.2.3.4\r\n");
    let real = request
        .field("x-forwarded-for")
        .expect("the client's address is known");
    assert!(real.ends_with("127.0.0.1"), "{real}");
}

#[test]
fn connection_cannot_take_the_framing_away() {
    let stage = Stage::with(Endpoint::saying("hello"));
    for framing in ["Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"] {
        let name = framing.split(':').next().unwrap();
        let body = if name == "Content-Length" {
            "hello"
        } else {
            "5\r\nhello\r\n0\r\n\r\n"
        };
        let response = stage.exchange(post(&format!("Connection: {name}\r\n{framing}"), body));
        assert_eq!(response.status(), 200);
    }
    let bodies: Vec<String> = stage.heard().iter().map(|request| request.text()).collect();
    assert_eq!(bodies, ["hello", "hello"]);
}

#[test]
fn connection_cannot_take_the_host_away() {
    assert_eq!(heard("Connection: Host\r\n").field("host"), Some(HOST));
}

#[test]
fn an_upgrade_to_h2c_is_not_passed_on() {
    let request = heard(
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
    );
    assert_eq!(
        (request.field("upgrade"), request.field("http2-settings")),
        (None, None)
    );
}

#[test]
fn a_claimed_address_stands_before_the_real_one() {
    let request = heard("X-Forwarded-For: 1.2.3.4\r\n");
    assert_eq!(request.field("x-forwarded-for"), Some("1.2.3.4, 127.0.0.1"));
}

#[test]
fn several_claimed_addresses_become_one_line() {
    let request = heard("X-Forwarded-For: 1.2.3.4\r\nX-A: b\r\nX-Forwarded-For: 5.6.7.8\r\n");
    assert_eq!(
        request.field("x-forwarded-for"),
        Some("1.2.3.4, 5.6.7.8, 127.0.0.1")
    );
}

#[test]
fn filtered_names_cannot_be_removed_through_connection() {
    let further =
        json!({ "hop_by_hop_headers_to_filter": ["X-Forwarded-Proto", "X-Request-Start"] });
    let stage = Stage::configured(Endpoint::saying("hello"), &further);
    let raw = format!(
        "GET /x HTTP/1.1\r\nHost: {HOST}\r\nConnection: x-request-start, X-Other\r\n\
                       X-Request-Start: 12345\r\nX-Other: 1\r\n\r\n"
    );
    assert_eq!(stage.exchange(raw).status(), 200);
    let request = &stage.heard()[0];
    assert_eq!(
        (request.field("x-request-start"), request.field("x-other")),
        (Some("12345"), None)
    );
}

#[test]
fn a_field_named_in_the_endpoints_connection_is_removed() {
    let stage = Stage::with(Endpoint::answering(
        "HTTP/1.1 200 OK\r\nConnection: X-Private\r\nX-Private: 1\r\nKeep-Alive: timeout=1\r\n\
         Proxy-Connection: close\r\nX-Public: 2\r\nContent-Length: 2\r\n\r\nok",
    ));
    let response = stage.exchange(format!("GET /x HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
    for name in ["x-private", "keep-alive", "proxy-connection"] {
        assert_eq!(response.field(name), None, "{name}");
    }
    assert_eq!(response.field("x-public"), Some("2"));
}
