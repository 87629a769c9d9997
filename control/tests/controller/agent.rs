//! A scripted agent: it runs nothing, and says that everything runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bus::{Bus, Subscription};
use control::blobs::Blobs;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::interval;

use crate::cloud::Cloud;
use crate::said::{is_meant, read, seconds};

/// An agent on the bus; it falls silent when it is dropped.
pub(crate) struct Agent {
    node: Arc<Node>,
    _tasks: JoinSet<()>,
}

struct Node {
    id: String,
    bus: Bus,
    memory_mb: i64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u32,
    /// By instance: the start message.
    instances: BTreeMap<String, Value>,
    starts: Vec<Value>,
    uris: BTreeMap<String, Value>,
    staged: usize,
    /// Whether it takes nothing any more, and keeps what it has until it is told to end it.
    evacuating: bool,
    /// The fewest instances that ran since there were two.
    fewest: Option<usize>,
}

impl Agent {
    /// An agent that takes what it is told to run.
    pub(crate) async fn start(cloud: &Cloud, id: &str, memory_mb: i64) -> Self {
        let node = Node::new(cloud, id, memory_mb).await;
        let subject = format!("dea.{id}.start");
        let start = node.bus.subscribe(&subject).await.unwrap();
        let stop = node.bus.subscribe("dea.stop").await.unwrap();
        let update = node.bus.subscribe("dea.update").await.unwrap();
        let locate = node.bus.subscribe("dea.locate").await.unwrap();
        let find = node.bus.subscribe("dea.find.droplet").await.unwrap();
        let roll = node.bus.subscribe("healthmanager.start").await.unwrap();
        node.bus.flush().await.unwrap();
        node.beat().await;
        node.advertise("dea.advertise").await;
        node.bus.flush().await.unwrap();
        let mut tasks = JoinSet::new();
        let ears = [start, stop, update, locate, find, roll];
        tasks.spawn(Arc::clone(&node).run(ears));
        Self {
            node,
            _tasks: tasks,
        }
    }

    /// An agent that advertises once, and never answers.
    pub(crate) async fn silent_stager(cloud: &Cloud, id: &str) -> Self {
        let node = Node::new(cloud, id, 8192).await;
        let staging = format!("staging.{id}.start");
        let mut requests = node.bus.subscribe(&staging).await.unwrap();
        let mut locate = node.bus.subscribe("staging.locate").await.unwrap();
        node.bus.flush().await.unwrap();
        node.advertise("staging.advertise").await;
        let mut tasks = JoinSet::new();
        let silent = Arc::clone(&node);
        tasks.spawn(async move {
            loop {
                tokio::select! {
                    Some(_) = requests.next() => silent.lock(|state| state.staged += 1),
                    Some(_) = locate.next() => silent.advertise("staging.advertise").await,
                    else => break,
                }
            }
        });
        Self {
            node,
            _tasks: tasks,
        }
    }

    /// An agent that stages at once, or fails with this text.
    pub(crate) async fn stager(cloud: &Cloud, id: &str, error: Option<&'static str>) -> Self {
        let node = Node::new(cloud, id, 8192).await;
        let staging = format!("staging.{id}.start");
        let mut requests = node.bus.subscribe(&staging).await.unwrap();
        node.bus.flush().await.unwrap();
        let blobs = cloud.blobs.clone();
        let mut tasks = JoinSet::new();
        let stager = Arc::clone(&node);
        tasks.spawn(async move {
            let mut clock = interval(Duration::from_secs(1));
            loop {
                tokio::select! {
                    _ = clock.tick() => stager.advertise("staging.advertise").await,
                    Some(request) = requests.next() => {
                        stager.stage(&request, &blobs, error).await;
                    }
                }
            }
        });
        Self {
            node,
            _tasks: tasks,
        }
    }

    pub(crate) fn running(&self, process: &str) -> usize {
        self.instances(process).len()
    }

    /// The guids of the instances of a process.
    pub(crate) fn instances(&self, process: &str) -> Vec<String> {
        self.node.lock(|state| {
            let of = |(_, start): &(&String, &Value)| start["droplet"] == process;
            let instances = state.instances.iter().filter(of);
            instances.map(|(guid, _)| guid.clone()).collect()
        })
    }

    pub(crate) fn indices(&self, process: &str) -> Vec<u64> {
        self.node.lock(|state| {
            let of = |start: &&Value| start["droplet"] == process;
            let instances = state.instances.values().filter(of);
            let mut indices: Vec<u64> = instances.filter_map(|s| s["index"].as_u64()).collect();
            indices.sort_unstable();
            indices
        })
    }

    /// Every start message that ever came.
    pub(crate) fn starts(&self) -> Vec<Value> {
        self.node.lock(|state| state.starts.clone())
    }

    /// The routes that were told last.
    pub(crate) fn uris(&self, process: &str) -> Value {
        self.node
            .lock(|state| state.uris.get(process).cloned().unwrap_or_default())
    }

    /// How many staging requests came.
    pub(crate) fn staged(&self) -> usize {
        self.node.lock(|state| state.staged)
    }

    /// The fewest instances that ran at once since there were two.
    pub(crate) fn fewest_running(&self) -> usize {
        self.node.lock(|state| state.fewest.unwrap_or(0))
    }

    /// Begins to look for the fewest from now on.
    pub(crate) fn count_anew(&self) {
        self.node
            .lock(|state| state.fewest = Some(state.instances.len()));
    }

    /// Takes nothing any more, and says that what it has should run elsewhere.
    pub(crate) async fn evacuate(&self) {
        let instances = self.node.lock(|state| {
            state.evacuating = true;
            state.instances.clone()
        });
        let id = &self.node.id;
        let farewell = json!({ "id": id, "ip": "127.0.0.1", "version": "1" });
        self.node.say("dea.shutdown", &farewell).await;
        self.node.beat().await;
        for (guid, start) in instances {
            let exit = json!({
                "droplet": start["droplet"], "version": start["version"], "instance": guid,
                "index": start["index"], "reason": "DEA_EVACUATION", "exit_status": -1,
                "exit_description": "",
            });
            self.node.say("droplet.exited", &exit).await;
        }
    }

    /// Loses an instance of a process, and says nothing.
    pub(crate) fn lose(&self, process: &str) {
        let instance = self.instances(process).remove(0);
        self.node.lock(|state| state.instances.remove(&instance));
    }

    /// Lets the first instance of a process crash.
    pub(crate) async fn crash(&self, process: &str, why: &str) {
        let instance = self.instances(process).remove(0);
        let start = self
            .node
            .lock(|state| state.instances.remove(&instance))
            .unwrap();
        let exit = json!({
            "droplet": process, "version": start["version"], "instance": instance,
            "index": start["index"], "reason": "CRASHED", "exit_status": 1,
            "exit_description": why, "crash_timestamp": seconds(),
        });
        self.node.say("droplet.exited", &exit).await;
        self.node.beat().await;
    }
}

impl Node {
    async fn new(cloud: &Cloud, id: &str, memory_mb: i64) -> Arc<Self> {
        Arc::new(Self {
            id: id.to_owned(),
            bus: cloud.connect().await,
            memory_mb,
            state: Mutex::default(),
        })
    }

    fn lock<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap())
    }

    async fn run(
        self: Arc<Self>,
        [
            mut start,
            mut stop,
            mut update,
            mut locate,
            mut find,
            mut roll,
        ]: [Subscription; 6],
    ) {
        let (mut clock, mut starts) = (interval(Duration::from_secs(2)), Vec::new());
        loop {
            tokio::select! {
                // Many at once are told of once, or an agent with many would do nothing else.
                1.. = start.next_batch(&mut starts, 256) => {
                    starts.drain(..).for_each(|message| self.begin(read(&message.payload)));
                }
                Some(message) = stop.next() => {
                    self.end(&read(&message.payload)).await;
                }
                Some(message) = update.next() => {
                    let told = read(&message.payload);
                    let process = told["droplet"].as_str().unwrap().to_owned();
                    self.lock(|state| state.uris.insert(process, told["uris"].clone()));
                }
                Some(_) = locate.next() => {}
                Some(call) = roll.next() => self.answer(&read(&call.payload)["word"]).await,
                Some(question) = find.next() => self.tell_stats(&question).await,
                _ = clock.tick() => {}
            }
            self.beat().await;
            if !self.lock(|state| state.evacuating) {
                self.advertise("dea.advertise").await;
            }
        }
    }

    /// Answers with made-up numbers for each instance of a process.
    async fn tell_stats(&self, question: &bus::Message) {
        let asked = read(&question.payload);
        let found = self.lock(|state| state.instances.clone());
        let inbox = question.reply.as_ref().unwrap();
        for (guid, start) in found {
            if start["droplet"] != asked["droplet"] {
                continue;
            }
            let usage = json!({
                "time": "2014-05-13 16:53:20 +0000", "cpu": 0.5, "mem": 5, "disk": 6,
            });
            let answer = json!({
                "dea": self.id, "droplet": start["droplet"], "version": start["version"],
                "instance": guid, "index": start["index"], "state": "RUNNING",
                "stats": { "name": "shop", "uptime": 7, "usage": usage },
            });
            self.say(inbox, &answer).await;
        }
    }

    fn begin(&self, mut start: Value) {
        start["since"] = json!(seconds());
        self.lock(|state| {
            state.next += 1;
            let guid = format!("{}-{}", self.id, state.next);
            state.starts.push(start.clone());
            state.instances.insert(guid, start);
            if state.instances.len() >= 2 {
                state.fewest.get_or_insert(usize::MAX);
            }
        });
        self.count();
    }

    /// Ends what the message names.
    async fn end(&self, stop: &Value) {
        let ended = self.lock(|state| {
            let (ended, left) = std::mem::take(&mut state.instances)
                .into_iter()
                .partition(|(guid, start)| is_meant(stop, guid, start));
            state.instances = left;
            ended
        });
        self.count();
        let ended: BTreeMap<String, Value> = ended;
        for (guid, start) in ended {
            let exit = json!({
                "droplet": start["droplet"], "version": start["version"], "instance": guid,
                "index": start["index"], "reason": "STOPPED", "exit_status": 0,
                "exit_description": "",
            });
            self.say("droplet.exited", &exit).await;
        }
    }

    fn count(&self) {
        self.lock(|state| {
            let running = state.instances.len();
            state.fewest = state.fewest.map(|fewest| fewest.min(running));
        });
    }

    async fn beat(&self) {
        self.answer(&Value::Null).await;
    }

    /// Says all that it has, with the word of the roll call that asked.
    async fn answer(&self, word: &Value) {
        let beat = self.lock(|state| {
            let standing = if state.evacuating {
                "EVACUATING"
            } else {
                "RUNNING"
            };
            let one = |(guid, start): (&String, &Value)| {
                json!({
                    "droplet": start["droplet"], "version": start["version"], "instance": guid,
                    "index": start["index"], "state": standing, "state_timestamp": start["since"],
                })
            };
            let instances: Vec<Value> = state.instances.iter().map(one).collect();
            json!({
                "dea": self.id, "droplets": instances, "node": self.node(), "time": seconds(),
                "answers": word,
            })
        });
        self.say("dea.heartbeat", &beat).await;
    }

    /// The node's name: two agents with the same number work on the same one.
    fn node(&self) -> &str {
        self.id.split('-').next().unwrap()
    }

    async fn advertise(&self, subject: &str) {
        let told = self.lock(|state| {
            let used = |start: &Value| start["limits"]["mem"].as_i64().unwrap_or(0);
            let used: i64 = state.instances.values().map(used).sum();
            let mut counts: BTreeMap<String, u32> = BTreeMap::new();
            for start in state.instances.values() {
                let process = start["droplet"].as_str().unwrap_or_default();
                *counts.entry(process.to_owned()).or_default() += 1;
            }
            json!({
                "id": self.id, "stacks": ["switchyard"], "available_memory": self.memory_mb - used,
                "available_disk": 100_000, "app_id_to_count": counts, "node": self.node(),
            })
        });
        self.say(subject, &told).await;
    }

    async fn stage(&self, request: &bus::Message, blobs: &Blobs, error: Option<&str>) {
        self.lock(|state| state.staged += 1);
        let asked = read(&request.payload);
        let task = asked["task_id"].clone();
        let inbox = request.reply.as_ref().unwrap();
        self.say(inbox, &json!({ "task_id": task })).await;
        let answer = match error {
            Some(why) => json!({
                "task_id": task, "app_id": asked["app_id"],
                "error_info": { "type": "NoAppDetectedError", "message": why },
            }),
            None => json!({
                "task_id": task, "app_id": asked["app_id"], "process_types": { "web": "serve" },
                "sha256": Cloud::store_blob(blobs, b"droplet").await, "size_bytes": 7,
            }),
        };
        self.say(inbox, &answer).await;
    }

    async fn say(&self, subject: &str, message: &Value) {
        let payload = message.to_string().into();
        self.bus.publish(subject, payload).await.unwrap();
    }
}
