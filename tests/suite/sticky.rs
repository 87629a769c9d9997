//! Sticky sessions: who set a session cookie is asked again (gorouter 3.6).

use harness::bus::Bus;
use harness::client::Client;
use harness::endpoint::Endpoint;
use harness::oracle::Message;
use harness::router::Router;
use harness::stage::HOST;
use serde_json::{Value, json};

struct Cast {
    client: Client,
    router: Router,
    bus: Bus,
    endpoints: [Endpoint; 2],
}

/// Two instances; both set `cookie` when the path is `/login`.
fn cast_with(further: &Value, uri: &str, cookie: &'static str) -> Cast {
    let instance = |body: &'static str| {
        Endpoint::scripted(move |conn| {
            while let Some(request) = conn.request() {
                let login = request.target().ends_with("/login");
                let set = if login {
                    format!("Set-Cookie: {cookie}\r\n")
                } else {
                    String::new()
                };
                conn.send(format!(
                    "HTTP/1.1 200 OK\r\n{set}Content-Length: 1\r\n\r\n{body}"
                ));
            }
        })
    };
    let (bus, endpoints) = (Bus::start(), [instance("0"), instance("1")]);
    let router = Router::with(&bus, further);
    bus.register(uri, &[&endpoints[0], &endpoints[1]]);
    router.eventually_knows(uri, 2);
    Cast {
        client: router.connect(),
        router,
        bus,
        endpoints,
    }
}

fn cast() -> Cast {
    cast_with(&json!({}), HOST, "JSESSIONID=abc; Path=/")
}

impl Cast {
    fn ask(&mut self, path: &str, cookie: &str) -> Message {
        let cookie = if cookie.is_empty() {
            String::new()
        } else {
            format!("Cookie: {cookie}\r\n")
        };
        self.client.send(format!(
            "GET {path} HTTP/1.1\r\nHost: {HOST}\r\n{cookie}\r\n"
        ));
        self.client.expect_status(200)
    }
}

fn vcap_id(answer: &Message) -> Option<String> {
    let cookies = answer.all("set-cookie").into_iter();
    let mut ours = cookies.filter(|cookie| cookie.starts_with("__VCAP_ID__="));
    let found = ours.next().map(str::to_owned);
    assert_eq!(ours.next(), None, "one __VCAP_ID__ at most");
    found
}

#[test]
fn a_session_cookie_brings_the_instances_id() {
    let mut cast = cast();
    let answer = cast.ask("/login", "");
    let expected = format!("__VCAP_ID__=instance-{}; Path=/; HttpOnly", answer.text());
    assert_eq!(vcap_id(&answer), Some(expected));
}

#[test]
fn without_a_session_cookie_there_is_no_id() {
    assert_eq!(vcap_id(&cast().ask("/", "")), None);
}

#[test]
fn with_both_cookies_the_instance_is_asked_again() {
    let mut cast = cast();
    for _ in 0..6 {
        let answer = cast.ask("/", "JSESSIONID=abc; __VCAP_ID__=instance-1");
        assert_eq!((answer.text().as_str(), vcap_id(&answer)), ("1", None));
    }
}

#[test]
fn cookies_on_two_lines_count_as_well() {
    let mut cast = cast();
    for _ in 0..4 {
        let answer = cast.ask("/", "__VCAP_ID__=instance-0\r\nCookie: JSESSIONID=abc");
        assert_eq!(answer.text(), "0");
    }
}

#[test]
fn an_id_without_a_session_binds_nobody() {
    let mut cast = cast();
    let texts: Vec<String> = (0..4)
        .map(|_| cast.ask("/", "__VCAP_ID__=instance-1").text())
        .collect();
    assert!(texts.contains(&"0".to_owned()), "{texts:?}");
}

#[test]
fn an_instance_that_is_gone_is_replaced_and_named() {
    let mut cast = cast();
    let answer = cast.ask("/", "JSESSIONID=abc; __VCAP_ID__=gone");
    let expected = format!("__VCAP_ID__=instance-{}; Path=/; HttpOnly", answer.text());
    assert_eq!(vcap_id(&answer), Some(expected));
}

#[test]
fn an_instance_that_leaves_is_replaced() {
    let mut cast = cast();
    cast.bus.unregister(HOST, &cast.endpoints[1]);
    cast.router.eventually_knows(HOST, 1);
    let answer = cast.ask("/", "JSESSIONID=abc; __VCAP_ID__=instance-1");
    assert_eq!(answer.text(), "0");
    assert_eq!(
        vcap_id(&answer).as_deref(),
        Some("__VCAP_ID__=instance-0; Path=/; HttpOnly")
    );
}

#[test]
fn attributes_of_the_session_cookie_are_taken_over() {
    let cookie = "JSESSIONID=abc; Path=/; Secure; SameSite=Strict; Partitioned; Expires=Wed, 01 Jan 2031 00:00:00 GMT";
    let answer = cast_with(&json!({}), HOST, cookie).ask("/login", "");
    let expected = format!(
        "__VCAP_ID__=instance-{}; Path=/; Expires=Wed, 01 Jan 2031 00:00:00 GMT; HttpOnly; Secure; SameSite=Strict; Partitioned",
        answer.text()
    );
    assert_eq!(vcap_id(&answer), Some(expected));
}

#[test]
fn a_positive_age_is_not_taken_over() {
    let answer = cast_with(&json!({}), HOST, "JSESSIONID=abc; Max-Age=60").ask("/login", "");
    assert!(!vcap_id(&answer).unwrap().contains("Max-Age"));
}

#[test]
fn the_end_of_a_session_is_taken_over() {
    let answer = cast_with(&json!({}), HOST, "JSESSIONID=abc; Max-Age=0").ask("/login", "");
    // compat: Go reads `Max-Age=0` as a negative age and writes it back as 0.
    assert!(
        vcap_id(&answer).unwrap().contains("; Max-Age=0"),
        "{answer:#?}"
    );
}

#[test]
fn secure_cookies_can_be_forced() {
    let further = json!({ "secure_cookies": true });
    let answer = cast_with(&further, HOST, "JSESSIONID=abc").ask("/login", "");
    assert!(vcap_id(&answer).unwrap().ends_with("; HttpOnly; Secure"));
}

#[test]
fn the_path_is_the_routes_own() {
    let answer =
        cast_with(&json!({}), "a.example.com/shop", "JSESSIONID=abc").ask("/shop/login", "");
    assert!(vcap_id(&answer).unwrap().contains("; Path=/shop;"));
}

#[test]
fn other_session_names_can_be_configured() {
    let further = json!({ "sticky_session_cookie_names": ["MySession"] });
    let mut cast = cast_with(&further, HOST, "MySession=abc");
    assert!(vcap_id(&cast.ask("/login", "")).is_some());
    for _ in 0..4 {
        assert_eq!(
            cast.ask("/", "MySession=abc; __VCAP_ID__=instance-1")
                .text(),
            "1"
        );
    }
}

#[test]
fn an_id_that_the_endpoint_set_is_not_doubled() {
    let answer = cast_with(
        &json!({}),
        HOST,
        "JSESSIONID=a\r\nSet-Cookie: __VCAP_ID__=theirs",
    )
    .ask("/login", "");
    assert_eq!(vcap_id(&answer).as_deref(), Some("__VCAP_ID__=theirs"));
}

#[test]
fn a_failed_sticky_attempt_goes_elsewhere() {
    let (bus, dead, alive) = (
        Bus::start(),
        Endpoint::refusing(),
        Endpoint::saying("alive"),
    );
    let router = Router::start(&bus);
    bus.register(HOST, &[&dead, &alive]);
    router.eventually_knows(HOST, 2);
    let mut client = router.connect();
    client.send(format!(
        "GET / HTTP/1.1\r\nHost: {HOST}\r\nCookie: JSESSIONID=abc; __VCAP_ID__=instance-0\r\n\r\n"
    ));
    let answer = client.expect_status(200);
    assert_eq!(answer.text(), "alive");
    assert_eq!(
        vcap_id(&answer).as_deref(),
        Some("__VCAP_ID__=instance-1; Path=/; HttpOnly")
    );
}

#[test]
fn negotiate_insists_on_its_instance() {
    let further = json!({ "sticky_sessions_for_auth_negotiate": true });
    let mut cast = cast_with(&further, HOST, "JSESSIONID=abc");
    for _ in 0..4 {
        let answer = cast.ask(
            "/",
            "__VCAP_ID__=instance-1\r\nAuthorization: NegoTiate abc",
        );
        assert_eq!(answer.text(), "1");
    }
    cast.client.send(format!(
        "GET / HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Negotiate abc\r\nCookie: __VCAP_ID__=gone\r\n\r\n"
    ));
    let answer = cast.client.expect_status(502);
    assert_eq!(
        answer.field("x-cf-routererror"),
        Some("endpoint_failure (No endpoints available)")
    );
}
