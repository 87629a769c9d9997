//! Chunked request bodies: what is wrong in them is refused, and never reaches an endpoint whole.

use harness::client::Client;
use harness::endpoint::Endpoint;
use harness::oracle::Framing;
use harness::stage::{HOST, Stage, post, refused, refused_each};
use harness::wait::eventually;

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

fn chunked(rest: &str) -> String {
    post(CHUNKED, rest)
}

#[test]
fn sizes_that_are_not_plain_hexadecimal() {
    refused_each(
        [
            "0x5", "+5", "-5", "0 5", " 5", "5 ", "5\t", "g", "", "5\x0b", "\u{665}",
        ]
        .map(|size| chunked(&format!("{size}\r\nhello\r\n0\r\n\r\n"))),
    );
}

#[test]
fn a_size_beyond_64_bits() {
    refused(chunked("10000000000000005\r\nhello\r\n0\r\n\r\n"));
    refused(chunked(
        "00000000000000000000000000000000005\r\nhello\r\n0\r\n\r\n",
    ));
}

#[test]
fn a_bare_lf_after_a_size() {
    refused(chunked("5\nhello\r\n0\r\n\r\n"));
}

#[test]
fn a_cr_and_another_byte_after_a_size() {
    refused(chunked("5\rXhello\r\n0\r\n\r\n"));
}

#[test]
fn two_wrong_bytes_after_the_data() {
    refused(chunked("5\r\nhelloXX0\r\n\r\n"));
}

#[test]
fn data_longer_than_its_size() {
    refused(chunked("5\r\nhello world\r\n0\r\n\r\n"));
}

#[test]
fn a_bare_lf_after_the_data() {
    refused(chunked("5\r\nhello\n0\r\n\r\n"));
}

#[test]
fn a_lf_inside_an_extension() {
    refused(chunked("5;a\nb\r\nhello\r\n0\r\n\r\n"));
}

#[test]
fn a_cr_inside_an_extension() {
    refused(chunked("5;a\rb\r\nhello\r\n0\r\n\r\n"));
}

#[test]
fn an_extension_is_refused_or_taken_off() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let response = stage.exchange(chunked("5;a=b\r\nhello\r\n0\r\n\r\n"));
    match response.status() {
        200 => assert_eq!(stage.heard()[0].text(), "hello"),
        status => assert_eq!(status, 400),
    }
}

#[test]
fn a_thousand_long_extensions_are_not_read_for_ever() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let extension = "e".repeat(1024);
    let mut client = stage.client();
    client.send(chunked(""));
    for _ in 0..1000 {
        client.send(format!("1;{extension}\r\nx\r\n"));
    }
    client.send("0\r\n\r\n");
    assert_eq!(client.response().status(), 400);
    client.expect_closed();
    assert!(stage.heard().is_empty());
}

#[test]
fn a_body_without_its_last_chunk_is_never_whole() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let mut client = stage.client();
    client.send(chunked("5\r\nhello\r\n"));
    until_forwarded(&stage, b"hello");
    client.half_close();
    let _ = client.rest();
    assert!(stage.heard().is_empty());
    stage.endpoint.eventually_sees_a_cut();
}

#[test]
fn when_the_client_vanishes_in_a_chunk_the_endpoint_sees_the_cut() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let mut client = stage.client();
    client.send(chunked("5\r\nhello\r\nA\r\n0123"));
    until_forwarded(&stage, b"hello");
    client.reset();
    assert!(stage.heard().is_empty());
    stage.endpoint.eventually_sees_a_cut();
}

#[test]
fn framing_fields_in_a_trailer_are_dropped() {
    for field in [
        "Content-Length: 3",
        "Host: b.example.com",
        "Transfer-Encoding: chunked",
    ] {
        let stage = Stage::with(Endpoint::saying("hello"));
        let mut client = stage.client();
        client.send(chunked(&format!(
            "5\r\nhello\r\n0\r\n{field}\r\nX-Sum: 1\r\n\r\n"
        )));
        match client.response().status() {
            // The oracle objects if the field is still there.
            200 => assert_eq!(stage.heard()[0].text(), "hello", "{field}"),
            status => assert_eq!(status, 400, "{field}"),
        }
    }
}

#[test]
fn a_nul_in_a_trailer() {
    refused(chunked("5\r\nhello\r\n0\r\nX-Sum: a\0b\r\n\r\n"));
}

#[test]
fn a_trailer_that_ends_in_bare_lfs_lets_nothing_slip_through() {
    let behind = format!("GET /smuggled HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    refused(chunked(&format!("5\r\nhello\r\n0\r\nX-Sum: 1\n\n{behind}")));
}

#[test]
fn a_trailer_line_without_a_colon() {
    refused(chunked("5\r\nhello\r\n0\r\nnonsense\r\n\r\n"));
}

#[test]
fn a_folded_trailer() {
    refused(chunked("5\r\nhello\r\n0\r\nX-Sum: 1\r\n 2\r\n\r\n"));
}

#[test]
fn megabytes_of_trailers_are_bounded() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let mut client = stage.client();
    client.send(chunked("5\r\nhello\r\n0\r\n"));
    for at in 0..3000 {
        client.send(format!("X-{at}: {}\r\n", "v".repeat(1000)));
    }
    client.send("\r\n");
    let response = client.response();
    assert!([400, 431].contains(&response.status()), "{response:#?}");
    client.expect_closed();
    assert!(stage.heard().is_empty());
}

#[test]
fn a_chunked_body_is_reframed_and_not_copied() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let raw = chunked("0005\r\nhello\r\n00A\r\n0123456789\r\n000\r\n\r\n");
    assert_eq!(stage.exchange(raw).status(), 200);
    let heard = stage.heard();
    assert_eq!(
        (heard[0].text().as_str(), heard[0].framing),
        ("hello0123456789", Framing::Chunked)
    );
    let bytes = stage.endpoint.received().concat();
    assert!(
        !contains(&bytes, b"0005\r\n"),
        "the client's own chunk size went through"
    );
}

#[test]
fn a_chunked_body_split_at_every_byte_is_the_same_body() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let raw = chunked("5\r\nhello\r\nC\r\n hello again\r\n0\r\nX-Sum: 1\r\n\r\n").into_bytes();
    let mut client = stage.client();
    for byte in &raw {
        client.send([*byte]);
    }
    client.expect_status(200);
    let heard = stage.heard();
    assert_eq!(heard[0].text(), "hello hello again");
    assert_eq!(heard[0].trailers, [("X-Sum".to_owned(), "1".to_owned())]);
    next_is_served(&mut client);
}

fn next_is_served(client: &mut Client) {
    client.get(HOST, "/next");
    client.expect_status(200);
}

fn until_forwarded(stage: &Stage, part: &[u8]) {
    eventually("the endpoint has the first part", || {
        contains(&stage.endpoint.received().concat(), part)
    });
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
