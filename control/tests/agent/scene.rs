//! A bus, an agent, and somebody who hears everything that is said.

use std::time::Duration;

use bus::connection::ServerAddr;
use bus::server::{RunningServer, Server, ServerOptions};
use bus::{Bus, BusOptions, Subscription};
use control::wire::{Limits, StartMessage, Wire};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::timeout;

use crate::files::Droplet;
use crate::node::Agent;

pub(crate) struct Scene {
    pub(crate) bus: Bus,
    pub(crate) agent: Option<Agent>,
    /// The agent's id, as it said itself.
    pub(crate) id: String,
    pub(crate) dir: TempDir,
    options: Vec<&'static str>,
    ears: Subscription,
    server: RunningServer,
}

impl Scene {
    pub(crate) async fn start(options: &[&'static str]) -> Self {
        let server = Server::start(ServerOptions::default()).await.unwrap();
        let bus = Bus::connect(BusOptions {
            servers: vec![ServerAddr {
                host: server.addr().ip().to_string(),
                port: server.addr().port(),
            }],
            ..BusOptions::default()
        });
        let bus = bus.await.unwrap();
        let ears = bus.subscribe(">").await.unwrap();
        bus.flush().await.unwrap();
        let mut scene = Self {
            bus,
            agent: None,
            id: String::new(),
            dir: tempfile::tempdir().unwrap(),
            options: options.to_vec(),
            ears,
            server,
        };
        scene.start_agent().await;
        scene
    }

    /// Starts an agent in the scene's directory, in place of the one that was there.
    pub(crate) async fn start_agent(&mut self) {
        let nats = self.nats();
        self.agent = Some(Agent::start(self.dir.path(), &nats, &self.options));
        let hello = self.hear("dea.start", |_| true).await;
        self.id = hello["id"].as_str().unwrap().to_owned();
    }

    /// The address of the bus.
    pub(crate) fn nats(&self) -> String {
        format!("nats://{}", self.server.addr())
    }

    /// Kills the agent and nothing else.
    pub(crate) fn kill_agent(&mut self) {
        self.agent.take().unwrap().kill();
    }

    /// Waits for the agent's end; says whether that was a success.
    pub(crate) async fn agent_ended(&mut self) -> bool {
        let agent = self.agent.as_mut().unwrap();
        timeout(DEADLINE, agent.ended()).await.unwrap()
    }

    /// The next message on `subject` that is the one; what comes before is passed over.
    pub(crate) async fn hear(&mut self, subject: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let hearing = async {
            loop {
                let message = self.ears.next().await.unwrap();
                if message.subject.as_str() != subject {
                    continue;
                }
                let json: Value = serde_json::from_slice(&message.payload).unwrap();
                if is_it(&json) {
                    return json;
                }
            }
        };
        let heard = timeout(DEADLINE, hearing).await;
        heard.unwrap_or_else(|_| panic!("nothing of that kind was heard on {subject}"))
    }

    pub(crate) async fn tell(&self, subject: &str, message: &impl Wire) {
        let bytes = message.encode();
        self.bus.publish(subject, bytes.into()).await.unwrap();
    }

    pub(crate) async fn start_instance(&self, start: &StartMessage) {
        self.tell(&format!("dea.{}.start", self.id), start).await;
    }

    /// Waits until this many instances are told in this state, and nothing else is told.
    pub(crate) async fn eventually(&mut self, state: &str, count: usize) -> Vec<Value> {
        let heartbeat = self
            .hear("dea.heartbeat", |json| {
                let all = json["droplets"].as_array().unwrap();
                all.len() == count && all.iter().all(|one| one["state"] == state)
            })
            .await;
        heartbeat["droplets"].as_array().unwrap().clone()
    }

    /// The process of an instance that its log names: `pid=N`, said by the app itself.
    pub(crate) async fn said(&self, instance: &str, key: &str) -> String {
        let file = self
            .dir
            .path()
            .join("instances")
            .join(instance)
            .join("logs/stdout.log");
        let reading = async {
            loop {
                let text = tokio::fs::read_to_string(&file).await.unwrap_or_default();
                let mut lines = text.lines().filter_map(|line| line.strip_prefix(key));
                if let Some(value) = lines.next_back() {
                    return value.to_owned();
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(DEADLINE, reading).await.unwrap()
    }
}

/// Whether a process is there that has not ended.
pub(crate) fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit_once(") ")
        .map(|(_, rest)| rest.starts_with(['Z', 'X']));
    state == Some(false)
}

/// A process that is healthy when it runs.
pub(crate) fn worker(droplet: &Droplet, command: &str) -> StartMessage {
    StartMessage {
        process: "p1".into(),
        app: "a1".into(),
        process_type: "worker".into(),
        name: "shop".into(),
        version: "v1".into(),
        sha256: Some(droplet.sha256.clone()),
        executable_uri: droplet.url.clone(),
        start_command: Some(command.into()),
        limits: Limits {
            mem: 64,
            disk: 64,
            fds: 1024,
            ..Limits::default()
        },
        ..StartMessage::default()
    }
}

/// A web process, healthy when it answers.
pub(crate) fn web(droplet: &Droplet) -> StartMessage {
    StartMessage {
        process_type: "web".into(),
        uris: vec!["shop.localhost".into()],
        ..worker(droplet, "echo pid=$$; exec python3 -m http.server $PORT")
    }
}

pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
