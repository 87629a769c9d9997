//! The keeper: a small process that starts a container's program and outlives the agent with it.
//!
//! It leads a session of its own, is told what to start on its standard input, and says on its
//! standard output whether that worked. SIGTERM to it goes on to all processes of the container,
//! SIGUSR1 kills them. It watches memory and the number of processes and writes the end down.

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitOptions, getpid, kill_process, set_child_subreaper,
    setrlimit, setsid, wait,
};
use serde::{Deserialize, Serialize};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

use super::proc::{Identity, descendants, era, proportional_bytes, taken};
use super::record::{Life, Record};
use crate::agent::runtime::contract::{Cause, Exit};
use crate::explain::{self, Explain};

/// What `switchyard keep` is asked to do; the rest comes on its standard input.
#[derive(Clone, Debug, clap::Args)]
pub struct KeepOptions {
    /// The directory where the container's life and end are written down
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
}

/// What the keeper is to start.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Order {
    pub(super) command: Vec<String>,
    pub(super) env: Vec<(String, String)>,
    pub(super) directory: PathBuf,
    pub(super) stdout: PathBuf,
    pub(super) stderr: PathBuf,
    /// 0 means no limit.
    pub(super) memory_mb: u64,
    /// 0 keeps the one of the agent.
    pub(super) max_open_files: u64,
    pub(super) max_processes: u64,
}

/// What the keeper answers.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    Started(u32),
    Failed(String),
}

/// Keeps a container's program until its end.
///
/// # Errors
///
/// Fails when the program cannot be started; the agent is told why.
pub fn keep(options: &KeepOptions) -> Result<(), KeepError> {
    let begun = begin(options);
    let answer = match &begun {
        Ok(keeper) => Answer::Started(keeper.program.as_raw_nonzero().get().unsigned_abs()),
        Err(error) => Answer::Failed(error.to_string()),
    };
    // An agent that has died meanwhile finds the container by its records.
    let mut out = io::stdout().lock();
    let _ = writeln!(
        out,
        "{}",
        serde_json::to_string(&answer).unwrap_or_default()
    );
    let _ = out.flush();
    let keeper = begun?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(KeepError::Begin)?;
    runtime.block_on(keeper.watch())
}

fn begin(options: &KeepOptions) -> Result<Keeper, KeepError> {
    setsid().map_err(|error| KeepError::Begin(error.into()))?;
    set_child_subreaper(Some(getpid())).map_err(|error| KeepError::Begin(error.into()))?;
    let mut text = String::new();
    io::stdin()
        .read_to_string(&mut text)
        .map_err(KeepError::Begin)?;
    let order: Order = serde_json::from_str(&text).map_err(|_| KeepError::Order)?;
    limit(&order)?;
    let child = command(&order)?
        .spawn()
        .map_err(|source| KeepError::Program {
            program: order.command.first().cloned().unwrap_or_default(),
            source,
        })?;
    let program = i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .ok_or(KeepError::Order)?;
    let keeper = Keeper {
        record: Record::at(options.dir.clone()),
        program,
        order,
        cause: None,
    };
    keeper.write_life()?;
    Ok(keeper)
}

fn limit(order: &Order) -> Result<(), KeepError> {
    // A container's core dump would fill its disk and help nobody.
    let mut limits = vec![(Resource::Core, 0)];
    if order.max_open_files > 0 {
        limits.push((Resource::Nofile, order.max_open_files));
    }
    for (resource, most) in limits {
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        setrlimit(resource, limit).map_err(|error| KeepError::Limit(error.into()))?;
    }
    Ok(())
}

fn command(order: &Order) -> Result<Command, KeepError> {
    let mut words = order.command.iter();
    let program = words.next().ok_or(KeepError::Order)?;
    let open = |path: &PathBuf| {
        let mut options = OpenOptions::new();
        let opened = options.append(true).create(true).open(path);
        opened.map_err(|source| KeepError::Output {
            path: path.clone(),
            source,
        })
    };
    let mut command = Command::new(program);
    command
        .args(words)
        .env_clear()
        .envs(order.env.iter().map(|(name, value)| (name, value)))
        .current_dir(&order.directory)
        .stdin(Stdio::null())
        .stdout(open(&order.stdout)?)
        .stderr(open(&order.stderr)?);
    Ok(command)
}

struct Keeper {
    record: Record,
    program: Pid,
    order: Order,
    /// Why we killed it, when we did.
    cause: Option<Cause>,
}

impl Keeper {
    fn write_life(&self) -> Result<(), KeepError> {
        let keeper = Identity::of(getpid().as_raw_nonzero().get()).ok_or(KeepError::Order)?;
        let life = Life {
            keeper,
            program: self.program.as_raw_nonzero().get(),
            era: era(),
        };
        let written = self.record.write_life(&life);
        written.map_err(|error| {
            kill_all(Signal::KILL);
            KeepError::Begin(io::Error::other(error))
        })
    }

    async fn watch(mut self) -> Result<(), KeepError> {
        let catch = |kind| signal(kind).map_err(KeepError::Begin);
        let mut ended = catch(SignalKind::child())?;
        let mut terminate = catch(SignalKind::terminate())?;
        let mut kill = catch(SignalKind::user_defined1())?;
        let mut tick = interval(PACE);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let cause = loop {
            // Before the first wait: the program may have ended before we listened.
            if let Some(cause) = self.reap() {
                break cause;
            }
            tokio::select! {
                _ = ended.recv() => {}
                _ = terminate.recv() => kill_all(Signal::TERM),
                _ = kill.recv() => kill_all(Signal::KILL),
                _ = tick.tick() => self.measure(),
            }
        };
        let exit = Exit {
            cause: self.cause.take().unwrap_or(cause),
            at_micros: now_micros(),
        };
        self.clear().await;
        self.record
            .write_exit(&exit)
            .map_err(|error| KeepError::Begin(io::Error::other(error)))
    }

    /// Reaps whoever has ended, adopted orphans too, and says how the program did.
    fn reap(&self) -> Option<Cause> {
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            if pid == self.program {
                let signal = status.terminating_signal().map(Cause::Signal);
                let code = status.exit_status().map(Cause::Code);
                return Some(code.or(signal).unwrap_or(Cause::Lost));
            }
        }
        None
    }

    /// Kills what the program left behind.
    async fn clear(&self) {
        let mut tick = interval(CLEAR_PACE);
        loop {
            kill_all(Signal::KILL);
            while matches!(wait(WaitOptions::NOHANG), Ok(Some(_))) {}
            if wait(WaitOptions::NOHANG).is_err() {
                // No child is left.
                return;
            }
            tick.tick().await;
        }
    }

    /// Kills a container that takes too much, and one that nobody could ever find again.
    fn measure(&mut self) {
        if self.record.is_gone() {
            // Each time: what was killed may have begun another process meanwhile.
            self.cause = Some(Cause::Lost);
            return kill_all(Signal::KILL);
        }
        if self.cause.is_some() {
            return;
        }
        let pids = descendants(getpid().as_raw_nonzero().get());
        let taken = taken(&pids);
        let limit_bytes = self.order.memory_mb.saturating_mul(1 << 20);
        if limit_bytes > 0 && taken.resident_bytes > limit_bytes {
            // Processes that share their pages would be wronged by the plain sum.
            let bytes = proportional_bytes(&pids).unwrap_or(taken.resident_bytes);
            if bytes > limit_bytes {
                self.cause = Some(Cause::OutOfMemory {
                    limit_mb: self.order.memory_mb,
                });
            }
        }
        let most = self.order.max_processes;
        if most > 0 && taken.processes > most {
            self.cause = Some(Cause::TooManyProcesses { limit: most });
        }
        if self.cause.is_some() {
            kill_all(Signal::KILL);
        }
    }
}

fn kill_all(signal: Signal) {
    for pid in descendants(getpid().as_raw_nonzero().get()) {
        if let Some(pid) = Pid::from_raw(pid) {
            // One that has just ended needs no signal.
            let _ = kill_process(pid, signal);
        }
    }
}

fn now_micros() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.ok()
        .and_then(|now| i64::try_from(now.as_micros()).ok())
        .unwrap_or_default()
}

/// Why the keeper could not keep a container.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// Something that every keeper needs was refused.
    #[error("the keeper cannot work: {0}")]
    Begin(io::Error),
    /// A limit could not be set.
    #[error("the limit of open files cannot be set: {0}")]
    Limit(io::Error),
    /// What to start was not said, or cut off.
    #[error("no order came on the standard input")]
    Order,
    /// A log file cannot be opened.
    #[error("cannot write {}: {source}", path.display())]
    Output {
        /// Which.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The program cannot be run.
    #[error("cannot run `{program}`: {source}")]
    Program {
        /// As it was given.
        program: String,
        /// What the kernel said.
        source: io::Error,
    },
}

impl Explain for KeepError {
    fn help(&self) -> Option<String> {
        matches!(self, Self::Order).then(|| "the agent starts keepers; nobody else needs to".into())
    }

    fn exit(&self) -> explain::Exit {
        explain::Exit::Failed
    }
}

/// How often memory is looked at; a program can take more than its limit for this long.
const PACE: Duration = Duration::from_millis(250);
const CLEAR_PACE: Duration = Duration::from_millis(10);
