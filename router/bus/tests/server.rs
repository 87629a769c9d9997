//! What our server does beyond the transcripts: its limits, and its end.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may fail on the spot"
)]

mod support;

use std::time::Duration;

use bus::server::{RunningServer, Server, ServerOptions};
use support::conversation::{Conversation, QUIET};
use support::wait::{eventually, soon};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn start(options: ServerOptions) -> RunningServer {
    Server::start(options).await.unwrap()
}

/// All that a server says until it hangs up.
async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    // A reset is as good an end as any.
    let _reset = soon("the end", stream.read_to_end(&mut said)).await;
    String::from_utf8(said).unwrap()
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off_and_others_are_served() {
    let server = start(ServerOptions {
        max_pending_bytes: 64 << 10,
        ..ServerOptions::default()
    })
    .await;
    let mut sleeper = TcpStream::connect(server.addr()).await.unwrap();
    sleeper
        .write_all(format!("CONNECT {QUIET}\r\nSUB flood 1\r\n").as_bytes())
        .await
        .unwrap();
    let mut reader = Conversation::quiet("ours", server.addr()).await;
    reader.send("SUB other 1\r\n").await;
    reader.sync().await;
    eventually("both subscriptions", || server.subscriptions() == 2).await;

    let mut flooder = Conversation::quiet("ours", server.addr()).await;
    let message = format!("PUB flood 10000\r\n{}\r\n", "x".repeat(10_000));
    soon("the cut", async {
        while server.connections() == 3 {
            flooder.send(&message).await;
            flooder.sync().await;
        }
    })
    .await;
    assert_eq!(server.subscriptions(), 1);
    flooder.send("PUB other 1\r\nx\r\n").await;
    reader.expect(&["MSG other 1 1", "x"]).await;
}

#[tokio::test]
async fn a_slow_client_holds_its_publishers_back_but_not_for_ever() {
    let options = ServerOptions {
        max_pending_bytes: 8 << 20,
        ..ServerOptions::default()
    };
    let server = start(options).await;
    let bus = |addr: std::net::SocketAddr| bus::BusOptions {
        servers: vec![addr.into()],
        ..bus::BusOptions::default()
    };
    let reader = bus::Bus::connect(bus(server.addr())).await.unwrap();
    let mut messages = reader.subscribe("flood").await.unwrap();
    reader.flush().await.unwrap();
    let writer = bus::Bus::connect(bus(server.addr())).await.unwrap();
    let payload = bytes::Bytes::from(vec![b'x'; 1 << 10]);
    let writing = async {
        for _ in 0..50_000 {
            writer.publish("flood", payload.clone()).await.unwrap();
        }
    };
    let reading = async {
        for _ in 0..50_000 {
            messages.next().await.unwrap();
        }
    };
    soon("fifty megabytes", async { tokio::join!(writing, reading) }).await;
    assert_eq!(reader.dropped_messages(), 0);
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_client_that_does_not_answer_is_stale() {
    let ping_interval = Duration::from_millis(5);
    let server = start(ServerOptions {
        ping_interval,
        ..ServerOptions::default()
    })
    .await;
    let mut mute = TcpStream::connect(server.addr()).await.unwrap();
    let said = read_to_end(&mut mute).await;
    let (_info, rest) = said.split_once("\r\n").unwrap();
    assert_eq!(rest, "PING\r\nPING\r\n-ERR 'Stale Connection'\r\n");
    drop(mute);
    eventually("the client to be gone", || server.connections() == 0).await;
}

#[tokio::test]
async fn clients_beyond_the_limit_are_refused() {
    let server = start(ServerOptions {
        max_connections: 1,
        ..ServerOptions::default()
    })
    .await;
    let mut first = Conversation::quiet("ours", server.addr()).await;
    let mut second = TcpStream::connect(server.addr()).await.unwrap();
    assert_eq!(
        read_to_end(&mut second).await,
        "-ERR 'maximum connections exceeded'\r\n"
    );
    first.sync().await;
    drop(first);
    eventually("a free place", || server.connections() == 0).await;
    Conversation::quiet("ours", server.addr()).await;
}

#[tokio::test]
async fn subscriptions_beyond_the_limit_are_refused() {
    let server = start(ServerOptions {
        max_subscriptions: 2,
        ..ServerOptions::default()
    })
    .await;
    let mut client = Conversation::quiet("ours", server.addr()).await;
    client
        .send("SUB a 1\r\nSUB b 2\r\nSUB c 3\r\nUNSUB 1\r\nSUB c 4\r\n")
        .await;
    client
        .expect(&["-ERR 'maximum subscriptions exceeded'"])
        .await;
    client.send("PUB c 1\r\nx\r\n").await;
    client.expect(&["MSG c 4 1", "x"]).await;
}

#[tokio::test]
async fn spent_subscriptions_leave_nothing_behind() {
    let server = start(ServerOptions::default()).await;
    let mut client = Conversation::quiet("ours", server.addr()).await;
    for sid in 0..100 {
        client
            .send(&format!("SUB a {sid}\r\nUNSUB {sid} 1\r\nPUB a 0\r\n\r\n"))
            .await;
        client.expect(&[&format!("MSG a {sid} 0"), ""]).await;
    }
    assert_eq!(server.subscriptions(), 0);
}

#[tokio::test]
async fn a_shutdown_delivers_what_waits_and_ends_every_client() {
    let server = start(ServerOptions::default()).await;
    let addr = server.addr();
    let mut client = Conversation::quiet("ours", addr).await;
    client.send("SUB a 1\r\n").await;
    client.sync().await;
    Conversation::quiet("ours", addr)
        .await
        .send("PUB a 2\r\nhi\r\n")
        .await;
    client.expect(&["MSG a 1 2", "hi"]).await;
    soon("the shutdown", server.shutdown()).await;
    client.expect_end().await;
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn a_busy_address_is_an_error() {
    let server = start(ServerOptions::default()).await;
    let taken = ServerOptions {
        addr: server.addr(),
        ..ServerOptions::default()
    };
    assert_eq!(
        Server::start(taken).await.unwrap_err().kind(),
        std::io::ErrorKind::AddrInUse
    );
}
