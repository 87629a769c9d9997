//! The whole loop on a real bus connection: the embedded server, port 0.

use std::sync::Arc;
use std::time::Duration;

use bus::server::{RunningServer, Server, ServerOptions};
use bus::{Bus, BusOptions, Message, StartMessage, Subscription, subject};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::{Desk, addresses};
use crate::config::RegistryConfig;
use crate::core::Clock;
use crate::registry::{Lifecycle, RegistryError, run};
use crate::route::RouteTable;

const DEADLINE: Duration = Duration::from_secs(10);

/// A registry at work, and an announcer beside it.
struct Scene {
    table: Arc<RouteTable>,
    announcer: Bus,
    starts: Subscription,
    stop: oneshot::Sender<()>,
    running: JoinHandle<Result<(), RegistryError>>,
    _desk: crate::observe::metrics::Metrics,
}

async fn server(options: ServerOptions) -> RunningServer {
    Server::start(options).await.unwrap()
}

async fn connect(server: std::net::SocketAddr) -> Bus {
    let options = BusOptions {
        servers: vec![server.into()],
        ..BusOptions::default()
    };
    Bus::connect(options).await.unwrap()
}

impl Scene {
    async fn open(server: std::net::SocketAddr, config: RegistryConfig) -> Self {
        let announcer = connect(server).await;
        let starts = announcer.subscribe(subject::START).await.unwrap();
        announcer.flush().await.unwrap();
        let Desk { registry, metrics } = Desk::new(&config);
        let table = registry.table();
        let ((ready, is_ready), (stop, stopped)) = (oneshot::channel(), oneshot::channel());
        let start = StartMessage {
            id: "0-me".into(),
            ..StartMessage::default()
        };
        let lifecycle = Lifecycle {
            start,
            ready,
            stop: stopped,
        };
        let router = connect(server).await;
        let running = tokio::spawn(run(registry, router, config, Clock::start(), lifecycle));
        timeout(DEADLINE, is_ready).await.unwrap().unwrap();
        Self {
            table,
            announcer,
            starts,
            stop,
            running,
            _desk: metrics,
        }
    }

    async fn say(&self, subject: &str, json: &str) {
        self.announcer
            .publish(subject, json.to_owned().into())
            .await
            .unwrap();
    }

    async fn eventually(&self, host: &str, wanted: &[&str]) {
        let deadline = Instant::now() + DEADLINE;
        while addresses(&self.table, host) != wanted {
            assert!(
                Instant::now() < deadline,
                "{host}: {:?}",
                addresses(&self.table, host)
            );
            sleep(Duration::from_millis(1)).await;
        }
    }

    async fn hears_start(&mut self) {
        let start = next(&mut self.starts).await;
        assert_eq!(StartMessage::decode(&start.payload).unwrap().id, "0-me");
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        timeout(DEADLINE, self.running)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
    }
}

async fn next(subscription: &mut Subscription) -> Message {
    timeout(DEADLINE, subscription.next())
        .await
        .unwrap()
        .unwrap()
}

const A: &str = r#"{"host":"10.0.0.1","port":80,"uris":["a.com"]}"#;

#[tokio::test]
async fn announcements_reach_the_table_in_their_order() {
    let server = server(ServerOptions::default()).await;
    let mut scene = Scene::open(server.addr(), RegistryConfig::default()).await;
    scene.hears_start().await;
    scene.say(subject::REGISTER, A).await;
    scene.eventually("a.com", &["10.0.0.1:80"]).await;
    // What cannot be read is dropped, and stops nothing.
    scene.say(subject::REGISTER, "{").await;
    scene.say(subject::ACTIVE_APPS, "[]").await;
    scene.say(subject::UNREGISTER, A).await;
    scene.say(subject::REGISTER, &A.replace(":80", ":81")).await;
    scene.eventually("a.com", &["10.0.0.1:81"]).await;
    scene.stop().await;
}

#[tokio::test]
async fn a_greeting_is_answered() {
    let server = server(ServerOptions::default()).await;
    let scene = Scene::open(server.addr(), RegistryConfig::default()).await;
    let answer = scene
        .announcer
        .request(subject::GREET, Vec::new().into())
        .await
        .unwrap();
    assert_eq!(StartMessage::decode(&answer.payload).unwrap().id, "0-me");
    scene.stop().await;
}

#[tokio::test]
async fn after_the_bus_was_away_announcers_are_asked_again() {
    let first = server(ServerOptions::default()).await;
    let addr = first.addr();
    let mut scene = Scene::open(addr, RegistryConfig::default()).await;
    scene.hears_start().await;
    scene.say(subject::REGISTER, A).await;
    scene.eventually("a.com", &["10.0.0.1:80"]).await;
    first.shutdown().await;
    let again = server(ServerOptions {
        addr,
        ..ServerOptions::default()
    })
    .await;
    // The router may come back before the announcer listens, so its start can be missed; what counts
    // is that announcements are heard again, and that the table stood meanwhile.
    assert_eq!(addresses(&scene.table, "a.com"), ["10.0.0.1:80"]);
    let deadline = Instant::now() + DEADLINE;
    while again.subscriptions() < 2 {
        assert!(Instant::now() < deadline, "nobody came back");
        sleep(Duration::from_millis(1)).await;
    }
    scene.say(subject::REGISTER, &A.replace(":80", ":81")).await;
    scene
        .eventually("a.com", &["10.0.0.1:80", "10.0.0.1:81"])
        .await;
    scene.stop().await;
}

#[tokio::test]
async fn a_stopped_registry_starts_warm() {
    let folder = tempfile::tempdir().unwrap();
    let snapshot = Some(folder.path().join("routes"));
    let config = RegistryConfig {
        snapshot,
        ..RegistryConfig::default()
    };
    let server = server(ServerOptions::default()).await;
    let scene = Scene::open(server.addr(), config.clone()).await;
    scene.say(subject::REGISTER, A).await;
    scene.eventually("a.com", &["10.0.0.1:80"]).await;
    scene.stop().await;
    let scene = Scene::open(server.addr(), config).await;
    assert_eq!(addresses(&scene.table, "a.com"), ["10.0.0.1:80"]);
    scene.stop().await;
}

#[tokio::test]
async fn a_closed_bus_ends_the_registry() {
    let server = server(ServerOptions::default()).await;
    let config = RegistryConfig::default();
    let Desk {
        registry,
        metrics: _metrics,
    } = Desk::new(&config);
    let router = connect(server.addr()).await;
    let ((ready, is_ready), (_stop, stopped)) = (oneshot::channel(), oneshot::channel());
    let lifecycle = Lifecycle {
        start: StartMessage::default(),
        ready,
        stop: stopped,
    };
    let running = tokio::spawn(run(
        registry,
        router.clone(),
        config,
        Clock::start(),
        lifecycle,
    ));
    timeout(DEADLINE, is_ready).await.unwrap().unwrap();
    router.close().await.unwrap();
    let ended = timeout(DEADLINE, running).await.unwrap().unwrap();
    assert!(matches!(ended, Err(RegistryError::BusClosed)));
}
