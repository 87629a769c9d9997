//! A real nats-server, and announcements of routes over it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::child::{Child, Pinned, args};
use crate::machine::free_port;

/// The bus of one comparison. Everything announced is announced by this one client, so order is kept.
pub(crate) struct Bus {
    /// Port of the nats-server on the loopback.
    pub(crate) port: u16,
    client: async_nats::Client,
    announcer: Option<JoinHandle<()>>,
    runtime: Runtime,
    _server: Child,
}

/// How often a route is announced anew: no router that starts later waits long for it, and it never becomes stale.
const HEARTBEAT: Duration = Duration::from_millis(500);
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

impl Bus {
    /// Starts the server and connects to it.
    pub(crate) fn start(cpu: usize, program: &Path, dir: &Path) -> anyhow::Result<Self> {
        let port = free_port()?;
        let args = args(["-a", "127.0.0.1", "-p", &port.to_string()]);
        let command = Pinned {
            name: "nats-server",
            cpu,
            program,
            args,
        };
        let server = Child::start(&command, dir, Stdio::null())?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("announcer")
            .enable_all()
            .build()?;
        let client = runtime.block_on(connect(port))?;
        Ok(Self {
            port,
            client,
            announcer: None,
            runtime,
            _server: server,
        })
    }

    /// Announces one route now, and again until the bus is dropped.
    pub(crate) fn keep_announcing(&mut self, host: &str, endpoint: SocketAddr) {
        let client = self.client.clone();
        let message = register(host, endpoint);
        self.announcer = Some(self.runtime.spawn(async move {
            let mut tick = interval(HEARTBEAT);
            loop {
                tick.tick().await;
                client.publish(REGISTER, message.clone().into()).await.ok();
            }
        }));
    }

    /// Announces routes one after the other, and returns when the server has them all.
    pub(crate) fn announce(&self, messages: impl Iterator<Item = String>) -> anyhow::Result<()> {
        self.runtime.block_on(async {
            for message in messages {
                self.client.publish(REGISTER, message.into()).await?;
            }
            self.client
                .flush()
                .await
                .context("the bus did not take the announcements")
        })
    }

    /// Begins to change a table of `routes` routes; it goes on until the result is dropped.
    pub(crate) fn churn(&self, routes: u32) -> Churn {
        let client = self.client.clone();
        Churn(self.runtime.spawn(churn(client, routes)))
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        if let Some(announcer) = &self.announcer {
            announcer.abort();
        }
    }
}

/// Changes of the route table that go on until this is dropped.
#[derive(Debug)]
pub(crate) struct Churn(JoinHandle<()>);

impl Drop for Churn {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn connect(port: u16) -> anyhow::Result<async_nats::Client> {
    let begin = Instant::now();
    loop {
        match async_nats::connect(format!("127.0.0.1:{port}")).await {
            Ok(client) => return Ok(client),
            Err(error) if begin.elapsed() > CONNECT_DEADLINE => {
                return Err(error).context("nats-server does not answer");
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// 1 000 real changes and 20 000 repeated registrations each second.
async fn churn(client: async_nats::Client, routes: u32) {
    let mut tick = interval(CHURN_TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut change, mut repeat) = (0_u32, 0_u32);
    loop {
        tick.tick().await;
        for _ in 0..CHANGES_PER_TICK {
            // A route beyond the table comes, and goes with the next change.
            let subject = if change.is_multiple_of(2) {
                REGISTER
            } else {
                UNREGISTER
            };
            let message = app_route(routes + change / 2 % routes);
            client.publish(subject, message.into()).await.ok();
            change = change.wrapping_add(1);
        }
        for _ in 0..REPEATS_PER_TICK {
            client
                .publish(REGISTER, app_route(repeat % routes).into())
                .await
                .ok();
            repeat = repeat.wrapping_add(1);
        }
    }
}

/// The announcement of an application that listens on the loopback.
pub(crate) fn register(host: &str, endpoint: SocketAddr) -> String {
    let (address, port) = (endpoint.ip(), endpoint.port());
    format!(
        r#"{{"host":"{address}","port":{port},"uris":["{host}"],"app":"{APP}","private_instance_id":"{APP}-0","private_instance_index":"0"}}"#
    )
}

/// The announcement of the nth application of a large table. Nothing ever connects to its endpoint.
pub(crate) fn app_route(nth: u32) -> String {
    let [_, a, b, c] = nth.to_be_bytes();
    let port = 1024 + nth % 60_000;
    format!(
        r#"{{"host":"10.{a}.{b}.{c}","port":{port},"uris":["app-{nth:07}.apps.example.com"],"app":"{nth:08x}-f1c1-4e0d-9a51-58c7ab3f01d2","private_instance_id":"{nth:08x}-77aa-4cd3-6b0f-1f2e"}}"#
    )
}

/// Where routes are announced.
pub(crate) const REGISTER: &str = "router.register";
/// Where they are withdrawn.
pub(crate) const UNREGISTER: &str = "router.unregister";
const APP: &str = "8f0f5b62-2f5c-4f0b-9a3c-5f1c2d3e4f50";
const CHURN_TICK: Duration = Duration::from_millis(5);
const CHANGES_PER_TICK: u32 = 5;
const REPEATS_PER_TICK: u32 = 100;

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;
    use serde_json::Value;

    use super::*;

    #[test]
    fn announcements_are_json_with_one_uri() {
        for message in [
            app_route(70_000),
            register("a.example.com", "127.0.0.1:81".parse().unwrap()),
        ] {
            let value: Value = serde_json::from_str(&message).unwrap();
            assert_eq!(value["uris"].as_array().unwrap().len(), 1);
            assert!(value["port"].as_u64().unwrap() < 65_536);
        }
        let value: Value = serde_json::from_str(&app_route(70_000)).unwrap();
        assert_eq!(value["host"], "10.1.17.112");
        assert_eq!(value["uris"][0], "app-0070000.apps.example.com");
    }

    /// A bus of Debian's nats-server, and a second client that hears what is announced.
    fn bus_and_listener(dir: &Path) -> (Bus, async_nats::Subscriber) {
        let bus = Bus::start(0, Path::new("/usr/sbin/nats-server"), dir).unwrap();
        let heard = bus.runtime.block_on(async {
            let client = connect(bus.port).await.unwrap();
            let mut heard = client.subscribe("router.*").await.unwrap();
            // What the server passes on of this connection's own it has read after the subscription.
            client.publish("router.ready", "{}".into()).await.unwrap();
            assert_eq!(next(&mut heard).await.0, "router.ready");
            heard
        });
        (bus, heard)
    }

    async fn next(heard: &mut async_nats::Subscriber) -> (String, Value) {
        let message = tokio::time::timeout(Duration::from_secs(10), heard.next()).await;
        let message = message.unwrap().unwrap();
        let payload = serde_json::from_slice(&message.payload).unwrap();
        (message.subject.to_string(), payload)
    }

    #[test]
    fn announcements_arrive_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let (bus, mut heard) = bus_and_listener(dir.path());
        bus.announce((0..1_000).map(app_route)).unwrap();
        bus.runtime.block_on(async {
            for nth in 0..1_000 {
                let (subject, message) = next(&mut heard).await;
                assert_eq!(subject, REGISTER);
                assert_eq!(message["uris"][0], format!("app-{nth:07}.apps.example.com"));
            }
        });
    }

    #[test]
    fn churn_registers_and_unregisters_routes_beyond_the_table_and_repeats_the_table() {
        let dir = tempfile::tempdir().unwrap();
        let (bus, mut heard) = bus_and_listener(dir.path());
        let _churn = bus.churn(100);
        let mut seen = Vec::new();
        bus.runtime.block_on(async {
            for _ in 0..CHANGES_PER_TICK + REPEATS_PER_TICK {
                let (subject, message) = next(&mut heard).await;
                seen.push(format!(
                    "{subject} {}",
                    message["uris"][0].as_str().unwrap()
                ));
            }
        });
        assert_eq!(seen[0], "router.register app-0000100.apps.example.com");
        assert_eq!(seen[1], "router.unregister app-0000100.apps.example.com");
        assert_eq!(seen[2], "router.register app-0000101.apps.example.com");
        assert_eq!(seen[5], "router.register app-0000000.apps.example.com");
        assert_eq!(seen[104], "router.register app-0000099.apps.example.com");
    }

    #[test]
    fn churn_is_what_the_floor_says() {
        let ticks = 1_000 / CHURN_TICK.as_millis() as u32;
        assert_eq!(
            (ticks * CHANGES_PER_TICK, ticks * REPEATS_PER_TICK),
            (1_000, 20_000)
        );
    }
}
