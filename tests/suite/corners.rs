//! Corners of the walk that no table names: sizes, methods without bodies, odd but legal targets.

use harness::endpoint::Endpoint;
use harness::stage::{HOST, Stage, post};

#[test]
fn a_refusal_of_head_has_no_body() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let mut client = stage.client();
    client.send("HEAD /x HTTP/1.1\r\nHost: unknown.org\r\n\r\n");
    assert_eq!(client.response_to_head().status(), 404);
    client.get(HOST, "/x");
    client.expect_status(200);
}

#[test]
fn a_refused_1_0_client_is_closed() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let mut client = stage.client();
    client.send("GET /x HTTP/1.0\r\nHost: unknown.org\r\n\r\n");
    client.expect_status(404);
    client.expect_closed();
}

#[test]
fn a_client_that_waits_for_100_is_told_of_a_refusal() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let mut client = stage.client();
    client.send("POST /x HTTP/1.1\r\nHost: unknown.org\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    client.expect_status(404);
}

#[test]
fn options_for_the_star_is_answered_here() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let answer = stage.exchange(format!("OPTIONS * HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
    assert_eq!((answer.status(), answer.body.len()), (200, 0));
    assert!(stage.heard().is_empty());
}

#[test]
fn a_target_with_two_slashes_stays_a_path() {
    let stage = Stage::with(Endpoint::saying("hello"));
    assert_eq!(
        stage
            .exchange(format!("GET //evil.org/x HTTP/1.1\r\nHost: {HOST}\r\n\r\n"))
            .status(),
        200
    );
    let request = &stage.heard()[0];
    assert_eq!(request.field("host"), Some(HOST));
    let target = request.target();
    assert!(
        target == "//evil.org/x" || target == format!("http://{HOST}//evil.org/x"),
        "{target}"
    );
}

#[test]
fn a_head_of_half_a_megabyte_passes() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let fields = format!("X-Filler: {}\r\n", "v".repeat(1000)).repeat(500);
    assert_eq!(
        stage
            .exchange(format!("GET /x HTTP/1.1\r\nHost: {HOST}\r\n{fields}\r\n"))
            .status(),
        200
    );
    assert_eq!(stage.heard()[0].all("x-filler").len(), 500);
}

#[test]
fn an_answers_head_of_a_megabyte_passes() {
    let fields = format!("X-Filler: {}\r\n", "v".repeat(1000)).repeat(1000);
    let stage = Stage::with(Endpoint::answering(format!(
        "HTTP/1.1 200 OK\r\n{fields}Content-Length: 2\r\n\r\nok"
    )));
    let answer = stage.exchange(format!("GET /x HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
    assert_eq!(
        (
            answer.status(),
            answer.all("x-filler").len(),
            answer.text().as_str()
        ),
        (200, 1000, "ok")
    );
}

#[test]
fn an_answer_split_at_every_byte_is_the_same_answer() {
    let stage = Stage::with(Endpoint::scripted(|conn| {
        while conn.request().is_some() {
            for byte in b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n5\r\nhello\r\n0\r\nT: v\r\n\r\n" {
                conn.send([*byte]);
            }
        }
    }));
    let mut client = stage.client();
    for _ in 0..3 {
        client.get(HOST, "/x");
        let answer = client.expect_status(200);
        assert_eq!(
            (answer.text().as_str(), answer.field("x-a")),
            ("hello", Some("b"))
        );
        assert_eq!(answer.trailers, [("T".to_owned(), "v".to_owned())]);
    }
    assert_eq!(stage.endpoint.connections(), 1);
}

#[test]
fn an_empty_chunked_body_and_an_empty_length_pass() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let mut client = stage.client();
    client.send(post("Transfer-Encoding: chunked\r\n", "0\r\n\r\n"));
    client.expect_status(200);
    client.send(post("Content-Length: 0\r\n", ""));
    client.expect_status(200);
    assert!(stage.heard().iter().all(|request| request.body.is_empty()));
}

#[test]
fn empty_lines_before_a_request_are_skipped_or_refused() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let mut client = stage.client();
    client.send(format!("\r\nGET /x HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
    // RFC 9112 2.2 lets a server skip one; what must not happen is anything else.
    assert!([200, 400].contains(&client.response().status()));
}

#[test]
fn a_name_with_a_dot_at_its_end_is_no_other_name() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let answer = stage.exchange(format!("GET /x HTTP/1.1\r\nHost: {HOST}.\r\n\r\n"));
    assert!([200, 404].contains(&answer.status()), "{answer:#?}");
}

#[test]
fn an_unregistered_endpoint_gets_no_request_over_a_kept_connection() {
    let stage = Stage::with(Endpoint::saying("old"));
    let mut client = stage.client();
    client.get(HOST, "/x");
    assert_eq!(client.expect_status(200).text(), "old");
    let fresh = Endpoint::saying("new");
    stage.bus.unregister(HOST, &stage.endpoint);
    stage.bus.register(HOST, &[&fresh]);
    harness::wait::eventually("the new endpoint serves", || {
        client.get(HOST, "/y");
        client.response().text() == "new"
    });
    for _ in 0..4 {
        client.get(HOST, "/z");
        assert_eq!(client.expect_status(200).text(), "new");
    }
}
