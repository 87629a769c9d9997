//! The engine of plain processes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use super::alive::Hold;
use super::keeper::{Answer, Order};
use super::ports::Ports;
use super::proc::{descendants, of_session, taken};
use super::record::{Container, Life, Record};
use super::size::directory_bytes;
use crate::agent::runtime::contract::{
    Cause, ContainerSpec, Exit, Labelled, PortRequest, Started, Usage,
};
use crate::agent::runtime::error::RuntimeError;

/// What the engine needs to know.
#[derive(Clone, Debug)]
pub struct ProcessOptions {
    /// Where it keeps its records.
    pub dir: PathBuf,
    /// The `switchyard` program, which is the keeper too.
    pub program: PathBuf,
    /// How many processes a container may have.
    pub max_processes: u64,
}

/// The engine of plain processes. Clones are the same engine.
#[derive(Clone, Debug)]
pub struct ProcessRuntime {
    options: ProcessOptions,
    ports: Ports,
}

impl ProcessRuntime {
    /// An engine that keeps its records in the directory of `options`; what is recorded there
    /// already is taken over.
    ///
    /// # Errors
    ///
    /// Fails when that directory cannot be made or read.
    pub fn open(options: ProcessOptions) -> Result<Self, RuntimeError> {
        fs::create_dir_all(&options.dir).map_err(at(&options.dir))?;
        let runtime = Self {
            options,
            ports: Ports::default(),
        };
        for (handle, record) in runtime.records()? {
            if let Some(port) = record.container().and_then(|container| container.port) {
                runtime.ports.adopt(&handle, port.external);
            }
        }
        Ok(runtime)
    }

    pub(in crate::agent::runtime) fn take_port(
        &self,
        handle: &str,
    ) -> Result<PortRequest, RuntimeError> {
        let port = self.ports.take(handle)?;
        Ok(PortRequest {
            internal: port,
            external: port,
        })
    }

    pub(in crate::agent::runtime) async fn start(
        &self,
        spec: ContainerSpec,
    ) -> Result<Started, RuntimeError> {
        let container = Container {
            labels: spec.labels.clone(),
            root: spec.root.clone(),
            port: spec.port,
        };
        let record = Record::create(self.dir_of(&spec.handle)?, &container)?;
        let begun = timeout(BEGIN, self.begin(&record, &spec)).await;
        match begun.unwrap_or_else(|_late| Err(RuntimeError::Start("the keeper is silent".into())))
        {
            Ok(pid) => Ok(Started {
                image: None,
                handle: spec.handle,
                pid: Some(pid),
            }),
            Err(error) => {
                self.end(&record).await;
                record.remove()?;
                Err(error)
            }
        }
    }

    async fn begin(&self, record: &Record, spec: &ContainerSpec) -> Result<u32, RuntimeError> {
        let mut keeper = Command::new(&self.options.program)
            .args(["keep", "--dir"])
            .arg(record.dir())
            .current_dir("/")
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(at(&self.options.program))?;
        let broken = |error: io::Error| RuntimeError::Start(error.to_string());
        let order = Order {
            command: spec.command.clone(),
            env: spec.env.clone(),
            directory: spec.root.clone(),
            stdout: spec.stdout.clone(),
            stderr: spec.stderr.clone(),
            memory_mb: spec.memory_mb,
            max_open_files: spec.max_open_files,
            max_processes: self.options.max_processes,
        };
        let order = serde_json::to_vec(&order).map_err(|error| broken(error.into()))?;
        if let Some(mut stdin) = keeper.stdin.take() {
            stdin.write_all(&order).await.map_err(broken)?;
        }
        let mut line = String::new();
        if let Some(stdout) = keeper.stdout.take() {
            let read = BufReader::new(stdout).read_line(&mut line).await;
            read.map_err(broken)?;
        }
        // Dropped, not waited for: the keeper is watched by its identity, as after a restart.
        drop(keeper);
        match serde_json::from_str(&line) {
            Ok(Answer::Started(pid)) => Ok(pid),
            Ok(Answer::Failed(text)) => Err(RuntimeError::Start(text)),
            Err(_) => Err(RuntimeError::Start("the keeper ended early".into())),
        }
    }

    pub(in crate::agent::runtime) async fn wait(&self, handle: &str) -> Result<Exit, RuntimeError> {
        let record = self.known(handle)?;
        if let Some(exit) = record.exit() {
            return Ok(exit);
        }
        if let Some(hold) = hold(&record)? {
            hold.ended().await.map_err(at(record.dir()))?;
        }
        if let Some(exit) = record.exit() {
            return Ok(exit);
        }
        // The keeper was killed: nobody knows how the program ended, and it may still run.
        self.end(&record).await;
        let exit = Exit {
            cause: Cause::Lost,
            at_micros: 0,
        };
        record.write_exit(&exit)?;
        Ok(exit)
    }

    pub(in crate::agent::runtime) async fn stop(
        &self,
        handle: &str,
        grace: Duration,
    ) -> Result<(), RuntimeError> {
        let record = self.known(handle)?;
        if let Some(hold) = hold(&record)? {
            hold.signal(Signal::TERM);
            if timeout(grace, hold.ended()).await.is_ok() {
                return Ok(());
            }
        }
        self.end(&record).await;
        Ok(())
    }

    pub(in crate::agent::runtime) async fn usage(
        &self,
        handle: &str,
    ) -> Result<Usage, RuntimeError> {
        let record = self.known(handle)?;
        let measured = tokio::task::spawn_blocking(move || {
            let root = record.container().map(|container| container.root);
            let tree = record.life().map(|life| descendants(life.keeper.pid));
            let taken = tree.map(|pids| taken(&pids)).unwrap_or_default();
            Usage {
                cpu_time: Some(taken.cpu_time),
                memory_bytes: Some(taken.resident_bytes),
                disk_bytes: root.map(|root| directory_bytes(&root)),
                processes: Some(taken.processes),
            }
        });
        Ok(measured.await.unwrap_or_default())
    }

    pub(in crate::agent::runtime) async fn list(&self) -> Result<Vec<Labelled>, RuntimeError> {
        let known = self.records()?.into_iter().filter_map(|(handle, record)| {
            let container = record.container()?;
            let life = record.life();
            Some(Labelled {
                handle,
                labels: container.labels,
                running: record.exit().is_none() && life.is_some_and(|life| life.keeper.runs()),
                port: container.port,
            })
        });
        Ok(known.collect())
    }

    pub(in crate::agent::runtime) async fn remove(&self, handle: &str) -> Result<(), RuntimeError> {
        let record = Record::at(self.dir_of(handle)?);
        self.end(&record).await;
        self.ports.release(handle);
        record.remove()
    }

    /// Kills whatever runs of a container, by its keeper if that lives.
    async fn end(&self, record: &Record) {
        if let Ok(Some(hold)) = hold(record) {
            hold.signal(Signal::USR1);
            if timeout(KILL, hold.ended()).await.is_ok() {
                return;
            }
            hold.signal(Signal::KILL);
            let _ = timeout(KILL, hold.ended()).await;
        }
        if let Some(Life { keeper, .. }) = record.life() {
            for pid in of_session(keeper.pid).into_iter().filter_map(Pid::from_raw) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }

    fn known(&self, handle: &str) -> Result<Record, RuntimeError> {
        let record = Record::at(self.dir_of(handle)?);
        match record.container() {
            Some(_) => Ok(record),
            None => Err(RuntimeError::Unknown(handle.to_owned())),
        }
    }

    fn records(&self) -> Result<Vec<(String, Record)>, RuntimeError> {
        let entries = fs::read_dir(&self.options.dir).map_err(at(&self.options.dir))?;
        let record = |entry: fs::DirEntry| {
            let handle = entry.file_name().into_string().ok()?;
            Some((handle, Record::at(entry.path())))
        };
        Ok(entries.flatten().filter_map(record).collect())
    }

    fn dir_of(&self, handle: &str) -> Result<PathBuf, RuntimeError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if handle.is_empty() || handle.len() > 128 || !handle.bytes().all(allowed) {
            return Err(RuntimeError::Handle(handle.to_owned()));
        }
        Ok(self.options.dir.join(handle))
    }
}

fn hold(record: &Record) -> Result<Option<Hold>, RuntimeError> {
    match record.life() {
        Some(life) => Hold::on(life.keeper).map_err(at(record.dir())),
        None => Ok(None),
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> RuntimeError {
    let path = path.to_path_buf();
    |source| RuntimeError::Io { path, source }
}

/// How long a keeper may take to start the program, on a machine that is busy.
const BEGIN: Duration = Duration::from_secs(30);
/// How long a kill may take to be done.
const KILL: Duration = Duration::from_secs(5);
