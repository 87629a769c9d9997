//! What endpoints answer: one reading, or 502; what was cut is never delivered as whole.

use harness::endpoint::Endpoint;
use harness::oracle::{Fault, Message};
use harness::stage::{HOST, Stage};

/// The endpoint's first connection answers `raw`; those after it answer properly.
fn once(raw: impl AsRef<[u8]> + Send + Sync + 'static) -> Endpoint {
    Endpoint::scripted(move |conn| {
        while conn.request().is_some() {
            match conn.number {
                0 => conn.send(&raw),
                _ => conn.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhonest"),
            }
        }
    })
}

/// `raw` must become a 502, and its connection must not carry another request.
fn bad_gateway(raw: impl AsRef<[u8]> + Send + Sync + 'static) {
    let shown = String::from_utf8_lossy(raw.as_ref()).into_owned();
    let stage = Stage::with(once(raw));
    let response = ask(&stage);
    assert_eq!(response.status(), 502, "{shown:?}: {response:#?}");
    let reason = response.field("x-cf-routererror").unwrap_or_default();
    assert!(
        reason.starts_with("endpoint_failure"),
        "{shown:?}: {reason}"
    );
    assert_eq!(stage.innocent().text(), "honest", "{shown:?}");
}

/// `raw` and a close must not look like a whole answer to the client.
fn cut(raw: &'static str) {
    let stage = Stage::with(Endpoint::scripted(move |conn| {
        conn.request();
        conn.send(raw);
    }));
    expect_cut(&stage);
}

fn expect_cut(stage: &Stage) {
    let mut client = stage.client();
    client.get(HOST, "/x");
    match client.try_response() {
        Err(Fault::Cut(_)) => {}
        Ok(response) => assert_eq!(response.status(), 502, "{response:#?}"),
        Err(fault) => panic!("{fault:?}"),
    }
}

fn ask(stage: &Stage) -> Message {
    stage.exchange(format!("GET /x HTTP/1.1\r\nHost: {HOST}\r\n\r\n"))
}

#[test]
fn a_body_cut_before_its_length() {
    cut("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234");
}

#[test]
fn a_body_cut_after_a_whole_chunk() {
    cut("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
}

#[test]
fn a_body_cut_after_its_last_chunk_but_before_the_end() {
    cut("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n");
}

#[test]
fn a_reset_ends_a_body_without_a_length() {
    let stage = Stage::with(Endpoint::scripted(|conn| {
        conn.request();
        conn.send("HTTP/1.1 200 OK\r\n\r\npart");
        conn.until_closed();
    }));
    let mut client = stage.client();
    client.get(HOST, "/x");
    let mut response = client.response_head();
    stage.endpoint.reset_all();
    assert!(
        matches!(client.body(&mut response), Err(Fault::Cut(_))),
        "{response:#?}"
    );
}

#[test]
fn a_cut_answer_to_a_1_0_client_is_not_a_clean_end() {
    let stage = Stage::with(Endpoint::scripted(|conn| {
        conn.request();
        conn.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    }));
    let mut client = stage.client();
    client.send(format!("GET /x HTTP/1.0\r\nHost: {HOST}\r\n\r\n"));
    match client.try_response() {
        Err(Fault::Cut(_)) => {}
        Ok(response) => assert_eq!(
            response.status(),
            502,
            "a cut body looks whole: {response:#?}"
        ),
        Err(fault) => panic!("{fault:?}"),
    }
}

#[test]
fn a_close_without_an_answer() {
    let stage = Stage::with(Endpoint::scripted(|conn| drop(conn.request())));
    let response = stage.exchange(format!(
        "POST /x HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 1\r\n\r\nx"
    ));
    assert_eq!(response.status(), 502);
}

#[test]
fn a_close_in_the_middle_of_the_head() {
    let stage = Stage::with(Endpoint::scripted(|conn| {
        conn.request();
        conn.send("HTTP/1.1 200 OK\r\nContent-Le");
    }));
    assert_eq!(ask(&stage).status(), 502);
}

#[test]
fn lengths_that_are_not_plain_digits() {
    for value in [
        "-5",
        "+5",
        "0x5",
        "5 5",
        "5,6",
        "",
        "five",
        "18446744073709551621",
    ] {
        bad_gateway(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {value}\r\n\r\nhello"
        ));
    }
}

#[test]
fn two_lengths_that_disagree() {
    bad_gateway("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!");
}

#[test]
fn two_equal_lengths_cross_as_one() {
    let stage = Stage::with(once(
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 05\r\n\r\nhello",
    ));
    let response = ask(&stage);
    assert_eq!(
        (response.status(), response.text().as_str()),
        (200, "hello")
    );
    assert_eq!(response.all("content-length").len(), 1);
}

#[test]
fn a_length_and_chunked() {
    bad_gateway(
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    );
}

#[test]
fn an_unknown_coding() {
    bad_gateway("HTTP/1.1 200 OK\r\nTransfer-Encoding: cow\r\n\r\nhello");
}

#[test]
fn chunked_twice() {
    bad_gateway(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    );
}

#[test]
fn chunked_in_an_http_1_0_answer() {
    bad_gateway("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
}

#[test]
fn a_bad_chunk_cuts_the_answer() {
    for chunk in [
        "0x5\r\nhello\r\n0\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5\r\nhelloXX0\r\n\r\n",
        "g\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        "10000000000000005\r\nhello\r\n0\r\n\r\n",
    ] {
        let raw =
            format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n{chunk}");
        let stage = Stage::with(once(raw));
        expect_cut(&stage);
        assert_eq!(stage.innocent().text(), "honest");
    }
}

#[test]
fn status_lines_that_are_none() {
    for line in [
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 20 OK",
        "HTTP/1.1 abc OK",
        "ICY 200 OK",
        "HTTP/1.1  200 OK",
        "HTTP/2.0 200 OK",
        "HTTP/1.1 000 OK",
        "HTTP/1.1",
        "200 OK",
    ] {
        bad_gateway(format!("{line}\r\nContent-Length: 2\r\n\r\nok"));
    }
}

#[test]
fn a_nul_in_a_field() {
    bad_gateway("HTTP/1.1 200 OK\r\nX-A: a\0b\r\nContent-Length: 2\r\n\r\nok");
}

#[test]
fn a_bare_cr_that_injects_a_field() {
    bad_gateway("HTTP/1.1 200 OK\r\nX-A: a\rSet-Cookie: evil=1\r\nContent-Length: 2\r\n\r\nok");
}

#[test]
fn a_bare_lf_that_injects_a_field() {
    bad_gateway("HTTP/1.1 200 OK\r\nX-A: a\nSet-Cookie: evil=1\r\nContent-Length: 2\r\n\r\nok");
}

#[test]
fn a_folded_field() {
    bad_gateway("HTTP/1.1 200 OK\r\nX-A: a\r\n b\r\nContent-Length: 2\r\n\r\nok");
}

#[test]
fn a_blank_before_a_colon() {
    bad_gateway("HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok");
}

#[test]
fn a_head_without_end_is_bounded() {
    let field = format!("X-Filler: {}\r\n", "v".repeat(8000));
    bad_gateway(format!("HTTP/1.1 200 OK\r\n{}", field.repeat(1600)));
}

#[test]
fn more_fields_than_are_allowed() {
    let stage = Stage::configured(
        Endpoint::answering(format!(
            "HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n",
            "X-A: b\r\n".repeat(20)
        )),
        &serde_json::json!({ "max_response_headers": 10 }),
    );
    let response = ask(&stage);
    assert_eq!(response.status(), 502);
    assert_eq!(
        response.field("x-cf-routererror"),
        Some("endpoint_failure (Too many response headers)")
    );
}

#[test]
fn five_hundred_interim_answers_are_bounded() {
    let interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(500);
    let raw = format!("{interim}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let stage = Stage::with(once(raw));
    let mut client = stage.client();
    client.get(HOST, "/x");
    let mut seen = 0;
    let last = loop {
        let response = client.response();
        if response.status() >= 200 {
            break response;
        }
        seen += 1;
    };
    assert!(
        seen <= 500 && [200, 502].contains(&last.status()),
        "{seen}: {last:#?}"
    );
}

#[test]
fn a_103_then_a_200() {
    let raw = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let stage = Stage::with(Endpoint::answering(raw));
    let mut client = stage.client();
    for _ in 0..2 {
        client.get(HOST, "/x");
        assert_eq!(client.expect_status(103).field("link"), Some("</a>"));
        assert_eq!(client.expect_status(200).text(), "ok");
    }
}

#[test]
fn a_100_nobody_asked_for() {
    let raw = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let stage = Stage::with(Endpoint::answering(raw));
    let mut client = stage.client();
    client.get(HOST, "/x");
    let first = client.response();
    let last = if first.status() == 100 {
        client.response()
    } else {
        first
    };
    assert_eq!((last.status(), last.text().as_str()), (200, "ok"));
}

#[test]
fn a_101_nobody_asked_for() {
    bad_gateway(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nraw",
    );
}

#[test]
fn a_chunked_answer_to_a_1_0_client_is_unchunked() {
    let stage = Stage::with(Endpoint::answering(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ));
    let mut client = stage.client();
    client.send(format!("GET /x HTTP/1.0\r\nHost: {HOST}\r\n\r\n"));
    let response = client.expect_status(200);
    assert_eq!(response.field("transfer-encoding"), None);
    assert_eq!(response.text(), "hello");
    client.expect_closed();
}

#[test]
fn the_second_of_two_answers_is_dropped() {
    let good = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst";
    let stage = Stage::with(once(format!(
        "{good}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    )));
    assert_eq!(ask(&stage).text(), "first");
    assert_eq!(stage.innocent().text(), "honest");
}

#[test]
fn bytes_beyond_the_length_are_dropped() {
    let stage = Stage::with(once(
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst and more",
    ));
    assert_eq!(ask(&stage).text(), "first");
    assert_eq!(stage.innocent().text(), "honest");
}

#[test]
fn an_answer_as_the_body_of_head_is_dropped() {
    let stage = Stage::with(once("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"));
    let mut client = stage.client();
    client.send(format!("HEAD /x HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
    let response = client.response_to_head();
    assert_eq!(
        (response.status(), response.field("content-length")),
        (200, Some("4"))
    );
    client.get(HOST, "/next");
    assert_eq!(client.expect_status(200).text(), "honest");
}

#[test]
fn an_answer_as_the_body_of_304_is_dropped() {
    let stage = Stage::with(once(
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nevil",
    ));
    let mut client = stage.client();
    client.get(HOST, "/x");
    client.expect_status(304);
    client.get(HOST, "/next");
    assert_eq!(client.expect_status(200).text(), "honest");
}

#[test]
fn an_answer_as_the_body_of_204_is_dropped() {
    let stage = Stage::with(once(
        "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    ));
    let mut client = stage.client();
    client.get(HOST, "/x");
    assert_eq!(client.expect_status(204).field("transfer-encoding"), None);
    client.get(HOST, "/next");
    assert_eq!(client.expect_status(200).text(), "honest");
}
