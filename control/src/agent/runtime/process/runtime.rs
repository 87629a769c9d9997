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
        records(&self.options.dir)
    }

    fn dir_of(&self, handle: &str) -> Result<PathBuf, RuntimeError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if handle.is_empty() || handle.len() > 128 || !handle.bytes().all(allowed) {
            return Err(RuntimeError::Handle(handle.to_owned()));
        }
        Ok(self.options.dir.join(handle))
    }
}

/// Forgets the containers in a copied directory of records that are not of the node at `node`, and
/// touches none of them: they may run, for the node that was copied.
///
/// # Errors
///
/// Fails when the records cannot be read or removed.
pub fn disown(dir: &Path, node: &Path) -> Result<(), RuntimeError> {
    if !dir.exists() {
        return Ok(());
    }
    for (_, record) in records(dir)? {
        let container = record.container();
        if !container.is_some_and(|container| container.root.starts_with(node)) {
            record.remove()?;
        }
    }
    Ok(())
}

fn records(dir: &Path) -> Result<Vec<(String, Record)>, RuntimeError> {
    let entries = fs::read_dir(dir).map_err(at(dir))?;
    let record = |entry: fs::DirEntry| {
        let handle = entry.file_name().into_string().ok()?;
        Some((handle, Record::at(entry.path())))
    };
    Ok(entries.flatten().filter_map(record).collect())
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

#[cfg(test)]
mod tests {
    use std::process::Child;
    use std::time::Instant;

    use super::super::proc::{Identity, era};
    use super::*;
    use crate::agent::runtime::contract::{Labels, Role};

    fn record(dir: &Path, handle: &str, root: &Path) -> Record {
        let container = Container {
            labels: Labels {
                app_guid: "a".into(),
                instance_guid: handle.into(),
                index: 0,
                version: "v".into(),
                role: Role::App,
            },
            root: root.to_path_buf(),
            port: None,
        };
        Record::create(dir.join(handle), &container).unwrap()
    }

    fn open(dir: &Path) -> ProcessRuntime {
        let options = ProcessOptions {
            dir: dir.to_path_buf(),
            program: "/bin/false".into(),
            max_processes: 10,
        };
        ProcessRuntime::open(options).unwrap()
    }

    /// A process that leads a session, as any daemon does.
    fn daemon() -> Child {
        let mut command = std::process::Command::new("setsid");
        let child = command.args(["sleep", "600"]).spawn().unwrap();
        let begun = Instant::now();
        while of_session(child.id() as i32).is_empty() {
            assert!(begun.elapsed() < Duration::from_secs(60), "no session");
            std::thread::sleep(Duration::from_millis(5));
        }
        child
    }

    #[tokio::test]
    async fn a_record_of_another_boot_ends_nobody_who_has_its_ids_now() {
        let dir = tempfile::tempdir().unwrap();
        let mut daemon = daemon();
        let pid = daemon.id() as i32;
        let mut life = Life {
            keeper: Identity {
                pid,
                started: Identity::of(pid).unwrap().started,
            },
            program: pid,
            era: Some("another boot".to_owned()),
        };
        let record = record(dir.path(), "h", dir.path());
        record.write_life(&life).unwrap();
        let runtime = open(dir.path());
        assert!(!runtime.list().await.unwrap()[0].running);
        runtime.stop("h", Duration::from_secs(60)).await.unwrap();
        assert_eq!(daemon.try_wait().unwrap(), None, "somebody else was ended");

        // In this boot it is the keeper.
        life.era = era();
        record.write_life(&life).unwrap();
        assert!(runtime.list().await.unwrap()[0].running);
        runtime.remove("h").await.unwrap();
        assert!(!daemon.wait().unwrap().success());
    }

    #[test]
    fn what_is_not_of_this_node_is_forgotten() {
        let (dir, node) = (tempfile::tempdir().unwrap(), Path::new("/var/node"));
        record(dir.path(), "own", &node.join("instances/own"));
        record(dir.path(), "other", Path::new("/var/other/instances/x"));
        record(dir.path(), "sounds-alike", Path::new("/var/node2/x"));
        disown(dir.path(), node).unwrap();
        let left = records(dir.path()).unwrap();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].0, "own");
        disown(&dir.path().join("none"), node).unwrap();
    }
}
