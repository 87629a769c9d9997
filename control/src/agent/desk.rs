//! What the agent does with a message: start, stop, update, find, status.

use std::sync::Arc;

use bus::Message;
use tokio::task::JoinSet;
use tracing::{info, warn};

use super::instance::{Blame, Crash, End, Instance, amount, seconds};
use super::life::{From, Life};
use super::node::{Node, VERSION};
use crate::wire::{
    AgentStatus, ExitReason, FindInstances, FoundInstance, FoundStats, FoundUsage, InstanceState,
    StartMessage, Stop, Update, Wire,
};

/// Admits an instance and begins its life, or says why not.
pub(super) async fn start(node: &Arc<Node>, lives: &mut JoinSet<()>, message: &Message) {
    let Some(start) = read::<StartMessage>(message) else {
        return;
    };
    let instance = Instance::new(fresh_id(), start, node.now());
    if node.is_closed() {
        // Not an end: the instance never was. Whoever asked will see no heartbeat and ask again.
        info!(
            process = instance.start.process,
            "start-refused-while-leaving"
        );
        return;
    }
    match node.admission.reserve(amount(&instance.start)) {
        Ok(room) => {
            let guid = instance.guid.clone();
            let told = node.roster.add(instance, room);
            let life = Life {
                node: Arc::clone(node),
                guid,
                told,
                following: None,
            };
            lives.spawn(life.live(From::Admission));
        }
        Err(shortage) => {
            let crash = Crash::new(Blame::Node, shortage);
            node.say_crash(&instance, &crash).await;
            node.exited(&instance, &End::Crashed(crash)).await;
        }
    }
    node.advertise().await;
}

/// Tells the instances that are meant to end.
pub(super) fn stop(node: &Node, message: &Message) {
    let Some(selector) = read::<Stop>(message) else {
        return;
    };
    for instance in node.roster.all() {
        if instance.matches(&selector) {
            match instance.state {
                // Kept for a look only; whoever stops the app has had it.
                InstanceState::Crashed => forget(node, &instance),
                _ => node.roster.tell(&instance.guid, ExitReason::Stopped),
            }
        }
    }
}

/// Forgets an instance that has ended, with its files.
pub(super) fn forget(node: &Node, instance: &Instance) {
    node.roster.remove(&instance.guid);
    let root = node.root_of(&instance.guid);
    match std::fs::remove_dir_all(&root) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            warn!(%error, instance = instance.guid, "instance-files-not-removed");
        }
        Ok(()) | Err(_) => {}
    }
}

/// Gives instances new routes, or another version.
pub(super) fn update(node: &Node, message: &Message) {
    let Some(update) = read::<Update>(message) else {
        return;
    };
    let of_process = |instance: &Instance| instance.start.process == update.process;
    for instance in node.roster.all().into_iter().filter(of_process) {
        node.roster.change(&instance.guid, |instance| {
            instance.start.uris.clone_from(&update.uris);
            instance.start.uri_options.clone_from(&update.uri_options);
            if let Some(version) = &update.version {
                instance.start.version.clone_from(version);
            }
        });
        // Its own life tells the routers, so that nothing is registered once it has ended.
        node.roster.reroute(&instance.guid);
    }
}

/// Answers for each instance that is meant.
pub(super) async fn find(node: &Node, message: &Message) {
    let Some(question) = read::<FindInstances>(message) else {
        return;
    };
    let Some(reply) = &message.reply else { return };
    let selector = Stop {
        process: question.process.clone(),
        version: question.version.clone(),
        instances: question.instance_ids.clone(),
        indices: question.indices.clone(),
        states: question.states.clone(),
    };
    for instance in node.roster.all() {
        if instance.is_told() && instance.matches(&selector) {
            let found = FoundInstance {
                file_uri_v2: question.path.as_deref().map(|path| {
                    let base = &node.identity.files_base;
                    node.secret.address(base, &instance.guid, path, node.now())
                }),
                ..found(node, &instance, question.include_stats)
            };
            node.publish(reply, &found).await;
        }
    }
}

fn found(node: &Node, instance: &Instance, with_stats: bool) -> FoundInstance {
    FoundInstance {
        agent: node.identity.id.clone(),
        process: instance.start.process.clone(),
        version: instance.start.version.clone(),
        instance: instance.guid.clone(),
        index: instance.start.index,
        state: instance.told_state(),
        state_timestamp: seconds(instance.since_micros),
        staged: format!("/{}", instance.guid),
        stats: with_stats.then(|| stats(node, instance)),
        host_ip: Some(node.identity.ip.clone()),
        app_port: instance.port.map(|port| port.internal),
        ..FoundInstance::default()
    }
}

fn stats(node: &Node, instance: &Instance) -> FoundStats {
    let (now, limits) = (node.now(), &instance.start.limits);
    let usage = node.roster.sampled(&instance.guid).map(|sampled| {
        let whole = |n: Option<u64>| n.and_then(|n| i64::try_from(n).ok()).unwrap_or_default();
        FoundUsage {
            time: super::environment::date(now),
            cpu: sampled.cpu,
            mem: whole(sampled.usage.memory_bytes) / 1024,
            disk: whole(sampled.usage.disk_bytes),
        }
    });
    FoundStats {
        name: instance.start.name.clone(),
        uris: instance.start.uris.clone(),
        host: Some(node.identity.ip.clone()),
        port: instance.port.map(|port| port.external),
        uptime: seconds(now.0.saturating_sub(instance.admitted_micros)),
        mem_quota: limits.mem.saturating_mul(1 << 20),
        disk_quota: limits.disk.saturating_mul(1 << 20),
        fds_quota: limits.fds,
        usage: usage.unwrap_or_default(),
    }
}

/// Answers how full the node is.
pub(super) async fn status(node: &Node, message: &Message) {
    let Some(reply) = &message.reply else { return };
    let (capacity, free) = (node.admission.capacity(), node.admission.free());
    let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let used = node
        .roster
        .all()
        .into_iter()
        .filter_map(|instance| node.roster.sampled(&instance.guid)?.usage.memory_bytes);
    let status = AgentStatus {
        id: node.identity.id.clone(),
        ip: node.identity.ip.clone(),
        version: VERSION.to_owned(),
        max_memory: whole(capacity.memory_mb),
        reserved_memory: whole(capacity.memory_mb - free.memory_mb),
        used_memory: whole(used.sum::<u64>() >> 20),
        ..AgentStatus::default()
    };
    node.publish(reply, &status).await;
}

/// A message, or nothing when it is none; then it is told and dropped.
fn read<T: Wire>(message: &Message) -> Option<T> {
    match T::decode(&message.payload) {
        Ok(read) => Some(read),
        Err(error) => {
            warn!(%error, subject = message.subject.as_str(), "message-dropped");
            None
        }
    }
}

/// A guid in the form of instances: 32 hex digits with dashes, never seen before.
pub(super) fn fresh_id() -> String {
    uuid::Builder::from_random_bytes(rand::random())
        .into_uuid()
        .to_string()
}
