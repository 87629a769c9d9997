//! Scripted stagers: one that has so much room and takes its time, one that begins and never ends.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bus::{Bus, Message};
use control::blobs::Blobs;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::interval;

use crate::cloud::Cloud;

/// A stager on the bus; it falls silent when it is dropped.
pub(crate) struct Stager {
    desk: Arc<Desk>,
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct Work {
    /// What is being staged: inbox, build, application.
    builds: VecDeque<(String, Value, Value)>,
    most: usize,
    taken: usize,
    stops: Vec<Value>,
    /// Whether it advertises no more.
    silent: bool,
}

struct Desk {
    id: String,
    bus: Bus,
    blobs: Blobs,
    memory_mb: usize,
    work: Mutex<Work>,
}

impl Stager {
    /// A stager with room for so much, that ends a build now and then.
    pub(crate) async fn working(cloud: &Cloud, id: &str, memory_mb: usize) -> Self {
        Self::start(cloud, id, memory_mb, true).await
    }

    /// A stager that begins builds and never ends one.
    pub(crate) async fn hanging(cloud: &Cloud, id: &str) -> Self {
        Self::start(cloud, id, 8192, false).await
    }

    async fn start(cloud: &Cloud, id: &str, memory_mb: usize, ends: bool) -> Self {
        let desk = Arc::new(Desk {
            id: id.to_owned(),
            bus: cloud.connect().await,
            blobs: cloud.blobs.clone(),
            memory_mb,
            work: Mutex::default(),
        });
        let place = format!("staging.{id}.start");
        let mut requests = desk.bus.subscribe(&place).await.unwrap();
        let mut stops = desk.bus.subscribe("staging.stop").await.unwrap();
        let mut locates = desk.bus.subscribe("staging.locate").await.unwrap();
        desk.bus.flush().await.unwrap();
        let mut tasks = JoinSet::new();
        let stager = Arc::clone(&desk);
        tasks.spawn(async move {
            let mut clock = interval(Duration::from_millis(100));
            loop {
                tokio::select! {
                    Some(request) = requests.next() => desk.begin(&request).await,
                    Some(stop) = stops.next() => desk.note(&stop),
                    Some(_) = locates.next() => {}
                    _ = clock.tick() => if ends { desk.end_one("serve").await },
                }
                desk.advertise().await;
            }
        });
        Self {
            desk: stager,
            _tasks: tasks,
        }
    }

    /// How many requests came.
    pub(crate) fn taken(&self) -> usize {
        self.desk.work.lock().unwrap().taken
    }

    /// How many builds there were at most at once.
    pub(crate) fn most(&self) -> usize {
        self.desk.work.lock().unwrap().most
    }

    /// The orders to end that came.
    pub(crate) fn stops(&self) -> Vec<Value> {
        self.desk.work.lock().unwrap().stops.clone()
    }

    /// Goes on with what it has, and is heard of no more.
    pub(crate) fn fall_silent(&self) {
        self.desk.work.lock().unwrap().silent = true;
    }

    /// Ends a build with a droplet that is started like this, and has it said when this returns.
    pub(crate) async fn end_one(&self, command: &str) {
        self.desk.end_one(command).await;
        self.desk.bus.flush().await.unwrap();
    }
}

impl Desk {
    async fn begin(&self, request: &Message) {
        let asked: Value = serde_json::from_slice(&request.payload).unwrap();
        let inbox = request.reply.as_ref().unwrap().to_string();
        let (task, app) = (asked["task_id"].clone(), asked["app_id"].clone());
        {
            let mut work = self.work.lock().unwrap();
            work.taken += 1;
            work.builds.push_back((inbox.clone(), task.clone(), app));
            work.most = work.most.max(work.builds.len());
        }
        self.say(&inbox, &json!({ "task_id": task })).await;
    }

    fn note(&self, stop: &Message) {
        let stop = serde_json::from_slice(&stop.payload).unwrap();
        self.work.lock().unwrap().stops.push(stop);
    }

    async fn end_one(&self, command: &str) {
        let ended = self.work.lock().unwrap().builds.pop_front();
        let Some((inbox, task, app)) = ended else {
            return;
        };
        // The answer to a build that nobody knows comes first, and is passed over.
        let stray = json!({ "task_id": "another", "app_id": app, "error": "not yours" });
        self.say(&inbox, &stray).await;
        let answer = json!({
            "task_id": task, "app_id": app, "process_types": { "web": command },
            "sha256": Cloud::store_blob(&self.blobs, b"droplet").await, "size_bytes": 7,
        });
        self.say(&inbox, &answer).await;
    }

    async fn advertise(&self) {
        let (building, silent) = {
            let work = self.work.lock().unwrap();
            (work.builds.len(), work.silent)
        };
        if silent {
            return;
        }
        let free =
            i64::try_from(self.memory_mb).unwrap() - BUILD_MB * i64::try_from(building).unwrap();
        let told = json!({
            "id": self.id, "stacks": ["switchyard"], "available_memory": free,
            "available_disk": 1_000_000, "app_id_to_count": {},
        });
        self.say("staging.advertise", &told).await;
    }

    async fn say(&self, subject: &str, message: &Value) {
        let payload = message.to_string().into();
        self.bus.publish(subject, payload).await.unwrap();
    }
}

/// What a build takes at least.
pub(crate) const BUILD_MB: i64 = 1024;
