//! Clearing away: ended instances, unused droplets, containers that nobody knows.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::statvfs;
use tracing::{info, warn};

use super::desk::forget;
use super::droplets::Wanted;
use super::instance::Instance;
use super::node::Node;
use super::runtime::Role;
use crate::model::Micros;
use crate::wire::InstanceState;

/// What is cleared away, and how far that has come.
pub(super) struct Sweep {
    node: Arc<Node>,
    /// Containers that nobody knew at the last look.
    strangers: BTreeSet<String>,
    interval: Duration,
    last: Option<Instant>,
}

impl Sweep {
    pub(super) fn new(node: Arc<Node>, interval: Duration) -> Self {
        Self {
            node,
            strangers: BTreeSet::new(),
            interval,
            last: None,
        }
    }

    /// Clears away what is due.
    pub(super) async fn run(&mut self) {
        let all = self.node.roster.all();
        let node = Arc::clone(&self.node);
        let over = overdue(&all, node.now(), is_disk_full(&node));
        // Files may be many: not on the loop's thread.
        let removing = tokio::task::spawn_blocking(move || {
            for instance in over {
                forget(&node, &instance);
            }
        });
        if let Err(error) = removing.await {
            warn!(%error, "instances-not-forgotten");
        }
        if self.last.is_some_and(|last| last.elapsed() < self.interval) {
            return;
        }
        self.last = Some(Instant::now());
        self.orphans().await;
        let used = self.node.roster.all();
        self.node
            .droplets
            .sweep(&used.iter().filter_map(key).collect());
    }

    /// Removes containers of instances that nobody knew at two looks in a row.
    async fn orphans(&mut self) {
        let Ok(listed) = self.node.runtime.list().await else {
            return;
        };
        let known: BTreeSet<String> = self
            .node
            .roster
            .all()
            .into_iter()
            // The container of an ended instance is a leftover too: the Engine may make it after the
            // agent that asked for it was killed.
            .filter(Instance::is_live)
            .map(|instance| instance.guid)
            .collect();
        // Staging has its own table; what it leaves is removed at the agent's start.
        let strangers: BTreeSet<String> = listed
            .into_iter()
            .filter(|one| one.labels.role == Role::App && !known.contains(&one.handle))
            .map(|one| one.handle)
            .collect();
        for handle in strangers.intersection(&self.strangers) {
            info!(container = handle, "orphan-removed");
            if let Err(error) = self.node.runtime.remove(handle).await {
                warn!(%error, container = handle, "container-not-removed");
            }
        }
        self.strangers = strangers;
    }
}

/// Ended instances whose files nobody needs any more: stopped a minute ago, crashed an hour ago,
/// crashed before another of the same process, or crashed while the disk is nearly full.
fn overdue(all: &[Instance], now: Micros, full: bool) -> Vec<Instance> {
    let is_over = |instance: &&Instance| {
        let age = now.since(Micros(instance.since_micros));
        match instance.state {
            InstanceState::Stopped => age >= KEEP_STOPPED,
            InstanceState::Crashed => {
                let newer = all.iter().any(|other| {
                    other.state == InstanceState::Crashed
                        && other.start.process == instance.start.process
                        && (other.since_micros, &other.guid)
                            > (instance.since_micros, &instance.guid)
                });
                age >= KEEP_CRASHED || newer && age >= KEEP_STOPPED || full
            }
            _ => false,
        }
    };
    all.iter().filter(is_over).cloned().collect()
}

fn is_disk_full(node: &Node) -> bool {
    statvfs(&node.dir).is_ok_and(|stat| stat.f_bavail < stat.f_blocks / 5)
}

fn key(instance: &Instance) -> Option<String> {
    let wanted = Wanted {
        url: "",
        sha1: instance.start.sha1.as_deref(),
        sha256: instance.start.sha256.as_deref(),
    };
    wanted.key()
}

const KEEP_STOPPED: Duration = Duration::from_secs(60);
const KEEP_CRASHED: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::StartMessage;

    fn ended(guid: &str, process: &str, state: InstanceState, seconds: i64) -> Instance {
        let start = StartMessage {
            process: process.into(),
            ..StartMessage::default()
        };
        let since = Micros::from_seconds(seconds);
        let mut instance = Instance::new(guid.into(), start, since);
        instance.state = state;
        instance
    }

    #[test]
    fn only_the_newest_crash_of_a_process_is_kept_for_an_hour() {
        let all = [
            ended("old", "p", InstanceState::Crashed, 0),
            ended("new", "p", InstanceState::Crashed, 10),
            ended("other", "q", InstanceState::Crashed, 0),
            ended("stopped", "p", InstanceState::Stopped, 50),
            ended("running", "p", InstanceState::Running, 0),
        ];
        let guids = |seconds, full| {
            let over = overdue(&all, Micros::from_seconds(seconds), full);
            over.into_iter().map(|one| one.guid).collect::<Vec<_>>()
        };
        assert_eq!(guids(100, false), ["old"]);
        assert_eq!(guids(120, false), ["old", "stopped"]);
        assert_eq!(guids(20, true), ["old", "new", "other"]);
        assert_eq!(guids(4000, false), ["old", "new", "other", "stopped"]);
    }
}
