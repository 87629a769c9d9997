//! The cast itself: the oracle is strict, the actors do what they say.

use harness::bus::Bus;
use harness::client::Client;
use harness::endpoint::Endpoint;
use harness::oracle::{Asked, Fault, Framing, Oracle};
use harness::wait::eventually;
use std::net::TcpStream;

#[test]
fn the_oracle_refuses_what_can_be_read_twice() {
    for raw in [
        "GET / HTTP/1.1\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nA: b\rc\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nA : b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nA: b\0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\nx",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\nx\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nHost: b\r\n\r\n",
    ] {
        let verdict = Oracle::new(raw.as_bytes()).request();
        assert!(
            matches!(verdict, Err(Fault::Ambiguous(_))),
            "{raw:?}: {verdict:?}"
        );
    }
}

#[test]
fn the_oracle_reads_what_has_one_meaning() {
    let raw = "POST /a?b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
               3\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: v\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut oracle = Oracle::new(raw.as_bytes());
    let first = oracle.request().unwrap();
    assert_eq!(
        (first.text().as_str(), first.framing),
        ("abc0123456789", Framing::Chunked)
    );
    assert_eq!(first.trailers, [("T".to_owned(), "v".to_owned())]);
    assert_eq!(oracle.request().unwrap().target(), "/2");
    assert_eq!(oracle.request(), Err(Fault::End));
}

#[test]
fn the_oracle_tells_a_cut_message_from_a_whole_one() {
    for raw in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcd",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n",
        "HTTP/1.1 200 OK\r\nContent-Le",
    ] {
        let verdict = Oracle::new(raw.as_bytes()).response(Asked::Other);
        assert!(
            matches!(verdict, Err(Fault::Cut(_))),
            "{raw:?}: {verdict:?}"
        );
    }
    let close = Oracle::new(&b"HTTP/1.1 200 OK\r\n\r\nabcd"[..])
        .response(Asked::Other)
        .unwrap();
    assert_eq!(
        (close.text().as_str(), close.framing),
        ("abcd", Framing::Close)
    );
    let head = Oracle::new(&b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"[..]);
    assert_eq!(
        { head }.response(Asked::Head).unwrap().framing,
        Framing::Nothing
    );
}

#[test]
fn an_endpoint_answers_and_remembers() {
    let endpoint = Endpoint::saying("hello");
    let mut client = Client::connect(endpoint.addr());
    for _ in 0..2 {
        client.get("a.example.com", "/x");
        assert_eq!(client.expect_status(200).text(), "hello");
    }
    assert_eq!(endpoint.requests().len(), 2);
    assert_eq!(endpoint.connections(), 1);
}

#[test]
fn an_endpoint_can_reset_a_connection() {
    let endpoint = Endpoint::scripted(|conn| {
        conn.request();
        conn.reset();
    });
    let mut client = Client::connect(endpoint.addr());
    client.get("a.example.com", "/x");
    assert!(matches!(client.rest(), (_, Err(Fault::Cut(_)))));
}

#[test]
fn an_endpoint_that_refuses_is_not_there() {
    assert!(TcpStream::connect(Endpoint::refusing().addr()).is_err());
}

#[test]
fn a_client_that_leaves_by_reset_is_seen_to_go() {
    let endpoint = Endpoint::scripted(|conn| {
        conn.request();
        conn.until_closed();
    });
    let mut client = Client::connect(endpoint.addr());
    client.get("a.example.com", "/x");
    endpoint.eventually_has(1);
    client.reset();
    assert_eq!(endpoint.connections(), 1);
}

#[test]
fn the_bus_carries_announcements() {
    let bus = Bus::start();
    let mut subscription = bus.listen("router.*");
    let endpoint = Endpoint::saying("hello");
    bus.register("a.example.com", &[&endpoint]);
    let message: serde_json::Value = serde_json::from_slice(&subscription.message()).unwrap();
    assert_eq!(message["port"], endpoint.addr().port());
    assert_eq!(message["uris"][0], "a.example.com");
}

#[test]
fn a_condition_is_waited_for() {
    let mut looks = 0;
    eventually("it was looked at three times", || {
        looks += 1;
        looks == 3
    });
}
