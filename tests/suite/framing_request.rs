//! How a request's body is delimited: one reading, or 400 and a close.

use harness::endpoint::Endpoint;
use harness::stage::{HOST, Stage, post, refused, refused_each, refused_with};
use harness::wait::eventually;

const BEHIND: &str = "GET /smuggled HTTP/1.1\r\nHost: a.example.com\r\n\r\n";

#[test]
fn chunked_plus_a_long_content_length() {
    let body = format!("0\r\n\r\n{BEHIND}");
    refused(post(
        "Content-Length: 54\r\nTransfer-Encoding: chunked\r\n",
        &body,
    ));
}

#[test]
fn a_short_content_length_plus_chunked() {
    let body = format!("3\r\nabc\r\n0\r\n\r\n{BEHIND}");
    refused(post(
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        &body,
    ));
}

#[test]
fn after_both_framings_the_connection_is_not_reused() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let mut client = stage.client();
    client.send(post(
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "0\r\n\r\n",
    ));
    client.send(BEHIND);
    client.expect_status(400);
    client.expect_closed();
    assert!(stage.heard().is_empty());
}

#[test]
fn chunked_then_another_coding_on_a_second_line() {
    refused(post(
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n",
        "0\r\n\r\n",
    ));
}

#[test]
fn another_coding_then_chunked_on_a_second_line() {
    refused_with(
        &[400, 501],
        post(
            "Transfer-Encoding: cow\r\nTransfer-Encoding: chunked\r\n",
            "0\r\n\r\n",
        ),
    );
}

#[test]
fn an_empty_second_transfer_encoding() {
    refused(post(
        "Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n",
        "0\r\n\r\n",
    ));
}

#[test]
fn an_unknown_coding_with_a_length() {
    refused_with(
        &[400, 501],
        post(
            "Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n",
            "0\r\n\r\n",
        ),
    );
}

#[test]
fn identity_with_a_length() {
    refused_with(
        &[400, 501],
        post(
            "Transfer-Encoding: identity\r\nContent-Length: 5\r\n",
            "0\r\n\r\n",
        ),
    );
}

#[test]
fn a_comma_before_chunked_with_a_length() {
    refused(post(
        "Transfer-Encoding: ,chunked\r\nContent-Length: 5\r\n",
        "0\r\n\r\n",
    ));
}

#[test]
fn a_comma_after_chunked_with_a_length() {
    refused(post(
        "Transfer-Encoding: chunked,\r\nContent-Length: 5\r\n",
        "0\r\n\r\n",
    ));
}

#[test]
fn a_vertical_tab_before_chunked() {
    refused(post(
        "Transfer-Encoding: \x0bchunked\r\nContent-Length: 5\r\n",
        "0\r\n\r\n",
    ));
}

#[test]
fn a_blank_between_transfer_encoding_and_its_colon() {
    refused(post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"));
}

#[test]
fn a_nul_after_the_name_transfer_encoding() {
    refused(post(
        "Transfer-Encoding\0: chunked\r\nContent-Length: 5\r\n",
        "0\r\n\r\n",
    ));
}

#[test]
fn a_bare_cr_that_hides_a_transfer_encoding() {
    refused(post(
        "A: b\rTransfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "0\r\n\r\n",
    ));
}

#[test]
fn a_bare_lf_that_makes_a_transfer_encoding() {
    refused(post(
        "A: b\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "0\r\n\r\n",
    ));
}

#[test]
fn a_nul_that_hides_a_transfer_encoding() {
    refused(post(
        "A: b\0Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "0\r\n\r\n",
    ));
}

#[test]
fn a_transfer_encoding_whose_value_is_folded() {
    refused(post(
        "Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n",
        "0\r\n\r\n",
    ));
}

#[test]
fn a_transfer_encoding_in_another_fields_fold() {
    refused(post(
        "A: b\r\n Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "0\r\n\r\n",
    ));
}

#[test]
fn a_coding_without_chunked() {
    refused_with(&[400, 501], post("Transfer-Encoding: gzip\r\n", ""));
}

#[test]
fn a_coding_before_chunked_on_one_line() {
    refused_with(
        &[400, 501],
        post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
    );
}

#[test]
fn chunked_twice() {
    refused(post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"));
}

#[test]
fn chunked_on_two_lines() {
    refused(post(
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "0\r\n\r\n",
    ));
}

#[test]
fn chunked_in_http_1_0() {
    let raw =
        format!("POST /x HTTP/1.0\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    refused(raw);
}

#[test]
fn a_1_0_post_without_a_length_has_no_body() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let mut client = stage.client();
    client.send(format!("POST /x HTTP/1.0\r\nHost: {HOST}\r\n\r\n{BEHIND}"));
    client.expect_status(200);
    client.expect_closed();
    let heard = stage.heard();
    assert_eq!(heard.len(), 1, "{heard:#?}");
    assert_eq!((heard[0].target(), heard[0].body.len()), ("/x", 0));
}

#[test]
fn lengths_that_are_not_plain_digits() {
    refused_each(
        [
            "+5", "-5", "0x5", "5 5", "5,", ",5", "5;", "5.0", "five", "\u{665}", "5\x0b", "\x0c5",
        ]
        .map(|value| post(&format!("Content-Length: {value}\r\n"), "hello")),
    );
}

#[test]
fn a_length_beyond_64_bits() {
    refused(post("Content-Length: 18446744073709551621\r\n", "hello"));
}

#[test]
fn a_length_with_leading_zeros_is_decimal() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let mut client = stage.client();
    client.send(post("Content-Length: 0000000010\r\n", "0123456789"));
    match client.response().status() {
        200 => assert_eq!(stage.heard()[0].body, b"0123456789"),
        status => assert_eq!(status, 400),
    }
}

#[test]
fn a_list_of_equal_lengths() {
    refused(post("Content-Length: 5, 5\r\n", "hello"));
}

#[test]
fn two_equal_lengths() {
    refused(post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"));
}

#[test]
fn two_lengths_that_disagree() {
    refused(post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!"));
}

#[test]
fn an_empty_length_before_a_real_one() {
    refused(post("Content-Length:\r\nContent-Length: 5\r\n", "hello"));
}

#[test]
fn an_empty_length() {
    refused(post("Content-Length:\r\n", "hello"));
}

#[test]
fn a_blank_between_content_length_and_its_colon() {
    refused(post("Content-Length : 5\r\n", "hello"));
}

#[test]
fn an_empty_field_name_ahead_of_the_length() {
    refused(post(": x\r\nContent-Length: 5\r\n", "hello"));
}

#[test]
fn a_body_cut_before_its_length_is_never_whole() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let mut client = stage.client();
    client.send(post("Content-Length: 10\r\n", "01234"));
    eventually("the endpoint has a part", || {
        stage.endpoint.received().concat().ends_with(b"01234")
    });
    client.half_close();
    let (_answer, _how) = client.rest();
    assert!(stage.heard().is_empty(), "{:#?}", stage.heard());
    stage.endpoint.eventually_sees_a_cut();
}

#[test]
fn a_request_as_the_body_of_a_get_stays_its_body() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let mut client = stage.client();
    let length = BEHIND.len();
    client.send(format!(
        "GET /x HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {length}\r\n\r\n{BEHIND}"
    ));
    client.expect_status(200);
    client.get(HOST, "/next");
    client.expect_status(200);
    let heard = stage.heard();
    assert_eq!(
        heard.iter().map(|one| one.target()).collect::<Vec<_>>(),
        ["/x", "/next"]
    );
    assert_eq!(heard[0].text(), BEHIND);
}

#[test]
fn a_body_for_an_unknown_route_is_no_request() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let mut client = stage.client();
    let length = BEHIND.len();
    client.send(format!(
        "POST /x HTTP/1.1\r\nHost: unknown.org\r\nContent-Length: {length}\r\n\r\n{BEHIND}"
    ));
    client.expect_status(404);
    client.half_close();
    let (rest, _) = client.rest();
    assert!(rest.is_empty(), "{:?}", String::from_utf8_lossy(&rest));
    assert!(stage.heard().is_empty());
}

#[test]
fn a_request_that_comes_late_as_a_body_stays_a_body() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let mut client = stage.client();
    client.send(post(&format!("Content-Length: {}\r\n", BEHIND.len()), ""));
    // The head is on its way to the endpoint before the body follows.
    eventually("the endpoint has the head", || {
        stage
            .endpoint
            .received()
            .iter()
            .any(|bytes| bytes.ends_with(b"\r\n\r\n"))
    });
    client.send(BEHIND);
    client.expect_status(200);
    let heard = stage.heard();
    assert_eq!(heard.len(), 1, "{heard:#?}");
    assert_eq!(heard[0].text(), BEHIND);
}

#[test]
fn half_a_request_left_over_harms_no_other_client() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let mut attacker = stage.client();
    attacker.send(post(
        "Content-Length: 5\r\n",
        "helloGET /smuggled HTTP/1.1\r\nX: ",
    ));
    attacker.expect_status(200);
    let mut victim = stage.client();
    victim.get(HOST, "/victim");
    victim.expect_status(200);
    let targets: Vec<String> = stage
        .heard()
        .iter()
        .map(|one| one.target().to_owned())
        .collect();
    assert_eq!(targets, ["/x", "/victim"]);
}
