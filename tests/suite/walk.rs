//! What a request gains and loses on its way to an endpoint, and the answer on its way back.

use harness::bus::Bus;
use harness::endpoint::Endpoint;
use harness::oracle::Message;
use harness::router::Router;
use harness::stage::{HOST, Stage};
use serde_json::{Value, json};

fn heard_with(further: &Value, fields: &str) -> Message {
    let stage = Stage::configured(Endpoint::saying("hello"), further);
    let answer = stage.exchange(format!("GET /x HTTP/1.1\r\nHost: {HOST}\r\n{fields}\r\n"));
    assert_eq!(answer.status(), 200, "{answer:#?}");
    stage.heard()[0].clone()
}

fn heard(fields: &str) -> Message {
    heard_with(&json!({}), fields)
}

fn answered_with(further: &Value, fields: &str) -> Message {
    let raw = format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n{fields}\r\nok");
    let stage = Stage::configured(Endpoint::answering(raw), further);
    stage.exchange(format!(
        "GET /x HTTP/1.1\r\nHost: {HOST}\r\nX-Vcap-Trace: 22\r\n\r\n"
    ))
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    groups == [8, 4, 4, 4, 12]
        && text
            .bytes()
            .all(|b| b == b'-' || b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[test]
fn the_request_id_is_always_ours() {
    let request = heard("X-Vcap-Request-Id: mine\r\n");
    let id = request.field("x-vcap-request-id").unwrap();
    assert!(is_uuid(id), "{id}");
}

#[test]
fn the_answer_carries_the_id_of_its_request() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let answer = stage.innocent();
    let sent = stage.endpoint.requests()[0]
        .field("x-vcap-request-id")
        .unwrap()
        .to_owned();
    assert_eq!(answer.field("x-vcap-request-id"), Some(sent.as_str()));
}

#[test]
fn an_id_that_the_endpoint_set_is_kept() {
    let answer = answered_with(&json!({}), "X-Vcap-Request-Id: theirs\r\n");
    assert_eq!(answer.field("x-vcap-request-id"), Some("theirs"));
}

#[test]
fn the_start_time_is_added_in_milliseconds() {
    let request = heard("");
    let start: u64 = request.field("x-request-start").unwrap().parse().unwrap();
    let now = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap()
        .as_millis();
    assert!(
        u128::from(start) <= now && u128::from(start) + 60_000 > now,
        "{start}"
    );
}

#[test]
fn a_start_time_that_is_there_is_kept() {
    assert_eq!(
        heard("X-Request-Start: 17\r\n").field("x-request-start"),
        Some("17")
    );
}

#[test]
fn the_clients_address_is_added() {
    assert_eq!(heard("").field("x-forwarded-for"), Some("127.0.0.1"));
}

#[test]
fn the_scheme_is_added() {
    assert_eq!(heard("").field("x-forwarded-proto"), Some("http"));
}

#[test]
fn a_claimed_scheme_is_kept_unless_it_is_sanitized() {
    let claim = "X-Forwarded-Proto: https\r\n";
    assert_eq!(heard(claim).field("x-forwarded-proto"), Some("https"));
    let sanitized = heard_with(&json!({ "sanitize_forwarded_proto": true }), claim);
    assert_eq!(sanitized.field("x-forwarded-proto"), Some("http"));
}

#[test]
fn the_scheme_can_be_forced() {
    let request = heard_with(&json!({ "force_forwarded_proto_https": true }), "");
    assert_eq!(request.field("x-forwarded-proto"), Some("https"));
}

#[test]
fn the_application_is_named_whatever_the_client_claims() {
    let request =
        heard("X-CF-ApplicationID: evil\r\nX-Cf-InstanceIndex: 9\r\nx-cf-instanceid: evil\r\n");
    assert_eq!(request.field("x-cf-applicationid"), Some("app-guid"));
    assert_eq!(request.field("x-cf-instanceindex"), Some("0"));
    assert_eq!(request.field("x-cf-instanceid"), Some("instance-0"));
}

#[test]
fn without_an_instance_id_the_address_stands_in() {
    let (bus, endpoint) = (Bus::start(), Endpoint::saying("hello"));
    let router = Router::start(&bus);
    let unnamed = json!({ "app": "", "private_instance_id": "", "private_instance_index": "" });
    bus.register_with(HOST, &endpoint, unnamed);
    router.eventually_knows(HOST, 1);
    let mut client = router.connect();
    client.get(HOST, "/x");
    client.expect_status(200);
    let request = endpoint.request();
    assert_eq!(
        request.field("x-cf-instanceid"),
        Some(endpoint.addr().to_string().as_str())
    );
    assert_eq!(
        (
            request.field("x-cf-applicationid"),
            request.field("x-cf-instanceindex")
        ),
        (Some(""), Some(""))
    );
}

#[test]
fn the_host_is_kept_with_its_port_and_case() {
    let stage = Stage::with(Endpoint::saying("hello"));
    assert_eq!(
        stage
            .exchange("GET /x HTTP/1.1\r\nHost: A.Example.com:8080\r\n\r\n")
            .status(),
        200
    );
    assert_eq!(stage.heard()[0].field("host"), Some("A.Example.com:8080"));
}

#[test]
fn nothing_else_is_added() {
    let known = [
        "host",
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-request-start",
        "x-vcap-request-id",
        "x-cf-applicationid",
        "x-cf-instanceid",
        "x-cf-instanceindex",
    ];
    for (name, value) in heard("").fields {
        assert!(
            known.contains(&name.to_ascii_lowercase().as_str()),
            "`{name}: {value}` was added"
        );
    }
}

#[test]
fn what_nobody_edits_keeps_its_case_order_and_bytes() {
    let fields = "x-LOWER: 1\r\nAccept:  a , b\r\nX-Twice: 1\r\nX-Other: \"q\"\r\nX-Twice: 2\r\nCookie: a=b; c=d\r\n";
    let sent: Vec<(String, String)> = heard(fields)
        .fields
        .into_iter()
        .filter(|(name, _)| {
            ["x-LOWER", "Accept", "X-Twice", "X-Other", "Cookie"].contains(&name.as_str())
        })
        .collect();
    let expected = [
        ("x-LOWER", "1"),
        ("Accept", "a , b"),
        ("X-Twice", "1"),
        ("X-Other", "\"q\""),
        ("X-Twice", "2"),
        ("Cookie", "a=b; c=d"),
    ];
    assert_eq!(
        sent,
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
}

#[test]
fn the_target_goes_on_byte_for_byte() {
    let targets = [
        "/a%2Fb/../c/./d",
        "/x?",
        "/x?a=b&&c;d=%zz",
        "/%41%c3%a4",
        "/~!$&'()*+,;=:@",
        "/a//b/",
        "/x?a?b/c",
    ];
    let stage = Stage::with(Endpoint::saying("hello"));
    for target in targets {
        let answer = stage.exchange(format!("GET {target} HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
        assert_eq!(answer.status(), 200, "{target}");
    }
    let heard: Vec<String> = stage
        .heard()
        .iter()
        .map(|one| one.target().to_owned())
        .collect();
    assert_eq!(heard, targets);
}

#[test]
fn any_method_goes_through() {
    let stage = Stage::with(Endpoint::saying("hello"));
    for method in ["PURGE", "PATCH", "M-SEARCH", "get", "OPTIONS", "DELETE"] {
        assert_eq!(
            stage
                .exchange(format!("{method} /x HTTP/1.1\r\nHost: {HOST}\r\n\r\n"))
                .status(),
            200,
            "{method}"
        );
    }
    let heard: Vec<String> = stage
        .heard()
        .iter()
        .map(|one| one.method().to_owned())
        .collect();
    assert_eq!(
        heard,
        ["PURGE", "PATCH", "M-SEARCH", "get", "OPTIONS", "DELETE"]
    );
}

#[test]
fn an_answer_without_a_type_stays_without() {
    assert_eq!(answered_with(&json!({}), "").field("content-type"), None);
}

#[test]
fn a_date_is_added_only_where_there_is_none() {
    assert_eq!(
        answered_with(&json!({}), "Date: then\r\n").field("date"),
        Some("then")
    );
    assert!(
        answered_with(&json!({}), "")
            .field("date")
            .unwrap()
            .ends_with(" GMT")
    );
}

#[test]
fn a_proxy_signature_never_leaves() {
    assert_eq!(
        answered_with(&json!({}), "X-CF-Proxy-Signature: secret\r\n").field("x-cf-proxy-signature"),
        None
    );
}

#[test]
fn an_endpoints_router_error_passes_through() {
    let answer = answered_with(&json!({}), "X-Cf-RouterError: theirs\r\n");
    assert_eq!(answer.field("x-cf-routererror"), Some("theirs"));
}

#[test]
fn answers_are_rewritten_removals_first() {
    let further = json!({ "http_rewrite": { "responses": {
        "remove_headers": [{ "name": "X-Powered-By" }, { "name": "X-Swap" }],
        "add_headers_if_not_present": [
            { "name": "Strict-Transport-Security", "value": "max-age=1" },
            { "name": "X-Swap", "value": "ours" },
            { "name": "X-Theirs", "value": "ours" },
        ],
    } } });
    let answer = answered_with(
        &further,
        "X-Powered-By: x\r\nX-Swap: theirs\r\nX-Theirs: theirs\r\n",
    );
    assert_eq!(answer.field("x-powered-by"), None);
    assert_eq!(answer.field("strict-transport-security"), Some("max-age=1"));
    assert_eq!(answer.field("x-swap"), Some("ours"));
    assert_eq!(answer.field("x-theirs"), Some("theirs"));
}

#[test]
fn refusals_are_rewritten_too() {
    let further = json!({ "http_rewrite": { "responses": {
        "add_headers_if_not_present": [{ "name": "Strict-Transport-Security", "value": "max-age=1" }] } } });
    let stage = Stage::configured(Endpoint::saying("hello"), &further);
    let answer = stage.exchange("GET /x HTTP/1.1\r\nHost: unknown.org\r\n\r\n");
    assert_eq!(answer.field("strict-transport-security"), Some("max-age=1"));
}

#[test]
fn the_trace_key_shows_the_endpoint() {
    let answer = answered_with(&json!({ "trace_key": "22" }), "");
    assert!(
        answer
            .field("x-cf-routeendpoint")
            .is_some_and(|at| at.starts_with("127.0.0.1:"))
    );
    assert_eq!(
        answer.field("x-vcap-backend"),
        answer.field("x-cf-routeendpoint")
    );
    assert!(answer.field("x-vcap-router").is_some());
    assert_eq!(
        answered_with(&json!({ "trace_key": "23" }), "").field("x-vcap-backend"),
        None
    );
}

#[test]
fn a_path_picks_the_longest_route() {
    let (bus, root, deep) = (
        Bus::start(),
        Endpoint::saying("root"),
        Endpoint::saying("deep"),
    );
    let router = Router::start(&bus);
    bus.register(HOST, &[&root]);
    bus.register("A.example.com/Shop/cart/", &[&deep]);
    router.eventually_knows(HOST, 1);
    router.eventually_knows("a.example.com/shop/cart", 1);
    let mut client = router.connect();
    for (path, text) in [
        ("/", "root"),
        ("/shop", "root"),
        ("/shop/cart", "deep"),
        ("/SHOP/Cart/x?y", "deep"),
        ("/shop/cartoon", "root"),
    ] {
        client.get(HOST, path);
        assert_eq!(client.expect_status(200).text(), text, "{path}");
    }
}

#[test]
fn a_wildcard_serves_what_no_name_does() {
    let (bus, wild, exact) = (
        Bus::start(),
        Endpoint::saying("wild"),
        Endpoint::saying("exact"),
    );
    let router = Router::start(&bus);
    bus.register("*.example.com", &[&wild]);
    bus.register(HOST, &[&exact]);
    router.eventually_knows("*.example.com", 1);
    router.eventually_knows(HOST, 1);
    let mut client = router.connect();
    for (host, text) in [
        (HOST, "exact"),
        ("b.example.com", "wild"),
        ("x.y.example.com", "wild"),
    ] {
        client.get(host, "/");
        assert_eq!(client.expect_status(200).text(), text, "{host}");
    }
    client.get("unknown.org", "/foo.example.com/bar");
    client.expect_status(404);
}

#[test]
fn endpoints_take_turns() {
    let (bus, one, two) = (Bus::start(), Endpoint::saying("1"), Endpoint::saying("2"));
    let router = Router::start(&bus);
    bus.register(HOST, &[&one, &two]);
    router.eventually_knows(HOST, 2);
    let mut client = router.connect();
    let texts: Vec<String> = (0..6)
        .map(|_| {
            client.get(HOST, "/");
            client.expect_status(200).text()
        })
        .collect();
    assert!(
        texts == ["1", "2", "1", "2", "1", "2"] || texts == ["2", "1", "2", "1", "2", "1"],
        "{texts:?}"
    );
}
