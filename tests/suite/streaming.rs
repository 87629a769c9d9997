//! Bodies on the move: large, slow, chunked, early, interim; whole or visibly not.

use std::io::Read;
use std::sync::Mutex;
use std::sync::mpsc;
use std::thread;

use harness::endpoint::{Conn, Endpoint};
use harness::oracle::{Fault, Framing, Message};
use harness::stage::{HOST, Stage, post};
use harness::wait::{DEADLINE, eventually};

const BIG: usize = 12 << 20;

fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| u8::try_from(at % 251).unwrap())
        .collect()
}

fn ok(conn: &mut Conn) {
    conn.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

fn answering_all() -> Endpoint {
    Endpoint::scripted(|conn| {
        while conn.request().is_some() {
            ok(conn);
        }
    })
}

/// Reads an answer in small sips, so that the router meets back-pressure all the way.
fn sip_all(client: &mut harness::client::Client) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut sip = [0; 3000];
    loop {
        let read = client.sip(&mut sip);
        if read == 0 {
            return bytes;
        }
        bytes.extend_from_slice(&sip[..read]);
    }
}

#[test]
fn a_large_upload_arrives_whole() {
    let stage = Stage::with(answering_all());
    let body = pattern(BIG);
    let mut client = stage.client();
    client.send(post(&format!("Content-Length: {BIG}\r\n"), ""));
    client.send(&body);
    client.expect_status(200);
    assert!(stage.endpoint.request().body == body);
}

#[test]
fn a_large_chunked_upload_arrives_whole() {
    let stage = Stage::with(answering_all());
    let body = pattern(BIG);
    let mut client = stage.client();
    client.send(post("Transfer-Encoding: chunked\r\n", ""));
    for (at, piece) in body.chunks(70_001).enumerate() {
        client.send(format!("{:x}\r\n", piece.len()));
        client.send(piece);
        client.send("\r\n");
        assert!(at < 1000);
    }
    client.send("0\r\nX-Sum: 7\r\n\r\n");
    client.expect_status(200);
    let request = stage.endpoint.request();
    assert!(request.body == body);
    assert_eq!(request.trailers, [("X-Sum".to_owned(), "7".to_owned())]);
}

#[test]
fn a_slow_endpoint_holds_back_a_large_upload() {
    let stage = Stage::with(Endpoint::scripted(|conn| {
        let mut head = conn.head().unwrap();
        // What the kernel and the router hold is far less than the body: the client must wait.
        let _ = conn.body(&mut head);
        ok(conn);
    }));
    let mut client = stage.client();
    client.send(post(&format!("Content-Length: {BIG}\r\n"), ""));
    client.send(pattern(BIG));
    client.expect_status(200);
    assert!(stage.endpoint.request().body == pattern(BIG));
}

#[test]
fn a_large_answer_reaches_a_slow_reader_whole() {
    let stage = Stage::with(Endpoint::scripted(|conn| {
        conn.request();
        conn.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {BIG}\r\n\r\n"));
        conn.send(pattern(BIG));
    }));
    let mut client = stage.client();
    client.send(format!(
        "GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n"
    ));
    let bytes = sip_all(&mut client);
    let head = bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap()
        + 4;
    assert!(bytes[head..] == pattern(BIG));
}

#[test]
fn a_large_chunked_answer_with_trailers_arrives_whole() {
    let stage = Stage::with(Endpoint::scripted(|conn| {
        while conn.request().is_some() {
            conn.send("HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n");
            for piece in pattern(BIG).chunks(65_537) {
                conn.send([format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat());
            }
            conn.send("0\r\nX-Sum: 7\r\n\r\n");
        }
    }));
    let mut client = stage.client();
    for _ in 0..2 {
        client.get(HOST, "/");
        let answer = client.expect_status(200);
        assert!(answer.body == pattern(BIG));
        assert_eq!(answer.framing, Framing::Chunked);
        assert_eq!(answer.trailers, [("X-Sum".to_owned(), "7".to_owned())]);
        assert_eq!(answer.field("trailer"), Some("X-Sum"));
    }
}

#[test]
fn both_directions_flow_at_once() {
    let stage = Stage::with(Endpoint::scripted(|conn| {
        conn.head();
        conn.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for at in 0..100 {
            let piece = conn.bytes(if at == 0 { 9 } else { 5 });
            assert!(!piece.is_empty());
            conn.send("4\r\npong\r\n");
        }
        conn.send("0\r\n\r\n");
    }));
    let mut client = stage.client();
    client.send(post("Content-Length: 504\r\n", "ping"));
    client.send("ping!");
    let mut head = client.response_head();
    for _ in 1..100 {
        client.send("ping!");
    }
    client.body(&mut head).unwrap();
    assert_eq!(head.text(), "pong".repeat(100));
}

#[test]
fn the_first_byte_of_an_answer_is_not_held_back() {
    let (go, gone) = mpsc::channel::<()>();
    let gone = Mutex::new(gone);
    let stage = Stage::with(Endpoint::scripted(move |conn| {
        conn.request();
        conn.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent");
        let _ = gone.lock().unwrap().recv_timeout(DEADLINE);
        conn.send(" end");
    }));
    let mut client = stage.client();
    client.get(HOST, "/");
    let mut head = client.response_head();
    // Only after the client holds the head may the endpoint go on.
    go.send(()).unwrap();
    client.body(&mut head).unwrap();
    assert_eq!(head.text(), "event end");
}

#[test]
fn an_answer_delimited_by_close_is_chunked_for_the_client() {
    let stage = Stage::with(Endpoint::scripted(|conn| {
        conn.request();
        conn.send("HTTP/1.1 200 OK\r\n\r\nuntil the end");
    }));
    let mut client = stage.client();
    for _ in 0..2 {
        client.get(HOST, "/");
        let answer = client.expect_status(200);
        assert_eq!(
            (answer.text().as_str(), answer.framing),
            ("until the end", Framing::Chunked)
        );
    }
}

#[test]
fn a_1_0_answer_is_understood() {
    let stage = Stage::with(Endpoint::scripted(|conn| {
        conn.request();
        conn.send("HTTP/1.0 200 OK\r\n\r\nold");
    }));
    let mut client = stage.client();
    for _ in 0..2 {
        client.get(HOST, "/");
        let answer = client.expect_status(200);
        assert_eq!(
            (answer.text().as_str(), &answer.start[..8]),
            ("old", "HTTP/1.1")
        );
    }
}

#[test]
fn answers_without_bodies_keep_the_connection() {
    let stage = Stage::with(Endpoint::scripted(|conn| {
        while let Some(request) = conn.request() {
            conn.send(match (request.method(), request.target()) {
                ("HEAD", _) => "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
                (_, "/304") => {
                    "HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\nETag: \"x\"\r\n\r\n"
                }
                (_, "/204") => "HTTP/1.1 204 No Content\r\n\r\n",
                _ => "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            });
        }
    }));
    let mut client = stage.client();
    client.send(format!("HEAD / HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
    assert_eq!(
        client.response_to_head().field("content-length"),
        Some("1000")
    );
    client.get(HOST, "/304");
    assert_eq!(client.expect_status(304).field("etag"), Some("\"x\""));
    client.get(HOST, "/204");
    assert_eq!(client.expect_status(204).field("content-length"), None);
    client.get(HOST, "/");
    client.expect_status(200);
    assert_eq!(stage.endpoint.connections(), 1);
}

#[test]
fn a_chunked_answer_to_head_has_no_body() {
    let stage = Stage::with(Endpoint::answering(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ));
    let mut client = stage.client();
    for _ in 0..2 {
        client.send(format!("HEAD / HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
        assert_eq!(client.response_to_head().status(), 200);
    }
}

#[test]
fn an_early_answer_is_delivered_while_the_body_still_comes() {
    let stage = Stage::with(Endpoint::scripted(|conn| {
        while let Some(mut head) = conn.head() {
            conn.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly");
            let _ = conn.body(&mut head);
        }
    }));
    let mut client = stage.client();
    client.send(post("Content-Length: 10\r\n", "01234"));
    assert_eq!(client.expect_status(200).text(), "early");
    client.send("56789");
    // Either the connection goes on, with the body read to its end, or it is closed.
    client.get(HOST, "/next");
    match client.try_response() {
        Ok(next) => assert_eq!(next.text(), "early"),
        Err(fault) => assert!(matches!(fault, Fault::End | Fault::Cut(_)), "{fault:?}"),
    }
    assert_eq!(stage.innocent().text(), "early");
}

#[test]
fn a_slow_reader_does_not_make_the_router_read_ahead() {
    let (sent, progress) = mpsc::channel();
    let sent = Mutex::new(sent);
    let stage = Stage::with(Endpoint::scripted(move |conn| {
        conn.request();
        conn.send(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
            64 << 20
        ));
        for _ in 0..64 {
            conn.send(vec![b'x'; 1 << 20]);
            let _ = sent.lock().unwrap().send(());
        }
    }));
    let mut client = stage.client();
    client.get(HOST, "/");
    client.response_head();
    let mut pieces = 0;
    while progress
        .recv_timeout(std::time::Duration::from_millis(300))
        .is_ok()
    {
        pieces += 1;
    }
    assert!(
        pieces < 40,
        "{pieces} MiB were taken for a client that does not read"
    );
    let (rest, how) = thread::spawn(move || {
        let mut left = 64_usize << 20;
        let mut block = vec![0; 1 << 20];
        // The head's read may have taken a first part of the body.
        left -= client.buffered();
        while left > 0 {
            match client.stream().read(&mut block) {
                Ok(0) | Err(_) => return (left, "cut"),
                Ok(read) => left -= read,
            }
        }
        (left, "whole")
    })
    .join()
    .unwrap();
    assert_eq!((rest, how), (0, "whole"));
}

#[test]
fn a_client_that_stops_reading_and_leaves_frees_its_endpoint() {
    let stage = Stage::with(Endpoint::scripted(|conn| {
        conn.request();
        conn.send(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
            64 << 20
        ));
        conn.send(vec![b'x'; 64 << 20]);
        conn.until_closed();
    }));
    let mut client = stage.client();
    client.get(HOST, "/");
    client.response_head();
    client.reset();
    eventually("the endpoint is left", || stage.endpoint.connections() == 1);
    stage.endpoint.eventually_left_but(0);
}

#[test]
fn informational_answers_come_before_the_final_one_in_order() {
    let stage = Stage::with(Endpoint::answering(
        "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\n\r\n\
         HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ));
    let mut client = stage.client();
    client.get(HOST, "/");
    let statuses: Vec<Message> = (0..3).map(|_| client.response()).collect();
    assert_eq!(
        statuses.iter().map(Message::status).collect::<Vec<_>>(),
        [102, 103, 200]
    );
    assert_eq!(statuses[1].all("link"), ["</a>", "</b>"]);
}
