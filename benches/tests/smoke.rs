//! The parts of the comparison against each other, without any proxy that is to be measured.
#![cfg(test)]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use benches::load::{self, Closed, Edge, Open, Report, Target};
use benches::poller::listen;

fn origin() -> SocketAddr {
    let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || benches::origin::serve(listener));
    addr
}

fn forwarder(origin: SocketAddr) -> SocketAddr {
    let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || benches::null_forwarder::serve(listener, origin));
    addr
}

fn target(addr: SocketAddr, path: &str) -> Target {
    Target {
        addr,
        host: "a".into(),
        path: path.into(),
        upload_bytes: 0,
        sources: vec![],
    }
}

fn load(target: &Target, connections: usize, pipeline: usize, requests: u64) -> Report {
    let (warmup, window) = (Duration::ZERO, Duration::from_secs(20));
    let plan = Closed {
        connections,
        pipeline,
        warmup,
        window,
        requests: Some(requests),
    };
    load::closed(target, &plan, &mut |_| {}).unwrap()
}

#[test]
fn two_hundred_requests_pass_the_null_forwarder() {
    let proxy = forwarder(origin());
    let report = load(&target(proxy, "/"), 8, 1, 200);
    assert_eq!(report.errors.total(), 0);
    assert!(
        report.requests >= 200,
        "only {} answers within 20 s",
        report.requests
    );
    assert_eq!(report.body_bytes, report.requests * 12);
    assert!(report.latency.p50 > 0 && report.latency.p50 <= report.latency.max);
}

#[test]
fn large_and_chunked_bodies_arrive_whole() {
    let proxy = forwarder(origin());
    for (path, bytes) in [("/bytes/3000000", 3_000_000), ("/chunked/100000", 100_000)] {
        let report = load(&target(proxy, path), 4, 1, 20);
        assert_eq!(report.errors.total(), 0, "{path}");
        assert_eq!(report.body_bytes, report.requests * bytes, "{path}");
    }
}

#[test]
fn pipelined_requests_are_all_answered() {
    let report = load(&target(forwarder(origin()), "/bytes/70000"), 2, 8, 200);
    assert_eq!(report.errors.total(), 0);
    assert_eq!(report.body_bytes, report.requests * 70_000);
}

#[test]
fn uploads_are_read_to_their_end() {
    let mut target = target(forwarder(origin()), "/");
    target.upload_bytes = 300_000;
    let report = load(&target, 4, 1, 40);
    assert_eq!(report.errors.total(), 0);
    assert_eq!(report.body_bytes, report.requests * 12);
}

#[test]
fn a_wrong_status_is_an_error() {
    let report = load(&target(origin(), "/nothing"), 1, 1, 3);
    assert_eq!((report.errors.status, report.errors.connection), (3, 0));
}

#[test]
fn an_open_loop_sends_at_its_rate_and_tells_its_edges() {
    let plan = Open {
        connections: 4,
        rate: 500.0,
        warmup: Duration::from_millis(100),
        window: Duration::from_millis(400),
    };
    let mut edges = Vec::new();
    let report = load::open(&target(origin(), "/"), &plan, &mut |edge| edges.push(edge)).unwrap();
    assert_eq!(edges, [Edge::Begin, Edge::End]);
    // Requests are due at fixed times, so their number is fixed too, however slow the machine is.
    assert_eq!(report.requests + report.errors.unfinished, 200);
}

#[test]
fn a_stall_is_seen_by_every_request_that_it_delays() {
    // One connection, one request each 50 ms, one second for each answer: they queue up behind each other.
    let plan = Open {
        connections: 1,
        rate: 20.0,
        warmup: Duration::ZERO,
        window: Duration::from_millis(200),
    };
    let report = load::open(&target(origin(), "/slow"), &plan, &mut |_| {}).unwrap();
    assert_eq!(report.requests + report.errors.unfinished, 4);
    assert!(
        report.latency.max > 1_500_000_000,
        "max {} ns",
        report.latency.max
    );
}

#[test]
fn held_connections_stay_alive() {
    let held = load::hold(&target(forwarder(origin()), "/"), 50).unwrap();
    assert_eq!(held.alive(), 50);
}

#[test]
fn the_end_of_a_client_reaches_the_origin_and_comes_back() {
    let mut client = TcpStream::connect(forwarder(origin())).unwrap();
    client
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    client
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nHello world\n"), "{answer}");
}
