//! The life of one instance: from its admission to its end, one task.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, interval_at, timeout};
use tracing::{info, warn};

use super::begin::begin;
use super::instance::{Blame, Crash, End, Instance};
use super::node::Node;
use super::probe::{Check, Look};
use super::roster::Told;
use super::runtime::Exit;
use crate::logs::Following;
use crate::wire::{ExitReason, InstanceState, LogStream};

/// The life of one instance.
pub(super) struct Life {
    pub(super) node: Arc<Node>,
    pub(super) guid: String,
    pub(super) told: Told,
    /// Reads its log files, once there are any.
    pub(super) following: Option<Following>,
}

/// Where a life is taken up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum From {
    /// From nothing.
    Admission,
    /// Its container runs, but it was never healthy.
    Container,
    /// It was healthy before this agent was there.
    Health,
    /// It was admitted by an agent that is gone, and nothing of it is left.
    Nothing,
}

impl Life {
    /// Lives, from where it is taken up to its end.
    pub(super) async fn live(mut self, from: From) {
        let Some(instance) = self.node.roster.find(&self.guid) else {
            return;
        };
        self.following = (from != From::Nothing).then(|| self.node.follow(&instance));
        let end = match self.until_end(from, &instance).await {
            Err(end) => end,
            Ok(never) => match never {},
        };
        self.finish(end).await;
    }

    async fn until_end(&mut self, from: From, instance: &Instance) -> Result<Never, End> {
        if let Some(reason) = *self.told.end.borrow() {
            return Err(End::Told(reason));
        }
        if from == From::Nothing {
            let text = "the agent ended before the instance ran";
            return Err(End::Crashed(Crash::new(Blame::Node, text)));
        }
        if from == From::Admission {
            self.enter(InstanceState::Starting);
            begin(&self.node, &self.guid, &mut self.told).await?;
            self.node
                .say(
                    instance,
                    LogStream::Out,
                    "Container is running; waiting for the app",
                )
                .await;
        }
        let check = Check::health(&instance.start);
        if from != From::Health {
            self.become_healthy(&check).await?;
            self.enter(InstanceState::Running);
            info!(instance = self.guid, "instance-running");
            let text = format!("Instance {} is healthy", instance.start.index);
            self.node.say(instance, LogStream::Out, &text).await;
        }
        self.route(true).await;
        self.watch(&check, Check::readiness(&instance.start)).await
    }

    async fn become_healthy(&mut self, check: &Check) -> Result<(), End> {
        let runtime = self.node.runtime.clone();
        let mut ended = pin!(runtime.wait(&self.guid));
        let patience = Instant::now() + check.patience;
        let mut pace = interval(STARTING_PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // An end is told before health: its port may have been somebody else's.
                biased;
                exit = &mut ended => return Err(self.exit(exit)),
                reason = told(&mut self.told.end) => return Err(End::Told(reason)),
                _ = pace.tick() => {}
            }
            let wrong = match self.look(check).await {
                Ok(()) => return Ok(()),
                Err(wrong) => wrong,
            };
            if Instant::now() >= patience {
                let text = format!(
                    "failed to accept connections within health check timeout ({} s): {wrong}",
                    check.patience.as_secs()
                );
                return Err(End::Crashed(Crash::new(Blame::App, text)));
            }
        }
    }

    /// Watches a healthy instance until its end.
    async fn watch(&mut self, check: &Check, readiness: Option<Check>) -> Result<Never, End> {
        let runtime = self.node.runtime.clone();
        let guid = self.guid.clone();
        let mut ended = pin!(runtime.wait(&guid));
        let later = |period: Duration| {
            let mut ticks = interval_at(tokio::time::Instant::now() + period, period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        };
        let mut liveness = later(check.interval);
        let mut ready = later(
            readiness
                .as_ref()
                .map_or(USAGE_PACE, |check| check.interval),
        );
        let mut usage = interval(USAGE_PACE);
        loop {
            tokio::select! {
                biased;
                exit = &mut ended => return Err(self.exit(exit)),
                reason = told(&mut self.told.end) => return Err(End::Told(reason)),
                _ = liveness.tick() => self.stay_healthy(check).await?,
                _ = ready.tick(), if readiness.is_some() => {
                    if let Some(readiness) = &readiness {
                        let seen = self.look(readiness).await;
                        self.route(seen.is_ok()).await;
                    }
                }
                Ok(()) = self.told.routes.changed() => self.reroute().await,
                _ = usage.tick() => self.measure().await?,
            }
        }
    }

    async fn stay_healthy(&self, check: &Check) -> Result<(), End> {
        // One slow answer is no end: a machine under load may take that long.
        for _ in 1..STRIKES {
            if self.look(check).await.is_ok() {
                return Ok(());
            }
        }
        let seen = self.look(check).await;
        seen.map_err(|wrong| {
            let text = format!("failed its health check: {wrong}");
            End::Crashed(Crash::new(Blame::App, text))
        })
    }

    async fn measure(&self) -> Result<(), End> {
        let Ok(usage) = self.node.runtime.usage(&self.guid).await else {
            return Ok(());
        };
        self.node.roster.sample(&self.guid, usage, Instant::now());
        let instance = self.node.roster.find(&self.guid);
        let limit_mb = instance.map_or(0, |instance| instance.amount().disk_mb);
        match usage.disk_bytes {
            Some(bytes) if limit_mb > 0 && bytes >> 20 > limit_mb => {
                let taken_mb = bytes >> 20;
                let text = format!("disk quota exceeded ({taken_mb} MB of {limit_mb} MB)");
                Err(End::Crashed(Crash::new(Blame::App, text)))
            }
            Some(_) | None => Ok(()),
        }
    }

    async fn look(&self, check: &Check) -> Result<(), String> {
        if check.look == Look::Process {
            return Ok(());
        }
        let instance = self.node.roster.find(&self.guid);
        let port = instance.and_then(|instance| instance.port);
        let ip: IpAddr = self.node.identity.ip.parse().map_err(|_| {
            format!(
                "the node's address `{}` is no IP address",
                self.node.identity.ip
            )
        })?;
        let port = port.ok_or("the instance has no port")?;
        let published = SocketAddr::new(ip, port.external);
        let door = self.node.runtime.door(&self.guid, port, published).await;
        check.look(door.map_err(|error| error.to_string())?).await
    }

    /// Tells the routers what its routes are now.
    async fn reroute(&self) {
        let instance = self.node.roster.find(&self.guid);
        let shown = instance.filter(|instance| instance.routable);
        if let Some(endpoint) = shown.and_then(|instance| self.node.endpoint_of(&instance)) {
            self.node.routes.set(&self.guid, Some(endpoint)).await;
        }
    }

    /// Shows the instance to the routers, or hides it; once more is as good as once.
    async fn route(&self, shown: bool) {
        let instance = self.node.roster.find(&self.guid);
        let Some(instance) = instance.filter(|instance| instance.routable != shown) else {
            return;
        };
        let changed = self
            .node
            .roster
            .change(&self.guid, |instance| instance.routable = shown);
        let endpoint = changed.filter(|_| shown);
        let endpoint = endpoint.and_then(|instance| self.node.endpoint_of(&instance));
        self.node.routes.set(&self.guid, endpoint).await;
        if !shown {
            info!(instance = self.guid, "instance-not-routable");
            let text = format!("Instance {} takes no requests now", instance.start.index);
            self.node.say(&instance, LogStream::Out, &text).await;
        }
    }

    /// Takes the routes back, ends the container, tells the end.
    async fn finish(mut self, end: End) {
        let following = self.following.take();
        let (node, guid) = (&self.node, self.guid.as_str());
        self.enter(InstanceState::Stopping);
        self.withdraw(&end).await;
        let Some(instance) = node.roster.find(guid) else {
            return;
        };
        let stopped = node.runtime.stop(guid, grace(&instance)).await;
        let removed = node.runtime.remove(guid).await;
        if let Err(error) = removed {
            // The sweep of orphans tries again.
            warn!(%error, ?stopped, instance = guid, "container-not-removed");
        }
        // What it said last comes before what is said of its end.
        if let Some(following) = following {
            following.finish().await;
        }
        let state = match &end {
            End::Crashed(crash) => {
                info!(instance = guid, reason = crash.text, "instance-crashed");
                node.say_crash(&instance, crash).await;
                InstanceState::Crashed
            }
            End::Told(_) => {
                let text = format!("Instance {} has stopped", instance.start.index);
                node.say(&instance, LogStream::Out, &text).await;
                InstanceState::Stopped
            }
        };
        self.enter(state);
        // Its evacuation was told when that began.
        if end != End::Told(ExitReason::Evacuation) {
            node.exited(&instance, &end).await;
        }
    }

    /// Takes the routes back; requests that were on their way when the routers heard of it get their answers.
    async fn withdraw(&self, end: &End) {
        let (node, guid) = (&self.node, self.guid.as_str());
        let before = node.roster.find(guid);
        node.roster
            .change(guid, |instance| instance.routable = false);
        node.routes.set(guid, None).await;
        // Routers must have heard of it before the program is told to end.
        if timeout(FLUSH, node.bus.flush()).await.is_err() {
            warn!(instance = guid, "routes-perhaps-not-withdrawn");
        }
        let served = before.is_some_and(|one| one.routable && !one.start.uris.is_empty());
        if served && matches!(end, End::Told(reason) if *reason != ExitReason::Shutdown) {
            // Many programs die at once when they are told to end, and cut off what they were answering.
            let _ = timeout(node.last_answers, node.runtime.wait(guid)).await;
        }
    }

    fn exit<E: std::fmt::Display>(&self, exit: Result<Exit, E>) -> End {
        End::Crashed(match exit {
            Ok(exit) => {
                let log = self.node.root_of(&self.guid).join("logs/stderr.log");
                Crash::of(&exit.cause, last_line(&log))
            }
            Err(error) => Crash::new(Blame::Node, error),
        })
    }

    fn enter(&self, state: InstanceState) {
        self.node.roster.enter(&self.guid, state, self.node.now());
    }
}

/// Waits until the instance is told to end.
pub(super) async fn told(told: &mut watch::Receiver<Option<ExitReason>>) -> ExitReason {
    match told.wait_for(Option::is_some).await {
        Ok(reason) => reason.unwrap_or(ExitReason::Stopped),
        // The roster is gone, and the agent with it.
        Err(_) => ExitReason::Shutdown,
    }
}

/// How long the program may take to end when it is asked to.
fn grace(instance: &Instance) -> Duration {
    let said = instance.start.other.get("stop_grace_period");
    let seconds = said.and_then(serde_json::Value::as_u64).unwrap_or(10);
    Duration::from_secs(seconds.clamp(1, 300))
}

/// The last line with anything in it.
fn last_line(file: &Path) -> Option<String> {
    use std::io::{Read, Seek, SeekFrom};
    let mut file = std::fs::File::open(file).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LAST_BYTES)))
        .ok()?;
    let mut bytes = Vec::new();
    file.take(LAST_BYTES).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let line = text
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty())?;
    Some(line.chars().take(300).collect())
}

/// A life ends; it never returns otherwise.
enum Never {}

const STARTING_PACE: Duration = Duration::from_millis(500);
const USAGE_PACE: Duration = Duration::from_secs(10);
const FLUSH: Duration = Duration::from_secs(2);
/// Failed looks in a row that end an instance.
const STRIKES: u32 = 3;
const LAST_BYTES: u64 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_are_the_last_line_that_says_anything() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("stderr.log");
        std::fs::write(&file, "first\nTypeError: no\n\n  \n").unwrap();
        assert_eq!(last_line(&file).unwrap(), "TypeError: no");
        std::fs::write(&file, "\n").unwrap();
        assert_eq!(last_line(&file), None);
        assert_eq!(last_line(&dir.path().join("none")), None);
    }
}
