//! What every part of the agent shares, and what it says to the controllers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bus::Bus;
use tracing::warn;

use super::admission::Admission;
use super::droplets::Droplets;
use super::files::Secret;
use super::instance::Blame;
use super::instance::{Crash, End, Instance, seconds};
use super::name::NodeName;
use super::roster::Roster;
use super::routes::{Endpoint, Routes};
use super::runtime::Runtime;
use crate::logs::{Following, Tail, TailTarget};
use crate::model::Micros;
use crate::wire::{
    Advertisement, AgentShutdown, ExitReason, Exited, Heartbeat, InstanceState, LogBatch,
    LogRecord, LogStream, NodeClaim, PlacementProperties, Wire, subject,
};

/// Who this node is.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    /// `<index>-<random hex>`, new at each start.
    pub(super) id: String,
    pub(super) index: u32,
    pub(super) ip: String,
    pub(super) stacks: Vec<String>,
    pub(super) zones: Vec<String>,
    pub(super) availability_zone: Option<String>,
    /// Of `/healthz` and `/varz`.
    pub(super) status_addr: String,
    /// Where its instances' files are shown, as in `http://0-1f.example.com`.
    pub(super) files_base: String,
}

impl Identity {
    /// The node's address as routers are told it.
    pub(super) fn host(&self) -> String {
        match self.ip.contains(':') {
            // A router joins address and port with a colon and adds no brackets.
            true => format!("[{}]", self.ip),
            false => self.ip.clone(),
        }
    }

    /// Where the node stands.
    pub(super) fn placement(&self) -> PlacementProperties {
        PlacementProperties {
            zone: self.zones.first().cloned(),
            zones: (!self.zones.is_empty()).then(|| self.zones.clone()),
            availability_zone: self.availability_zone.clone(),
        }
    }
}

/// What every part of the agent shares.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) identity: Identity,
    pub(super) name: NodeName,
    pub(super) dir: PathBuf,
    pub(super) bus: Bus,
    pub(super) runtime: Runtime,
    pub(super) admission: Admission,
    pub(super) droplets: Droplets,
    pub(super) roster: Roster,
    pub(super) routes: Routes,
    pub(super) tail: Tail,
    /// From the end of an instance's routes to the word to end.
    pub(super) last_answers: Duration,
    /// Signs the addresses of instances' files.
    pub(super) secret: Secret,
    /// Whether nothing new is taken any more.
    pub(super) closed: AtomicBool,
}

impl Node {
    pub(super) fn now(&self) -> Micros {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Micros(
            now.ok()
                .and_then(|now| i64::try_from(now.as_micros()).ok())
                .unwrap_or_default(),
        )
    }

    /// Where the files of an instance are.
    pub(super) fn root_of(&self, guid: &str) -> PathBuf {
        self.dir.join("instances").join(guid)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Says something; a bus that is away hears of it by the next heartbeat.
    pub(super) async fn publish(&self, subject: &str, message: &impl Wire) {
        if let Err(error) = self.bus.publish(subject, message.encode().into()).await {
            warn!(%error, subject, "message-not-published");
        }
    }

    pub(super) async fn advertise(&self) {
        if self.is_closed() {
            return;
        }
        let (free, capacity) = (self.admission.free(), self.admission.capacity());
        let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let message = Advertisement {
            id: self.identity.id.clone(),
            stacks: self.identity.stacks.clone(),
            available_memory: whole(free.memory_mb),
            available_disk: Some(whole(free.disk_mb)),
            instances: self.counts(),
            placement_properties: self.identity.placement(),
            ip: self.identity.ip.clone(),
            physical_memory: whole(capacity.memory_mb),
            url: Some(format!("http://{}", self.identity.status_addr)),
            node: self.name.now(),
        };
        self.publish(subject::AGENT_ADVERTISE, &message).await;
    }

    /// Says under which name this agent works, to whoever has the same.
    pub(super) async fn claim(&self) {
        let subject = subject::node(&self.name.now());
        self.publish(&subject, &self.own_claim()).await;
    }

    pub(super) fn own_claim(&self) -> NodeClaim {
        let live = self.roster.all().into_iter().filter(Instance::is_live);
        NodeClaim {
            agent: self.identity.id.clone(),
            instances: u32::try_from(live.count()).unwrap_or(u32::MAX),
        }
    }

    pub(super) async fn heartbeat(&self) {
        self.answer(None).await;
    }

    /// Says all that there is; `word` is that of the roll call which asked.
    pub(super) async fn answer(&self, word: Option<String>) {
        let told = self.roster.all().into_iter().filter(Instance::is_told);
        let message = Heartbeat {
            agent: self.identity.id.clone(),
            instances: told.map(|instance| instance.heartbeat()).collect(),
            node: self.name.now(),
            time: Some(seconds(self.now().0)),
            answers: word,
        };
        self.publish(subject::HEARTBEAT, &message).await;
    }

    pub(super) async fn farewell(&self) {
        let message = AgentShutdown {
            id: self.identity.id.clone(),
            ip: self.identity.ip.clone(),
            version: VERSION.to_owned(),
            instances: self.counts(),
        };
        self.publish(subject::AGENT_SHUTDOWN, &message).await;
    }

    /// Tells the end of an instance, once.
    pub(super) async fn exited(&self, instance: &Instance, end: &End) {
        let (reason, crash) = match end {
            End::Crashed(crash) => (ExitReason::Crashed, Some(crash)),
            End::Told(reason) => (*reason, None),
        };
        let message = Exited {
            process: instance.start.process.clone(),
            version: instance.start.version.clone(),
            instance: instance.guid.clone(),
            index: instance.start.index,
            reason,
            exit_status: crash.map_or(-1, |crash| i64::from(crash.status)),
            exit_description: crash.map(|crash| crash.text.clone()).unwrap_or_default(),
            crash_timestamp: crash.map(|_| seconds(self.now().0)),
            cc_partition: instance.start.cc_partition.clone(),
            node_fault: crash.is_some_and(|crash| crash.blame == Blame::Node),
        };
        self.publish(subject::EXITED, &message).await;
    }

    /// An instance as routers shall find it, when it has routes and a port.
    pub(super) fn endpoint_of(&self, instance: &Instance) -> Option<Endpoint> {
        let port = instance.port?.external;
        Some(Endpoint {
            host: self.identity.host(),
            port,
            uris: instance.start.uris.clone(),
            options: instance.start.uri_options.clone(),
            app: instance.app().to_owned(),
            process: instance.start.process.clone(),
            instance: instance.guid.clone(),
            index: instance.start.index,
            component: format!("dea-{}", self.identity.index),
            availability_zone: self.identity.availability_zone.clone().unwrap_or_default(),
        })
    }

    /// A line of the platform in the log of an app.
    pub(super) async fn say(&self, instance: &Instance, stream: LogStream, text: &str) {
        let record = LogRecord {
            time_ns: self.now().0.saturating_mul(1000),
            source_type: "CELL".to_owned(),
            instance: instance.start.index.to_string(),
            stream,
            text: text.to_owned(),
        };
        let app = instance.app().to_owned();
        let batch = LogBatch {
            app: app.clone(),
            records: vec![record],
            lost: 0,
        };
        self.publish(&subject::logs(&app), &batch).await;
    }

    /// Follows what an instance says, from where an earlier agent stopped.
    pub(super) fn follow(&self, instance: &Instance) -> Following {
        let logs = self.root_of(&instance.guid).join("logs");
        self.tail.follow(TailTarget {
            app: instance.app().to_owned(),
            source_type: instance.source_type(),
            instance: instance.start.index.to_string(),
            files: vec![
                (logs.join("stdout.log"), LogStream::Out),
                (logs.join("stderr.log"), LogStream::Err),
            ],
            offsets: self.dir.join("offsets").join(&instance.guid),
            bytes_per_second: instance.start.limits.log_rate,
        })
    }

    /// Says why an instance crashed in its log.
    pub(super) async fn say_crash(&self, instance: &Instance, crash: &Crash) {
        let text = format!("Instance {} crashed: {}", instance.start.index, crash.text);
        self.say(instance, LogStream::Err, &text).await;
    }

    fn counts(&self) -> BTreeMap<String, u32> {
        let mut counts = BTreeMap::new();
        for instance in self.roster.all() {
            let counted = matches!(
                instance.state,
                InstanceState::Born
                    | InstanceState::Starting
                    | InstanceState::Running
                    | InstanceState::Evacuating
            );
            if counted {
                *counts.entry(instance.start.process).or_default() += 1;
            }
        }
        counts
    }
}

/// The version of this software.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");
