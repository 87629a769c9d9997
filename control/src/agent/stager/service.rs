//! The stager on the bus: requests in, builds side by side, answers out.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bus::{Bus, BusError, Message, Subscription};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};
use tracing::{info, warn};

use super::answer;
use super::build::{Build, Tools};
use super::container::handle;
use super::inboxes::Inboxes;
use super::sources::Buildpacks;
use crate::agent::admission::{Admission, Amount};
use crate::agent::runtime::{Role, Runtime, RuntimeError};
use crate::dial::Trust;
use crate::staging::{Failure, Limits, Phase};
use crate::wire::{
    Advertisement, PlacementProperties, StagingAnswer, StagingRequest, StagingStop, Wire, subject,
};

/// Who stages, and where.
#[derive(Clone, Debug)]
pub struct StagerOptions {
    /// The agent's id, under which it is spoken to.
    pub id: String,
    /// The node's address.
    pub ip: String,
    /// The stacks that it builds on.
    pub stacks: Vec<String>,
    /// Where the node stands.
    pub placement: PlacementProperties,
    /// A directory of the stager's own.
    pub dir: PathBuf,
    /// The search path of programs in a container, as in `PATH`.
    pub path: String,
    /// Whom to trust, where addresses are `https://`.
    pub trust: Trust,
}

/// Why a stager could not begin.
#[derive(Debug, thiserror::Error)]
pub enum StagerError {
    /// The bus does not let us listen.
    #[error("cannot listen on the bus")]
    Bus(#[from] BusError),
    /// The directory cannot be used.
    #[error("cannot use {}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The engine cannot be asked.
    #[error("cannot ask the runtime for the builds of an earlier agent")]
    Runtime(#[from] RuntimeError),
}

/// Takes staging requests and builds droplets.
#[derive(Debug)]
pub struct Stager {
    options: StagerOptions,
    tools: Arc<Tools>,
    admission: Admission,
    starts: Subscription,
    stops: Subscription,
    locates: Subscription,
    builds: HashMap<String, Running>,
    tasks: JoinSet<String>,
}

/// A build that runs, and the way to end it.
#[derive(Debug)]
struct Running {
    app: String,
    cancel: watch::Sender<bool>,
    inboxes: Arc<Inboxes>,
}

impl Stager {
    /// Removes what an earlier agent left of its builds, and listens.
    ///
    /// # Errors
    ///
    /// Fails when directory, engine or bus cannot be used.
    pub async fn start(
        options: StagerOptions,
        bus: Bus,
        runtime: Runtime,
        admission: Admission,
    ) -> Result<Self, StagerError> {
        let directory = |source| StagerError::Directory {
            path: options.dir.clone(),
            source,
        };
        for left in runtime.list().await? {
            if left.labels.role == Role::Stage {
                runtime.remove(&left.handle).await?;
            }
        }
        let dir = options.dir.join("builds");
        match std::fs::remove_dir_all(&dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(directory(error)),
            Ok(()) | Err(_) => {}
        }
        let buildpacks = Buildpacks::open(options.dir.join("buildpacks"), options.trust.clone())
            .map_err(directory)?;
        let starts = bus.subscribe(&subject::staging_start(&options.id)).await?;
        let stops = bus.subscribe(subject::STAGING_STOP).await?;
        let locates = bus.subscribe(subject::STAGING_LOCATE).await?;
        let tools = Tools {
            bus,
            runtime,
            buildpacks,
            dir,
            path: options.path.clone(),
            trust: options.trust.clone(),
        };
        Ok(Self {
            options,
            tools: Arc::new(tools),
            admission,
            starts,
            stops,
            locates,
            builds: HashMap::new(),
            tasks: JoinSet::new(),
        })
    }

    /// Stages until told to end; then ends all builds and removes what they left.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut advertise = interval(ADVERTISE_PAUSE);
        loop {
            tokio::select! {
                // An order to end comes after the request that it is about, and is read after it.
                biased;
                () = said(&mut stop) => break,
                Some(message) = self.starts.next() => self.begin(message).await,
                Some(message) = self.stops.next() => self.cancel(&message),
                _ = advertise.tick() => self.advertise().await,
                Some(_) = self.locates.next() => self.advertise().await,
                Some(ended) = self.tasks.join_next() => {
                    self.forget(ended.ok());
                    // Builds may be waiting for its room.
                    self.advertise().await;
                }
            }
        }
        for build in self.builds.values() {
            build.cancel.send_replace(true);
        }
        let ending = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(END, ending).await.is_err() {
            warn!(builds = self.tasks.len(), "staging-cut-off");
        }
    }

    async fn advertise(&self) {
        let free = self.admission.free();
        let whole = |mb: u64| i64::try_from(mb).unwrap_or(i64::MAX);
        let message = Advertisement {
            id: self.options.id.clone(),
            stacks: self.options.stacks.clone(),
            available_memory: whole(free.memory_mb),
            available_disk: Some(whole(free.disk_mb)),
            placement_properties: self.options.placement.clone(),
            ip: self.options.ip.clone(),
            ..Advertisement::default()
        };
        let sent = self
            .tools
            .bus
            .publish(subject::STAGING_ADVERTISE, message.encode().into());
        if let Err(error) = sent.await {
            warn!(%error, "staging-advertisement-failed");
        }
    }

    async fn begin(&mut self, message: Message) {
        let request = match StagingRequest::decode(&message.payload) {
            Ok(request) => request,
            Err(error) => return warn!(%error, "staging-request-dropped"),
        };
        if !is_name(&request.task_id) {
            return warn!(task = request.task_id, "staging-request-refused");
        }
        let reply = message.reply.map(|reply| reply.to_string());
        if let Some(running) = self.builds.get(&request.task_id) {
            let inboxes = Arc::clone(&running.inboxes);
            return self.join(&request, &inboxes, reply).await;
        }
        info!(
            app = request.app_id,
            task = request.task_id,
            "staging-begun"
        );
        let (cancel, cancelled) = watch::channel(false);
        let inboxes = Inboxes::new(reply);
        let running = Running {
            app: request.app_id.clone(),
            cancel,
            inboxes: Arc::clone(&inboxes),
        };
        self.builds.insert(request.task_id.clone(), running);
        let job = Job {
            tools: Arc::clone(&self.tools),
            admission: self.admission.clone(),
            limits: limits(&request),
            request,
            inboxes,
        };
        self.tasks.spawn(job.run(cancelled));
        // The room is taken once the task has begun, and others should know.
        tokio::task::yield_now().await;
        self.advertise().await;
    }

    /// Somebody asks for a build that is going on: its outcome is theirs too.
    async fn join(&self, request: &StagingRequest, inboxes: &Inboxes, reply: Option<String>) {
        let task = &request.task_id;
        let Some(reply) = reply.filter(|reply| inboxes.join(reply)) else {
            return warn!(task, "staging-request-refused");
        };
        info!(task, "staging-taken-over");
        answer_to(&self.tools.bus, &reply, &answer::ready(request)).await;
    }

    fn cancel(&self, message: &Message) {
        let stop = match StagingStop::decode(&message.payload) {
            Ok(stop) => stop,
            Err(error) => return warn!(%error, "staging-stop-dropped"),
        };
        for (task, build) in &self.builds {
            if stop.means(&self.options.id, &build.app, task) {
                build.cancel.send_replace(true);
            }
        }
    }

    fn forget(&mut self, ended: Option<String>) {
        match ended {
            Some(task) => {
                self.builds.remove(&task);
            }
            // A build that panicked does not say which one it was: its sender is of no use to anybody.
            None => self
                .builds
                .retain(|_, build| build.cancel.receiver_count() > 0),
        }
    }
}

/// One build from the request to its last answer.
struct Job {
    tools: Arc<Tools>,
    admission: Admission,
    limits: Limits,
    request: StagingRequest,
    inboxes: Arc<Inboxes>,
}

impl Job {
    async fn run(self, cancelled: watch::Receiver<bool>) -> String {
        let answer = self.carry(cancelled).await;
        if let Some(error) = &answer.error {
            info!(task = self.request.task_id, error, "staging-failed");
        }
        self.answer(&self.inboxes.close(), &answer).await;
        self.request.task_id
    }

    async fn carry(&self, mut cancelled: watch::Receiver<bool>) -> StagingAnswer {
        let wanted = Amount {
            memory_mb: self.limits.memory_mb,
            disk_mb: self.limits.disk_mb,
        };
        let _room = match self.admission.reserve(wanted) {
            Ok(room) => room,
            Err(shortage) => return self.refusal(&shortage.to_string()),
        };
        let mut build = match Build::begin(&self.tools, &self.request, self.limits) {
            Ok(build) => build,
            Err(error) => return self.refusal(&format!("cannot make its directory: {error}")),
        };
        let ready = answer::ready(&self.request);
        self.answer(&self.inboxes.all(), &ready).await;
        let left = build.left();
        let outcome = tokio::select! {
            outcome = timeout(left, build.run()) => outcome.ok(),
            () = said(&mut cancelled) => {
                Some(Err(Failure::staging(Phase::Done, "it was told to stop")))
            }
        };
        let late = || {
            let reason = format!("not done within {} s", self.limits.seconds);
            Err(Failure::staging(build.phase(), reason))
        };
        let outcome = outcome.unwrap_or_else(late);
        self.clean(&build).await;
        match outcome {
            Ok(staged) => answer::staged(&self.request, staged),
            Err(failure) => {
                let last_lines = build.voice.last_lines();
                let told = failure.message(self.limits, &[]);
                build.voice.complain(&told).await;
                answer::failed(&self.request, &failure, self.limits, &last_lines)
            }
        }
    }

    fn refusal(&self, reason: &str) -> StagingAnswer {
        let failure = Failure::staging(Phase::Admitting, reason);
        answer::failed(&self.request, &failure, self.limits, &[])
    }

    /// Ends the container, which may still run when the build was cut off, and removes its files.
    async fn clean(&self, build: &Build<'_>) {
        let handle = handle(&self.request.task_id);
        if let Err(error) = self.tools.runtime.remove(&handle).await {
            warn!(task = self.request.task_id, %error, "staging-container-left");
        }
        build.clear();
    }

    async fn answer(&self, inboxes: &[String], answer: &StagingAnswer) {
        for inbox in inboxes {
            answer_to(&self.tools.bus, inbox, answer).await;
        }
    }
}

async fn answer_to(bus: &Bus, inbox: &str, answer: &StagingAnswer) {
    if let Err(error) = bus.publish(inbox, answer.encode().into()).await {
        warn!(task = answer.task_id, %error, "staging-answer-lost");
    }
}

/// Waits for the word that ends something.
async fn said(word: &mut watch::Receiver<bool>) {
    // A sender that is gone is as good as its word.
    let _ = word.wait_for(|said| *said).await;
}

/// What a build may take: what was asked for, but no less than a build needs.
fn limits(request: &StagingRequest) -> Limits {
    let asked = &request.properties.limits;
    let at_least = |asked: i64, least: u64| u64::try_from(asked).unwrap_or(0).max(least);
    Limits {
        memory_mb: at_least(asked.memory, MEMORY_MIN_MB),
        disk_mb: at_least(asked.disk, DISK_MIN_MB),
        seconds: u64::from(request.timeout.unwrap_or(SECONDS)),
    }
}

/// Whether a task's name can be that of a directory and a container.
fn is_name(task: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    task.len() <= NAME_MAX_BYTES && task.bytes().all(plain)
}

const ADVERTISE_PAUSE: Duration = Duration::from_secs(5);
const DISK_MIN_MB: u64 = 2048;
const END: Duration = Duration::from_secs(10);
const MEMORY_MIN_MB: u64 = 1024;
const NAME_MAX_BYTES: usize = 128;
const SECONDS: u32 = 900;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_gets_what_it_needs_even_when_less_was_asked_for() {
        let limits = limits(&StagingRequest::default());
        assert_eq!(
            (limits.memory_mb, limits.disk_mb, limits.seconds),
            (1024, 2048, 900)
        );
    }

    #[test]
    fn a_task_is_never_a_path() {
        for (name, good) in [
            ("a-1_B", true),
            ("../x", false),
            ("a/b", false),
            ("a.b", false),
        ] {
            assert_eq!(is_name(name), good, "{name}");
        }
    }
}
