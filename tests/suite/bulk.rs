//! Large bodies and busy tunnels: the same bytes, whether they are copied or stay in the kernel.

use std::io::Write;
use std::thread;

use harness::bus::Bus;
use harness::client::Client;
use harness::endpoint::{Conn, Endpoint};
use harness::oracle::Fault;
use harness::process::RouterProcess;
use harness::stage::{HOST, Stage, post};
use harness::wait::eventually;
use serde_json::{Value, json};

const MIB: usize = 1 << 20;

fn from(bytes: usize) -> Value {
    json!({ "switchyard": { "splice_from_bytes": bytes } })
}

/// One stage where every body is copied, and one where all but its first bytes stay in the kernel.
fn each_way(script: impl Fn(&mut Conn) + Clone + Send + Sync + 'static) -> [Stage; 2] {
    [0, 1].map(|bytes| Stage::configured(Endpoint::scripted(script.clone()), &from(bytes)))
}

/// Bytes of which no two neighbouring blocks are alike.
fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| u8::try_from((at + at / 251) % 253).unwrap())
        .collect()
}

/// Answers each request with its body, in pieces of as many bytes as the target says.
fn echo(conn: &mut Conn) {
    while let Some(request) = conn.request() {
        let piece = request.target().rsplit('/').next().unwrap();
        let piece: usize = piece.parse().unwrap_or(usize::MAX);
        conn.send(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
            request.body.len()
        ));
        request
            .body
            .chunks(piece)
            .for_each(|piece| conn.send(piece));
    }
}

/// Answers each request with a mebibyte of the first letter of its target.
fn letters(conn: &mut Conn) {
    while let Some(request) = conn.request() {
        conn.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {MIB}\r\n\r\n"));
        conn.send(vec![request.target().as_bytes()[1]; MIB]);
    }
}

fn send_post(client: &mut Client, piece: usize, body: &[u8]) {
    client.send(format!(
        "POST /{piece} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    ));
    body.chunks(piece).for_each(|piece| client.send(piece));
}

#[test]
fn bodies_of_all_lengths_cross_both_ways_as_they_are() {
    for stage in each_way(echo) {
        let mut client = stage.client();
        for (length, piece) in [
            (1, 1),
            (2049, 2048),
            (16_384, 100),
            (16_385, 16_384),
            (65_537, 1460),
            (262_145, 65_536),
            (MIB, 70_001),
            (MIB, MIB),
            (8 * MIB + 1, 300_007),
        ] {
            let body = pattern(length);
            send_post(&mut client, piece, &body);
            let answer = client.expect_status(200);
            assert!(answer.body == body, "{length} bytes in pieces of {piece}");
        }
        assert_eq!(stage.endpoint.connections(), 1);
    }
}

#[test]
fn a_request_behind_a_large_body_is_a_request() {
    for stage in each_way(echo) {
        let body = pattern(MIB);
        let mut client = stage.client();
        let head = post(&format!("Content-Length: {MIB}\r\n"), "");
        let behind = post("Content-Length: 6\r\n", "behind");
        client.send([head.as_bytes(), &body, behind.as_bytes()].concat());
        assert!(client.expect_status(200).body == body);
        assert_eq!(client.expect_status(200).text(), "behind");
        let heard = stage.endpoint.requests();
        assert_eq!(heard.len(), 2);
        assert!(heard[0].body == body);
    }
}

#[test]
fn what_follows_a_large_answer_is_nobodys() {
    let evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    for stage in each_way(move |conn| {
        while conn.request().is_some() {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {MIB}\r\n\r\n");
            conn.send([head.as_bytes(), &pattern(MIB), evil.as_bytes()].concat());
        }
    }) {
        let mut client = stage.client();
        for _ in 0..3 {
            client.get(HOST, "/");
            assert!(client.expect_status(200).body == pattern(MIB));
        }
        assert_eq!(stage.endpoint.connections(), 3, "none is used again");
    }
}

#[test]
fn an_answer_that_breaks_off_never_looks_whole() {
    for end in [|_: &mut Conn| {}, Conn::reset] {
        for stage in each_way(move |conn| {
            conn.request();
            let promised = 4 * MIB + 1;
            conn.send(format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {promised}\r\n\r\n"
            ));
            conn.send(pattern(4 * MIB));
            end(conn);
        }) {
            let mut client = stage.client();
            client.get(HOST, "/");
            let fault = client.try_response().unwrap_err();
            assert!(matches!(fault, Fault::Cut(_)), "{fault:?}");
        }
    }
}

#[test]
fn an_upload_that_breaks_off_never_looks_whole() {
    for stage in each_way(echo) {
        let mut client = stage.client();
        client.send(post(&format!("Content-Length: {}\r\n", 4 * MIB), ""));
        client.send(pattern(3 * MIB));
        client.half_close();
        stage.endpoint.eventually_sees_a_cut();
        assert!(stage.endpoint.requests().is_empty());
    }
}

#[test]
fn an_upload_that_its_endpoint_cuts_is_not_sent_again() {
    for stage in each_way(|conn| {
        conn.head();
        conn.bytes(100_000);
        conn.reset();
    }) {
        let mut client = stage.client();
        client.send(format!(
            "PUT / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {}\r\n\r\n",
            4 * MIB
        ));
        client.send(pattern(4 * MIB));
        // How much of the body had come decides whether the refusal can still be read.
        match client.try_response() {
            Ok(refusal) => assert_eq!(refusal.status(), 502),
            Err(fault) => assert!(matches!(fault, Fault::End | Fault::Cut(_)), "{fault:?}"),
        }
        assert_eq!(stage.endpoint.connections(), 1);
    }
}

#[test]
fn a_transfer_that_was_cut_leaves_nothing_for_the_next() {
    for stage in each_way(letters) {
        for _ in 0..20 {
            // It leaves while its pipe, or its buffer, is full.
            let mut leaving = stage.client();
            for _ in 0..12 {
                leaving.get(HOST, "/a");
            }
            leaving.response_head();
            let mut next = stage.client();
            next.get(HOST, "/b");
            leaving.reset();
            assert!(next.expect_status(200).body == vec![b'b'; MIB]);
            next.get(HOST, "/c");
            assert!(next.expect_status(200).body == vec![b'c'; MIB]);
        }
    }
}

#[test]
fn a_client_that_leaves_a_large_answer_frees_its_endpoint() {
    for stage in each_way(|conn| {
        conn.request();
        conn.send(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
            64 * MIB
        ));
        conn.send(vec![b'x'; 64 * MIB]);
        conn.until_closed();
    }) {
        let mut client = stage.client();
        client.get(HOST, "/");
        client.response_head();
        client.reset();
        stage.endpoint.eventually_left_but(0);
    }
}

#[test]
fn answers_that_only_name_a_length_have_no_body() {
    for stage in each_way(|conn| {
        while let Some(request) = conn.request() {
            let status = match request.target() {
                "/304" => "304 Not Modified",
                _ => "200 OK",
            };
            conn.send(format!(
                "HTTP/1.1 {status}\r\nContent-Length: {MIB}\r\n\r\n"
            ));
            if request.target() == "/body" {
                conn.send(pattern(MIB));
            }
        }
    }) {
        let mut client = stage.client();
        client.send(format!("HEAD / HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
        assert_eq!(client.response_to_head().status(), 200);
        client.get(HOST, "/304");
        client.expect_status(304);
        client.get(HOST, "/body");
        assert!(client.expect_status(200).body == pattern(MIB));
        assert_eq!(stage.endpoint.connections(), 1);
    }
}

#[test]
fn a_large_body_that_stands_still_is_cut() {
    for bytes in [0, 1] {
        let endpoint = Endpoint::scripted(|conn| {
            conn.request();
            conn.send(format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
                2 * MIB
            ));
            conn.send(pattern(MIB));
            conn.until_closed();
        });
        let mut further = from(bytes);
        further["switchyard"]["body_idle_timeout"] = json!("200ms");
        let stage = Stage::configured(endpoint, &further);
        let mut client = stage.client();
        client.get(HOST, "/");
        let mut head = client.response_head();
        assert!(matches!(client.body(&mut head), Err(Fault::Cut(_))));
        stage.endpoint.eventually_left_but(0);
    }
}

#[test]
fn a_busy_tunnel_carries_both_ways_at_once_and_ends_in_halves() {
    let length = 16 * MIB;
    for stage in each_way(move |conn| {
        conn.head();
        conn.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
        let mut writer = conn.writer();
        let sending = thread::spawn(move || writer.write_all(&pattern(length)));
        let same = conn.bytes(length) == pattern(length);
        let _ = sending.join();
        conn.send(if same { "same" } else { "else" });
        let last = conn.bytes(4);
        conn.send(last);
        conn.until_closed();
        conn.send("end");
    }) {
        let mut client = stage.client();
        client.send(format!(
            "GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"
        ));
        client.expect_status(101);
        let mut writer = client.stream().try_clone().unwrap();
        let sending = thread::spawn(move || writer.write_all(&pattern(length)));
        assert!(client.bytes(length) == pattern(length));
        sending.join().unwrap().unwrap();
        assert_eq!(client.bytes(4), b"same");
        client.send("ping");
        assert_eq!(client.bytes(4), b"ping");
        client.half_close();
        assert_eq!(client.rest(), (b"end".to_vec(), Ok(())));
    }
}

#[test]
fn a_tunnel_that_its_endpoint_resets_ends_for_the_client() {
    for stage in each_way(|conn| {
        conn.head();
        conn.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
        conn.bytes(MIB);
        conn.reset();
    }) {
        let mut client = stage.client();
        client.send(format!(
            "GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"
        ));
        client.expect_status(101);
        client.send(pattern(8 * MIB));
        client.expect_closed();
    }
}

#[test]
fn a_pipe_is_taken_for_large_bodies_only_and_used_again() {
    // Each pipe has two ends.
    for (bytes, ends) in [(0, 0), (MIB, 2)] {
        let bus = Bus::start();
        let endpoint = Endpoint::scripted(echo);
        let mut further = from(bytes);
        further["switchyard"]["workers"] = json!(1);
        let router = RouterProcess::start(&bus, &further);
        bus.register(HOST, &[&endpoint]);
        let mut client = router.connect();
        eventually("the route is known", || {
            client.get(HOST, "/");
            client.response().status() == 200
        });
        let before = router.pipe_ends();
        let mut send = |length| {
            send_post(&mut client, length, &pattern(length));
            assert!(client.expect_status(200).body == pattern(length));
            router.pipe_ends() - before
        };
        assert_eq!(send(MIB - 1), 0);
        for _ in 0..5 {
            assert_eq!(send(MIB), ends);
        }
    }
}
