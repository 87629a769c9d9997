//! Connections that are used again, or must not be: nobody gets what was meant for another.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use harness::endpoint::{Conn, Endpoint};
use harness::stage::{HOST, Stage, post};
use harness::wait::DEADLINE;

fn say(conn: &mut Conn, text: &str) {
    conn.send(format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}",
        text.len()
    ));
}

/// An endpoint whose first connection does `late` once the returned sender is used.
fn with_a_late_act(late: fn(&mut Conn)) -> (Endpoint, mpsc::Sender<()>, mpsc::Receiver<()>) {
    let (go, gone) = mpsc::channel::<()>();
    let (done, finished) = mpsc::channel();
    let (gone, done) = (Mutex::new(gone), Mutex::new(done));
    let endpoint = Endpoint::scripted(move |conn| {
        if conn.number == 0 {
            conn.request();
            say(conn, "first");
            let _ = gone.lock().unwrap().recv_timeout(DEADLINE);
            late(conn);
            let _ = done.lock().unwrap().send(());
            while conn.request().is_some() {
                say(conn, "wrong connection");
            }
        }
        while conn.request().is_some() {
            say(conn, "second");
        }
    });
    (endpoint, go, finished)
}

#[test]
fn an_idle_connection_carries_the_next_request() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let mut client = stage.client();
    for _ in 0..10 {
        client.get(HOST, "/x");
        client.expect_status(200);
    }
    assert_eq!(stage.endpoint.connections(), 1);
}

#[test]
fn an_answer_that_just_fills_a_buffer_keeps_its_connection() {
    // Head and body are 16 KiB together: the read that takes them cannot tell that nothing follows.
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 16342\r\n\r\n";
    let answer = head.to_owned() + &"x".repeat(16_342);
    assert_eq!(answer.len(), 16 << 10);
    let stage = Stage::with(Endpoint::answering(answer));
    let mut client = stage.client();
    for _ in 0..5 {
        client.get(HOST, "/x");
        client.expect_status(200);
    }
    assert_eq!(stage.endpoint.connections(), 1);
}

#[test]
fn an_answer_on_an_idle_connection_is_nobodys() {
    let (endpoint, go, finished) =
        with_a_late_act(|conn| conn.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"));
    let stage = Stage::with(endpoint);
    let mut client = stage.client();
    client.get(HOST, "/x");
    assert_eq!(client.expect_status(200).text(), "first");
    go.send(()).unwrap();
    finished.recv_timeout(DEADLINE).unwrap();
    client.get(HOST, "/y");
    assert_eq!(client.expect_status(200).text(), "second");
}

#[test]
fn a_connection_that_was_closed_while_idle_gets_no_post() {
    let (endpoint, go, finished) = with_a_late_act(Conn::half_close);
    let stage = Stage::with(endpoint);
    let mut client = stage.client();
    client.get(HOST, "/x");
    assert_eq!(client.expect_status(200).text(), "first");
    go.send(()).unwrap();
    finished.recv_timeout(DEADLINE).unwrap();
    client.send(post("Content-Length: 5\r\n", "hello"));
    assert_eq!(client.expect_status(200).text(), "second");
    let posts = stage
        .endpoint
        .requests()
        .into_iter()
        .filter(|one| one.method() == "POST");
    assert_eq!(posts.count(), 1);
}

#[test]
fn a_connection_whose_endpoint_says_close_is_not_kept() {
    let stage = Stage::with(Endpoint::answering(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
    ));
    let mut client = stage.client();
    for _ in 0..2 {
        client.get(HOST, "/x");
        client.expect_status(200);
    }
    assert_eq!(stage.endpoint.connections(), 2);
}

#[test]
fn the_endpoints_close_is_not_the_clients() {
    let stage = Stage::with(Endpoint::answering(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
    ));
    let mut client = stage.client();
    for _ in 0..2 {
        client.get(HOST, "/x");
        assert_eq!(client.expect_status(200).field("connection"), None);
    }
}

#[test]
fn the_clients_close_is_kept_and_is_not_the_endpoints() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let mut client = stage.client();
    client.send(format!(
        "GET /x HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n"
    ));
    client.expect_status(200);
    client.expect_closed();
    stage.innocent();
    assert_eq!(stage.endpoint.connections(), 1);
}

#[test]
fn with_keep_alives_off_the_endpoint_is_told_to_close() {
    let further = serde_json::json!({ "disable_keep_alives": true });
    let stage = Stage::configured(Endpoint::saying("hello"), &further);
    let mut client = stage.client();
    for _ in 0..2 {
        client.get(HOST, "/x");
        client.expect_status(200);
    }
    assert_eq!(stage.endpoint.connections(), 2);
    assert_eq!(
        stage.endpoint.requests()[0].field("connection"),
        Some("close")
    );
}

#[test]
fn a_1_0_client_is_kept_only_when_it_asks() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let mut client = stage.client();
    client.send(format!("GET /x HTTP/1.0\r\nHost: {HOST}\r\n\r\n"));
    client.expect_status(200);
    client.expect_closed();
    let mut client = stage.client();
    for _ in 0..2 {
        client.send(format!(
            "GET /x HTTP/1.0\r\nHost: {HOST}\r\nConnection: keep-alive\r\n\r\n"
        ));
        let response = client.expect_status(200);
        assert_eq!(
            response
                .field("connection")
                .map(str::to_ascii_lowercase)
                .as_deref(),
            Some("keep-alive")
        );
    }
}

#[test]
fn when_a_client_leaves_its_answer_reaches_nobody() {
    let endpoint = Endpoint::scripted(|conn| {
        while let Some(request) = conn.request() {
            if request.target() == "/long" {
                conn.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun");
                // The rest comes after the client has left.
                conn.until_closed();
                conn.send("evil".repeat(20));
            } else {
                say(conn, "honest");
            }
        }
    });
    let stage = Stage::with(endpoint);
    let mut leaver = stage.client();
    leaver.get(HOST, "/long");
    leaver.response_head();
    leaver.reset();
    for _ in 0..3 {
        assert_eq!(stage.innocent().text(), "honest");
    }
    stage.endpoint.eventually_left_but(1);
}

#[test]
fn a_request_behind_an_early_answer_stays_a_body() {
    let answered = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&answered);
    let stage = Stage::with(Endpoint::scripted(move |conn| {
        while let Some(mut head) = conn.head() {
            *counted.lock().unwrap() += 1;
            say(conn, "early");
            if !matches!(conn.body(&mut head), Ok(())) {
                return;
            }
        }
    }));
    let behind = format!("GET /smuggled HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    let mut client = stage.client();
    client.send(post(&format!("Content-Length: {}\r\n", behind.len()), ""));
    assert_eq!(client.expect_status(200).text(), "early");
    client.send(&behind);
    client.half_close();
    let (rest, _) = client.rest();
    assert!(
        rest.is_empty(),
        "a second answer: {:?}",
        String::from_utf8_lossy(&rest)
    );
    assert_eq!(stage.innocent().text(), "early");
    let smuggled = |one: &harness::oracle::Message| one.target() == "/smuggled";
    assert!(!stage.endpoint.requests().iter().any(smuggled));
    assert_eq!(*answered.lock().unwrap(), 2);
}

#[test]
fn a_refusal_during_an_upload_is_delivered() {
    let stage = Stage::with(Endpoint::scripted(|conn| {
        let Some(_head) = conn.head() else { return };
        conn.send(
            "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig",
        );
        conn.half_close();
        conn.until_closed();
    }));
    let mut client = stage.client();
    client.send(post("Content-Length: 1000000\r\n", &"x".repeat(1000)));
    let response = client.response();
    assert_eq!((response.status(), response.text().as_str()), (413, "big"));
}

#[test]
fn sixty_half_sent_heads_harm_nobody() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let mut slow = Vec::new();
    for _ in 0..60 {
        let mut client = stage.client();
        client.send(format!("GET /x HTTP/1.1\r\nHost: {HOST}\r\nX-Slow: "));
        slow.push(client);
    }
    stage.innocent();
    for client in &mut slow {
        client.send("1\r\n\r\n");
        client.expect_status(200);
    }
}

#[test]
fn twenty_clients_that_do_not_read_harm_nobody() {
    let megabytes = vec![b'x'; 4 << 20];
    let endpoint = Endpoint::scripted(move |conn| {
        while let Some(request) = conn.request() {
            if request.target() == "/big" {
                conn.send(format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
                    megabytes.len()
                ));
                conn.send(&megabytes);
            } else {
                say(conn, "honest");
            }
        }
    });
    let stage = Stage::with(endpoint);
    let mut deaf = Vec::new();
    for _ in 0..20 {
        let mut client = stage.client();
        client.get(HOST, "/big");
        deaf.push(client);
    }
    stage.endpoint.eventually_has(20);
    for _ in 0..3 {
        assert_eq!(stage.innocent().text(), "honest");
    }
}

#[test]
fn a_hundred_pipelined_requests_are_answered_in_order() {
    let stage = Stage::with(Endpoint::scripted(|conn| {
        while let Some(request) = conn.request() {
            say(conn, request.target());
        }
    }));
    let mut client = stage.client();
    let requests = (0..100).map(|at| format!("GET /{at} HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
    client.send(requests.collect::<String>());
    for at in 0..100 {
        assert_eq!(client.expect_status(200).text(), format!("/{at}"));
    }
}

#[test]
fn pipelined_bodies_stay_with_their_requests() {
    let stage = Stage::with(Endpoint::scripted(|conn| {
        while let Some(request) = conn.request() {
            say(conn, &request.text());
        }
    }));
    let mut client = stage.client();
    let chunked = post("Transfer-Encoding: chunked\r\n", "3\r\ntwo\r\n0\r\n\r\n");
    client.send(
        [
            post("Content-Length: 3\r\n", "one"),
            chunked,
            post("Content-Length: 5\r\n", "three"),
        ]
        .concat(),
    );
    for text in ["one", "two", "three"] {
        assert_eq!(client.expect_status(200).text(), text);
    }
}

#[test]
fn a_client_that_only_half_closes_is_not_left_hanging() {
    let stage = Stage::with(Endpoint::saying("hello"));
    let mut client = stage.client();
    client.get(HOST, "/x");
    client.half_close();
    // compat: Go takes the half-close for a client that has gone, so it may be told 499.
    let (answer, _) = client.rest();
    let text = String::from_utf8_lossy(&answer);
    let whole = text.starts_with("HTTP/1.1 200") && text.ends_with("\r\n\r\nhello");
    assert!(
        whole || text.is_empty() || text.starts_with("HTTP/1.1 499"),
        "{text}"
    );
}
