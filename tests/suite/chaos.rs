//! Faults mixed with honest load: nobody gets another's answer, and no cut one looks whole.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use harness::bus::Bus;
use harness::client::Client;
use harness::endpoint::{Conn, Endpoint};
use harness::oracle::Message;
use harness::router::Router;
use harness::stage::{HOST, Stage};
use harness::wait::eventually;

/// Does what the target says; what it answers always names the target.
fn misbehave(conn: &mut Conn) {
    while let Some(request) = conn.request() {
        let text = request.target().to_owned();
        let good = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}",
            text.len()
        );
        match text.split('/').nth(1).unwrap_or_default() {
            "close" => return,
            "reset" => return conn.reset(),
            "cut" => return conn.send(&good[..good.len() - 1]),
            "extra" => conn.send(format!(
                "{good}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
            )),
            "junk" => conn.send("nonsense\r\n\r\n"),
            "chunk" => conn
                .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nevil!XX0\r\n\r\n"),
            "both" => conn.send(
                "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\nevil",
            ),
            "last" => {
                conn.send(good);
                return;
            }
            _ => conn.send(good),
        }
    }
}

/// One exchange on a kept connection, which is replaced when it is gone.
fn exchange(client: &mut Client, router: SocketAddr, target: &str) -> Option<Message> {
    client.get(HOST, target);
    let answer = client.try_response();
    let kept = matches!(&answer, Ok(answer) if answer.field("connection") != Some("close"));
    if !kept {
        *client = Client::connect(router);
    }
    answer.ok()
}

#[test]
fn among_faults_everybody_gets_his_own_answer() {
    const FAULTS: [&str; 8] = [
        "close", "reset", "cut", "extra", "junk", "chunk", "both", "last",
    ];
    let stage = Stage::with(Endpoint::scripted(misbehave));
    let router = stage.router.http;
    thread::scope(|scope| {
        for lane in 0..6 {
            scope.spawn(move || {
                let mut client = Client::connect(router);
                for turn in 0..64 {
                    let fault = format!("/{}/{lane}/{turn}", FAULTS[(lane + turn) % FAULTS.len()]);
                    if let Some(answer) = exchange(&mut client, router, &fault) {
                        let own = answer.status() == 200 && answer.text() == fault;
                        assert!(own || answer.status() == 502, "{fault}: {answer:#?}");
                    }
                    let honest = format!("/honest/{lane}/{turn}");
                    let answer = exchange(&mut client, router, &honest).expect("an honest answer");
                    assert_eq!((answer.status(), answer.text()), (200, honest));
                }
            });
        }
    });
}

#[test]
fn an_endpoint_killed_under_load_costs_no_client_a_get() {
    let (bus, alive, victim) = (
        Bus::start(),
        Endpoint::saying("hello"),
        Endpoint::saying("hello"),
    );
    let router = Router::start(&bus);
    bus.register(HOST, &[&alive, &victim]);
    router.eventually_knows(HOST, 2);
    let (http, answered) = (router.http, AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut client = Client::connect(http);
                for _ in 0..200 {
                    client.get(HOST, "/");
                    client.expect_status(200);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        eventually("the load is on", || answered.load(Ordering::Relaxed) > 100);
        drop(victim);
    });
    assert_eq!(answered.into_inner(), 800);
}
