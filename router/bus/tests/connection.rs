//! The connection against real servers: Debian's nats-server and ours.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may fail on the spot"
)]

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use bus::connection::{BusState, Failure};
use bus::server::{Server, ServerOptions};
use bus::{Bus, BusError, BusEvent, BusOptions, ConnectError};
use bytes::Bytes;
use support::conversation::Conversation;
use support::nats::NatsServer;
use support::seat::{connect, options, ours};
use support::wait::{eventually, soon};

/// An address at which nobody listens.
fn dead_addr() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

/// One test with our server and one with the real one.
macro_rules! with_both {
    ($rule:ident, |$addr:ident| $body:block) => {
        mod $rule {
            use super::*;

            async fn check($addr: SocketAddr) $body

            #[tokio::test]
            async fn ours() {
                let server = crate::ours().await;
                check(server.addr()).await;
            }

            #[tokio::test]
            async fn real() {
                let Some(server) = NatsServer::start(&[]) else { return };
                check(server.addr()).await;
            }
        }
    };
}

with_both!(what_is_published_is_received_in_order, |addr| {
    let (bus, other) = (connect(addr).await, connect(addr).await);
    let mut routes = bus.subscribe(bus::subject::ROUTES).await.unwrap();
    bus.flush().await.unwrap();
    other
        .publish(bus::subject::REGISTER, Bytes::from_static(b"1"))
        .await
        .unwrap();
    let reply = "inbox.1";
    other
        .publish_with_reply(bus::subject::GREET, reply, Bytes::from_static(b"2"))
        .await
        .unwrap();
    let first = soon("a message", routes.next()).await.unwrap();
    assert_eq!(
        (&*first.subject, &*first.payload),
        (bus::subject::REGISTER, &b"1"[..])
    );
    assert!(first.reply.is_none());
    let second = soon("a message", routes.next()).await.unwrap();
    assert_eq!(second.reply.as_deref(), Some(reply));
    assert_eq!((bus.buffered_messages(), bus.dropped_messages()), (0, 0));
});

with_both!(after_a_flush_the_subscription_is_in_force, |addr| {
    let (bus, other) = (connect(addr).await, connect(addr).await);
    for round in 0..50 {
        let subject = format!("round.{round}");
        let mut subscription = bus.subscribe(&subject).await.unwrap();
        bus.flush().await.unwrap();
        other.publish(&subject, Bytes::new()).await.unwrap();
        soon("the message", subscription.next()).await.unwrap();
    }
});

with_both!(a_request_is_answered_or_known_to_be_unheard, |addr| {
    let (bus, other) = (connect(addr).await, connect(addr).await);
    let unheard = bus.request("greet", Bytes::new()).await.unwrap_err();
    assert_eq!(unheard, BusError::NoResponders("greet".into()));

    let mut greetings = other.queue_subscribe("greet", "group").await.unwrap();
    other.flush().await.unwrap();
    let answering = async {
        let greeting = greetings.next().await.unwrap();
        other
            .publish(&greeting.reply.unwrap(), greeting.payload)
            .await
            .unwrap();
    };
    let (answer, ()) = soon("an answer", async {
        tokio::join!(bus.request("greet", "hello".into()), answering)
    })
    .await;
    assert_eq!(&*answer.unwrap().payload, b"hello");
});

with_both!(what_is_not_allowed_is_an_error, |addr| {
    let bus = connect(addr).await;
    let wrong = bus.publish("a b", Bytes::new()).await.unwrap_err();
    assert_eq!(wrong, BusError::Subject("a b".into()));
    let large = bus
        .publish("a", vec![0; (1 << 20) + 1].into())
        .await
        .unwrap_err();
    assert_eq!(large, BusError::TooLarge((1 << 20) + 1));
});

with_both!(a_dropped_subscription_ends_at_the_server_too, |addr| {
    let bus = connect(addr).await;
    let subscription = bus.subscribe("gone").await.unwrap();
    bus.flush().await.unwrap();
    drop(subscription);
    let mut asked = BusError::Closed;
    soon("the end of the subscription", async {
        while asked != BusError::NoResponders("gone".into()) {
            let mut impatient = options(&[addr]);
            impatient.request_timeout = Duration::from_millis(100);
            let other = Bus::connect(impatient).await.unwrap();
            asked = other.request("gone", Bytes::new()).await.unwrap_err();
        }
    })
    .await;
});

with_both!(a_full_subscription_drops_and_counts_every_message, |addr| {
    let limited = BusOptions {
        pending_messages: 10,
        ..options(&[addr])
    };
    let bus = Bus::connect(limited).await.unwrap();
    let mut events = bus.events();
    let mut slow = bus.subscribe("flood").await.unwrap();
    bus.flush().await.unwrap();
    for _ in 0..1000 {
        bus.publish("flood", Bytes::from_static(b"x"))
            .await
            .unwrap();
    }
    eventually("all losses to be counted", || bus.dropped_messages() == 990).await;
    assert_eq!(bus.buffered_messages(), 10);
    let mut reported = 0;
    soon("reports of all losses", async {
        while reported < 990 {
            if let Some(BusEvent::SlowConsumer { dropped }) = events.next().await {
                reported += dropped;
            }
        }
    })
    .await;
    let mut batch = Vec::new();
    assert_eq!(
        soon("what is left", slow.next_batch(&mut batch, 100)).await,
        10
    );
    assert_eq!(bus.buffered_messages(), 0);
});

with_both!(a_subscription_holds_only_so_many_bytes, |addr| {
    let limited = BusOptions {
        pending_bytes: 1000,
        ..options(&[addr])
    };
    let bus = Bus::connect(limited).await.unwrap();
    let mut slow = bus.subscribe("flood").await.unwrap();
    bus.flush().await.unwrap();
    for _ in 0..5 {
        bus.publish("flood", vec![0; 400].into()).await.unwrap();
    }
    eventually("the losses", || bus.dropped_messages() == 3).await;
    soon("a message", slow.next()).await.unwrap();
    bus.publish("flood", vec![0; 400].into()).await.unwrap();
    eventually("room again", || bus.buffered_messages() == 2).await;
});

#[tokio::test]
async fn a_restarted_nats_server_is_found_again() {
    let Some(server) = NatsServer::start(&[]) else {
        return;
    };
    let addr = server.addr();
    let bus = connect(addr).await;
    let mut events = bus.events();
    let name = addr.to_string();
    let connected = soon("the first event", events.next()).await;
    assert_eq!(
        connected,
        Some(BusEvent::Connected {
            server: name.clone()
        })
    );
    let mut routes = bus.subscribe(bus::subject::ROUTES).await.unwrap();
    bus.flush().await.unwrap();

    drop(server);
    assert_eq!(
        soon("the loss", events.next()).await,
        Some(BusEvent::Disconnected)
    );
    assert_eq!(bus.state(), BusState::Disconnected);
    let server = NatsServer::start_at(addr.port(), &[]).unwrap();
    let reconnected = soon("the reconnection", events.next()).await;
    assert_eq!(reconnected, Some(BusEvent::Reconnected { server: name }));
    assert!(bus.is_connected());

    bus.flush().await.unwrap();
    connect(server.addr())
        .await
        .publish(bus::subject::REGISTER, Bytes::new())
        .await
        .unwrap();
    soon("a message after the outage", routes.next())
        .await
        .unwrap();
}

#[tokio::test]
async fn what_is_published_during_an_outage_arrives_after_it() {
    let server = ours().await;
    let addr = server.addr();
    let bus = connect(addr).await;
    let mut starts = bus.subscribe(bus::subject::START).await.unwrap();
    bus.flush().await.unwrap();
    server.shutdown().await;
    eventually("the loss", || !bus.is_connected()).await;
    bus.publish(bus::subject::START, Bytes::new())
        .await
        .unwrap();
    let _server = Server::start(ServerOptions {
        addr,
        ..ServerOptions::default()
    })
    .await
    .unwrap();
    soon("the message", starts.next()).await.unwrap();
}

#[tokio::test]
async fn another_server_takes_over() {
    let (first, second) = (ours().await, ours().await);
    let bus = Bus::connect(options(&[first.addr(), second.addr()]))
        .await
        .unwrap();
    let mut events = bus.events();
    let (used, other) = if first.connections() == 1 {
        (first, second)
    } else {
        (second, first)
    };
    assert_eq!(bus.server(), used.addr().to_string());
    used.shutdown().await;
    let reconnected = BusEvent::Reconnected {
        server: other.addr().to_string(),
    };
    soon("the other server", async {
        while events.next().await.as_ref() != Some(&reconnected) {}
    })
    .await;
    assert_eq!(other.connections(), 1);
}

#[tokio::test]
async fn a_dead_server_among_others_does_not_matter() {
    let server = ours().await;
    for _ in 0..8 {
        let bus = Bus::connect(options(&[dead_addr(), server.addr(), dead_addr()]))
            .await
            .unwrap();
        assert_eq!(bus.server(), server.addr().to_string());
    }
}

#[tokio::test]
async fn without_any_server_the_error_names_all() {
    let dead = [dead_addr(), dead_addr()];
    let error = Bus::connect(options(&dead)).await.unwrap_err();
    let text = error.to_string();
    for addr in dead {
        assert!(
            text.contains(&format!("{addr}: Connection refused")),
            "{text}"
        );
    }
    let ConnectError::Unusable(failed) = error else {
        panic!("{text}")
    };
    assert!(failed.iter().all(|failed| failed.failure == Failure::Io));
    assert!(matches!(
        Bus::connect(options(&[])).await,
        Err(ConnectError::NoServers)
    ));
}

#[tokio::test]
async fn a_silent_server_times_out() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = silent.local_addr().unwrap();
    let options = BusOptions {
        dial_timeout: Duration::from_millis(20),
        ..options(&[addr])
    };
    let error = soon("the refusal", Bus::connect(options))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("no NATS server can be used: {addr}: timed out")
    );
}

#[tokio::test]
async fn a_closed_connection_says_so() {
    let server = ours().await;
    let bus = connect(server.addr()).await;
    let mut events = bus.events();
    let mut subscription = bus.subscribe("a").await.unwrap();
    bus.close().await.unwrap();
    assert!(soon("the end", subscription.next()).await.is_none());
    soon("the event", async {
        while events.next().await != Some(BusEvent::Closed) {}
    })
    .await;
    eventually("the client to be gone", || server.connections() == 0).await;
    assert_eq!(bus.publish("a", Bytes::new()).await, Err(BusError::Closed));
}

#[tokio::test]
async fn any_nats_client_can_announce() {
    let server = ours().await;
    let bus = connect(server.addr()).await;
    let mut routes = bus.subscribe(bus::subject::ROUTES).await.unwrap();
    bus.flush().await.unwrap();
    let mut announcer = Conversation::quiet("announcer", server.addr()).await;
    let payload = r#"{"host":"10.0.0.1","port":8080}"#;
    announcer
        .send(&format!(
            "PUB router.register {}\r\n{payload}\r\n",
            payload.len()
        ))
        .await;
    let message = soon("the announcement", routes.next()).await.unwrap();
    let message = bus::RegistryMessage::decode(&message.payload).unwrap();
    assert_eq!((&*message.host, message.port), ("10.0.0.1", 8080));
}
