//! Request heads: lines, targets, hosts and fields that have no clear meaning are refused.

use harness::endpoint::Endpoint;
use harness::stage::{HOST, Stage, refused, refused_each, refused_each_with, refused_with};

fn get(fields: &str) -> String {
    format!("GET /x HTTP/1.1\r\nHost: {HOST}\r\n{fields}\r\n")
}

#[test]
fn http_2_on_a_text_line() {
    refused_with(
        &[400, 505],
        format!("GET /x HTTP/2.0\r\nHost: {HOST}\r\n\r\n"),
    );
}

#[test]
fn explicit_http_0_9() {
    refused_with(
        &[400, 505],
        format!("GET /x HTTP/0.9\r\nHost: {HOST}\r\n\r\n"),
    );
}

#[test]
fn a_simple_request_of_http_0_9() {
    refused("GET /x\r\n\r\n");
}

#[test]
fn minor_versions_that_do_not_exist() {
    refused_each_with(
        &[400, 505],
        [
            "HTTP/1.2",
            "HTTP/1.9",
            "HTTP/1.",
            "HTTP/1",
            "HTTP/1.10",
            "HTTP/01.1",
            "http/1.1",
            "HTTP /1.1",
        ]
        .map(|version| format!("GET /x {version}\r\nHost: {HOST}\r\n\r\n")),
    );
}

#[test]
fn a_blank_in_the_target() {
    refused(format!("GET /x y HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
}

#[test]
fn two_blanks_in_the_request_line() {
    refused(format!("GET  /x HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
    refused(format!("GET /x  HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
    refused(format!("GET /x HTTP/1.1 \r\nHost: {HOST}\r\n\r\n"));
}

#[test]
fn control_bytes_in_the_target() {
    refused_each(
        ["\r", "\0", "\x01", "\t", "\x0b", "\x7f"]
            .map(|byte| format!("GET /x{byte}y HTTP/1.1\r\nHost: {HOST}\r\n\r\n")),
    );
}

#[test]
fn a_bare_lf_after_the_request_line() {
    refused(format!("GET /x HTTP/1.1\nHost: {HOST}\r\n\r\n"));
}

#[test]
fn bare_lfs_at_the_end_of_the_head() {
    refused(format!("GET /x HTTP/1.1\r\nHost: {HOST}\r\n\n"));
    refused(format!("GET /x HTTP/1.1\r\nHost: {HOST}\n\n"));
}

#[test]
fn an_absolute_target_without_a_host() {
    refused(format!("GET http:///x HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
}

#[test]
fn an_absolute_target_with_credentials() {
    refused(format!(
        "GET http://user@{HOST}/x HTTP/1.1\r\nHost: {HOST}\r\n\r\n"
    ));
}

#[test]
fn a_target_in_neither_form() {
    let targets = [
        "x",
        "ftp://a.example.com/x",
        "a.example.com/x",
        "?x",
        "http:/x",
    ];
    refused_each(targets.map(|target| format!("GET {target} HTTP/1.1\r\nHost: {HOST}\r\n\r\n")));
}

#[test]
fn a_get_for_the_star() {
    refused(format!("GET * HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
}

#[test]
fn connect_to_an_inner_address_opens_no_tunnel() {
    no_tunnel("127.0.0.1:22");
}

#[test]
fn connect_to_the_routes_name_opens_no_tunnel() {
    no_tunnel(&format!("{HOST}:80"));
}

#[test]
fn a_request_line_of_three_megabytes() {
    too_long(
        format!(
            "GET /{} HTTP/1.1\r\nHost: {HOST}\r\n\r\n",
            "x".repeat(3 << 20)
        ),
        &[400, 414, 431],
    );
}

#[test]
fn three_megabytes_of_fields() {
    let field = format!("X-Filler: {}\r\n", "v".repeat(1000));
    too_long(get(&field.repeat(3000)), &[400, 431]);
}

#[test]
fn one_field_of_three_megabytes() {
    too_long(
        get(&format!("X-Filler: {}\r\n", "v".repeat(3 << 20))),
        &[400, 431],
    );
}

#[test]
fn the_preface_of_http_2_in_the_clear() {
    refused_with(&[400, 505], "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
}

#[test]
fn a_proxy_header_that_nobody_asked_for() {
    refused(format!("PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n{}", get("")));
}

#[test]
fn no_host() {
    refused("GET /x HTTP/1.1\r\n\r\n");
}

#[test]
fn an_empty_host() {
    let stage = Stage::with(Endpoint::saying("hello"));
    assert_eq!(
        stage.exchange("GET /x HTTP/1.1\r\nHost:\r\n\r\n").status(),
        400
    );
    assert!(stage.heard().is_empty());
}

#[test]
fn two_hosts_that_disagree() {
    refused(get("Host: b.example.com\r\n"));
}

#[test]
fn two_hosts_that_agree() {
    refused(get(&format!("Host: {HOST}\r\n")));
}

#[test]
fn an_unknown_name_reaches_no_endpoint() {
    let stage = Stage::with(Endpoint::saying("hello"));
    assert_eq!(
        stage
            .exchange("GET /x HTTP/1.1\r\nHost: unknown.org\r\n\r\n")
            .status(),
        404
    );
    assert!(stage.heard().is_empty());
}

#[test]
fn hosts_with_bytes_that_no_name_has() {
    let hosts = [
        "a.example.com\0",
        "a.exa\0mple.com",
        "a.example.com evil",
        "a.example.com/x",
        "user@a.example.com",
        "a.example.com\\",
        "a.example.com\t b",
        "a.example.com,b.example.com",
    ];
    refused_each(hosts.map(|host| format!("GET /x HTTP/1.1\r\nHost: {host}\r\n\r\n")));
}

#[test]
fn a_host_whose_port_is_no_number() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let response = stage.exchange("GET /x HTTP/1.1\r\nHost: a.example.com:abc\r\n\r\n");
    // compat: gorouter cuts the host at its first colon, so it may also serve this.
    assert!(
        [200, 400, 404].contains(&response.status()),
        "{response:#?}"
    );
}

#[test]
fn a_blank_before_the_first_field() {
    refused(format!("GET /x HTTP/1.1\r\n Host: {HOST}\r\n\r\n"));
    refused(format!("GET /x HTTP/1.1\r\n X: y\r\nHost: {HOST}\r\n\r\n"));
    refused(format!("GET /x HTTP/1.1\r\n\tX: y\r\nHost: {HOST}\r\n\r\n"));
}

#[test]
fn an_absolute_target_wins_over_a_wrong_host() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let raw = format!("GET http://{HOST}/x?y HTTP/1.1\r\nHost: b.example.com\r\n\r\n");
    assert_eq!(stage.exchange(raw).status(), 200);
    let heard = stage.heard();
    assert_eq!(heard[0].field("host"), Some(HOST));
    let target = heard[0].target();
    assert!(
        target == "/x?y" || target == format!("http://{HOST}/x?y"),
        "{target}"
    );
}

#[test]
fn an_absolute_target_of_another_host_is_not_this_endpoint() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let raw = format!("GET http://unknown.org/x HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    assert_eq!(stage.exchange(raw).status(), 404);
    assert!(stage.heard().is_empty());
}

#[test]
fn x_forwarded_host_picks_no_route() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let raw = format!("GET /x HTTP/1.1\r\nHost: unknown.org\r\nX-Forwarded-Host: {HOST}\r\n\r\n");
    assert_eq!(stage.exchange(raw).status(), 404);
    assert!(stage.heard().is_empty());
}

#[test]
fn a_blank_before_a_colon() {
    refused(get("X-A : b\r\n"));
    refused(get("X-A\t: b\r\n"));
}

#[test]
fn field_names_that_are_no_tokens() {
    refused_each(
        [
            "X\0A", "X A", "X(A)", "X\x7fA", "X\"A\"", "X{A", "\u{e9}", "X\x0bA", "@", "X/A", "",
        ]
        .map(|name| get(&format!("{name}: b\r\n"))),
    );
}

#[test]
fn a_line_without_a_colon() {
    refused(get("nonsense\r\n"));
}

#[test]
fn control_bytes_in_a_value() {
    let bytes = ["\0", "\x01", "\x08", "\x0b", "\x0c", "\x1f", "\x7f"];
    refused_each(bytes.map(|byte| get(&format!("X-A: a{byte}b\r\n"))));
    refused_each(bytes.map(|byte| get(&format!("X-A: a{byte}\r\n"))));
    refused_each(bytes.map(|byte| get(&format!("X-A:{byte}a\r\n"))));
}

#[test]
fn a_bare_cr_in_a_value() {
    refused(get("X-A: a\rb\r\n"));
    refused(get("X-A: a\r\r\n"));
}

#[test]
fn a_bare_lf_in_a_value() {
    refused(get("X-A: a\nX-B: b\r\n"));
}

#[test]
fn a_folded_value() {
    refused(get("X-A: a\r\n b\r\n"));
    refused(get("X-A: a\r\n\tb\r\n"));
}

#[test]
fn crlf_cr_and_a_byte_do_not_end_the_head() {
    refused(get("X-A: a\r\n\rX-B: b\r\n"));
}

#[test]
fn bytes_above_ascii_in_a_value_pass_untouched() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let mut raw = format!("GET /x HTTP/1.1\r\nHost: {HOST}\r\nX-A: ").into_bytes();
    raw.extend_from_slice(&[0xe9, 0xff, b'\t', b'!', b'\r', b'\n', b'\r', b'\n']);
    assert_eq!(stage.exchange(raw).status(), 200);
    assert_eq!(stage.heard()[0].field("x-a"), Some("\u{e9}\u{ff}\t!"));
}

#[test]
fn a_head_split_at_every_byte_is_the_same_head() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let mut client = stage.client();
    for byte in get("X-A: b\r\n").bytes() {
        client.send([byte]);
    }
    client.expect_status(200);
    assert_eq!(stage.heard()[0].field("x-a"), Some("b"));
}

fn no_tunnel(authority: &str) {
    let stage = Stage::with(Endpoint::saying("hello"));
    let mut client = stage.client();
    client.send(format!(
        "CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\nSSH-2.0-x\r\n"
    ));
    let response = client.response();
    assert!(response.status() >= 400, "{response:#?}");
    let bytes = stage.endpoint.received().concat();
    assert!(
        !String::from_utf8_lossy(&bytes).contains("SSH-2.0"),
        "the tunnel was opened"
    );
}

fn too_long(raw: String, statuses: &[u16]) {
    let stage = Stage::with(Endpoint::saying("hello"));
    let mut client = stage.client();
    client.send(raw);
    let response = client.response();
    assert!(statuses.contains(&response.status()), "{response:#?}");
    client.expect_closed();
    assert!(stage.heard().is_empty());
}
