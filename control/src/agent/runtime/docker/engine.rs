//! The engine of Docker containers.

use std::collections::HashMap;
use std::os::unix::fs::lchown;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{
    ContainerState, ContainerStateStatusEnum, ContainerStatsResponse, ContainerSummaryStateEnum,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, InspectContainerOptions, KillContainerOptionsBuilder,
    ListContainersOptionsBuilder, RemoveContainerOptionsBuilder, StartContainerOptions,
    StatsOptionsBuilder, WaitContainerOptions,
};
use futures_util::StreamExt;
use rustix::process::{getgid, getuid};
use tokio::time::{sleep, timeout};
use tracing::warn;

use super::labels::{self, NODE};
use super::spec::{SEEN_ROOT, Terms, create};
use crate::agent::runtime::contract::{
    Cause, ContainerSpec, Exit, Labelled, PortRequest, Started, Usage,
};
use crate::agent::runtime::error::RuntimeError;
use crate::agent::runtime::process::{Ports, directory_bytes};

/// What the engine needs to know.
#[derive(Clone, Debug)]
pub struct DockerOptions {
    /// Images to run in; the first is the default.
    pub images: Vec<String>,
    /// How many processes a container may have.
    pub max_processes: u64,
    /// The address of the node on which ports are opened.
    pub ip: String,
    /// The agent's directory, which tells its containers from those of other agents.
    pub node: PathBuf,
}

/// The engine of Docker containers. Clones are the same engine.
#[derive(Clone, Debug)]
pub struct DockerRuntime {
    docker: Docker,
    options: DockerOptions,
    ports: Ports,
}

impl DockerRuntime {
    /// Connects to the Engine of this machine, or the one of `DOCKER_HOST`.
    ///
    /// # Errors
    ///
    /// Fails when it does not answer.
    pub async fn open(options: DockerOptions) -> Result<Self, RuntimeError> {
        let docker = Docker::connect_with_defaults().map_err(RuntimeError::Docker)?;
        let docker = timeout(ANSWER, docker.negotiate_version()).await;
        let docker = docker
            .map_err(|_late| RuntimeError::DockerSilent)?
            .map_err(RuntimeError::Docker)?;
        let runtime = Self {
            docker,
            options,
            ports: Ports::default(),
        };
        for known in runtime.list().await? {
            if let Some(port) = known.port {
                runtime.ports.adopt(&known.handle, port.external);
            }
        }
        Ok(runtime)
    }

    pub(in crate::agent::runtime) fn take_port(
        &self,
        handle: &str,
    ) -> Result<PortRequest, RuntimeError> {
        Ok(PortRequest {
            internal: INTERNAL_PORT,
            external: self.ports.take(handle)?,
        })
    }

    pub(in crate::agent::runtime) fn seen_root(&self) -> PathBuf {
        SEEN_ROOT.into()
    }

    pub(in crate::agent::runtime) async fn start(
        &self,
        spec: ContainerSpec,
    ) -> Result<Started, RuntimeError> {
        let image = spec.image.as_ref().or_else(|| self.options.images.first());
        let image = image.cloned().ok_or(RuntimeError::NoImageNamed)?;
        let (uid, gid) = user();
        give(&spec.root, uid, gid).await?;
        let terms = Terms {
            image: &image,
            user: format!("{uid}:{gid}"),
            max_processes: self.options.max_processes,
            ip: &self.options.ip,
            node: &self.options.node,
        };
        let name = name(&spec.handle);
        let options = CreateContainerOptionsBuilder::default().name(&name).build();
        let created = self
            .docker
            .create_container(Some(options), create(&spec, &terms));
        created.await.map_err(|error| match status(&error) {
            Some(404) => RuntimeError::NoImage(image.clone()),
            Some(409) => RuntimeError::Exists(spec.handle.clone()),
            _ => RuntimeError::Docker(error),
        })?;
        let started = self
            .docker
            .start_container(&name, None::<StartContainerOptions>);
        if let Err(error) = started.await {
            // What was created for nothing must not be left behind.
            self.remove(&spec.handle).await?;
            return Err(RuntimeError::Docker(error));
        }
        let state = self.state(&spec.handle).await?;
        Ok(Started {
            handle: spec.handle,
            pid: state.pid.and_then(|pid| u32::try_from(pid).ok()),
        })
    }

    pub(in crate::agent::runtime) async fn wait(&self, handle: &str) -> Result<Exit, RuntimeError> {
        let name = name(handle);
        loop {
            match self.state(handle).await {
                Ok(state) if state.running != Some(true) => break,
                Ok(_) => {}
                Err(gone @ RuntimeError::Unknown(_)) => return Err(gone),
                // An Engine that is away or starts again says nothing about the container.
                Err(error) => {
                    warn!(%error, container = name, "docker-not-asked");
                    sleep(AGAIN).await;
                    continue;
                }
            }
            let waiting = self
                .docker
                .wait_container(&name, None::<WaitContainerOptions>);
            // An end with another status than 0 is an error to the library; the state tells more.
            if let Some(Err(error)) = Box::pin(waiting).next().await
                && !matches!(error, Error::DockerContainerWaitError { .. })
            {
                sleep(AGAIN).await;
            }
        }
        let (state, limit_mb) = self.state_and_limit(handle).await?;
        Ok(Exit {
            cause: cause(&state, limit_mb),
            at_micros: now_micros(),
        })
    }

    pub(in crate::agent::runtime) async fn stop(
        &self,
        handle: &str,
        grace: Duration,
    ) -> Result<(), RuntimeError> {
        if self.state(handle).await?.running != Some(true) {
            return Ok(());
        }
        self.kill(handle, "SIGTERM").await?;
        if timeout(grace, self.wait(handle)).await.is_err() {
            self.kill(handle, "SIGKILL").await?;
            self.wait(handle).await?;
        }
        Ok(())
    }

    pub(in crate::agent::runtime) async fn usage(
        &self,
        handle: &str,
    ) -> Result<Usage, RuntimeError> {
        let container = name(handle);
        let options = StatsOptionsBuilder::default()
            .stream(false)
            .one_shot(true)
            .build();
        let mut stats = Box::pin(self.docker.stats(&container, Some(options)));
        let stats = stats.next().await.and_then(Result::ok);
        let inspected = self
            .docker
            .inspect_container(&container, None::<InspectContainerOptions>)
            .await
            .map_err(|error| known(error, handle))?;
        let map = inspected.config.and_then(|config| config.labels);
        let root = map.as_ref().and_then(labels::root);
        let disk = root.map(|root| tokio::task::spawn_blocking(move || directory_bytes(&root)));
        let disk_bytes = match disk {
            Some(measured) => measured.await.ok(),
            None => None,
        };
        Ok(Usage {
            disk_bytes,
            ..measured(stats.as_ref())
        })
    }

    pub(in crate::agent::runtime) async fn list(&self) -> Result<Vec<Labelled>, RuntimeError> {
        let own = format!("{NODE}={}", self.options.node.display());
        let filters = HashMap::from([("label", vec![own])]);
        let options = ListContainersOptionsBuilder::default()
            .all(true)
            .filters(&filters)
            .build();
        let listed = self.docker.list_containers(Some(options)).await;
        let listed = listed.map_err(RuntimeError::Docker)?;
        let ours = listed.into_iter().filter_map(|one| {
            let map = one.labels?;
            let labels = labels::read(&map)?;
            Some(Labelled {
                handle: labels.instance_guid.clone(),
                labels,
                running: one.state == Some(ContainerSummaryStateEnum::RUNNING),
                port: labels::port(&map),
            })
        });
        Ok(ours.collect())
    }

    pub(in crate::agent::runtime) async fn remove(&self, handle: &str) -> Result<(), RuntimeError> {
        let options = RemoveContainerOptionsBuilder::default()
            .force(true)
            .v(true)
            .build();
        let removed = self
            .docker
            .remove_container(&name(handle), Some(options))
            .await;
        match removed {
            // 409: somebody else is removing it already.
            Err(error) if !matches!(status(&error), Some(404 | 409)) => {
                Err(RuntimeError::Docker(error))
            }
            Ok(()) | Err(_) => {
                self.ports.release(handle);
                Ok(())
            }
        }
    }

    async fn kill(&self, handle: &str, signal: &str) -> Result<(), RuntimeError> {
        let options = KillContainerOptionsBuilder::default()
            .signal(signal)
            .build();
        match self
            .docker
            .kill_container(&name(handle), Some(options))
            .await
        {
            // 409: it has just ended.
            Err(error) if status(&error) != Some(409) => Err(known(error, handle)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    async fn state(&self, handle: &str) -> Result<ContainerState, RuntimeError> {
        self.state_and_limit(handle).await.map(|(state, _)| state)
    }

    async fn state_and_limit(&self, handle: &str) -> Result<(ContainerState, u64), RuntimeError> {
        let inspected = self
            .docker
            .inspect_container(&name(handle), None::<InspectContainerOptions>)
            .await
            .map_err(|error| known(error, handle))?;
        let memory = inspected.host_config.and_then(|host| host.memory);
        let limit_mb = memory
            .and_then(|bytes| u64::try_from(bytes).ok())
            .unwrap_or(0)
            >> 20;
        Ok((inspected.state.unwrap_or_default(), limit_mb))
    }
}

fn cause(state: &ContainerState, limit_mb: u64) -> Cause {
    if state.oom_killed == Some(true) {
        return Cause::OutOfMemory { limit_mb };
    }
    if state.status == Some(ContainerStateStatusEnum::CREATED) {
        // Created by an agent that was killed before it could start it.
        return Cause::Lost;
    }
    match state.exit_code.and_then(|code| i32::try_from(code).ok()) {
        // The container's shell tells signals in this way.
        Some(code @ 129..=192) => Cause::Signal(code - 128),
        Some(code) => Cause::Code(code),
        None => Cause::Lost,
    }
}

fn measured(stats: Option<&ContainerStatsResponse>) -> Usage {
    let cpu = stats.and_then(|stats| stats.cpu_stats.as_ref()?.cpu_usage.as_ref()?.total_usage);
    let memory = stats.and_then(|stats| stats.memory_stats.as_ref());
    // Pages of files that can be dropped at any time are not what a program takes.
    let cached = memory.and_then(|memory| memory.stats.as_ref()?.get("inactive_file").copied());
    let used = memory.and_then(|memory| memory.usage);
    Usage {
        cpu_time: cpu.map(Duration::from_nanos),
        memory_bytes: used.map(|used| used.saturating_sub(cached.unwrap_or(0))),
        disk_bytes: None,
        processes: stats.and_then(|stats| stats.pids_stats.as_ref()?.current),
    }
}

/// Who a container's processes are: never root.
fn user() -> (u32, u32) {
    match (getuid().as_raw(), getgid().as_raw()) {
        (0, _) => (UNPRIVILEGED, UNPRIVILEGED),
        own => own,
    }
}

/// Gives a container its directory; without root's rights it is ours, and so are its processes.
async fn give(root: &Path, uid: u32, gid: u32) -> Result<(), RuntimeError> {
    if getuid().as_raw() != 0 {
        return Ok(());
    }
    let owned = root.to_path_buf();
    let given = tokio::task::spawn_blocking(move || {
        let mut open = vec![owned];
        while let Some(path) = open.pop() {
            lchown(&path, Some(uid), Some(gid))?;
            if path.symlink_metadata()?.is_dir() {
                for entry in std::fs::read_dir(&path)? {
                    open.push(entry?.path());
                }
            }
        }
        Ok::<(), std::io::Error>(())
    });
    let given = given
        .await
        .map_err(std::io::Error::other)
        .and_then(|given| given);
    given.map_err(|source| RuntimeError::Io {
        path: root.to_path_buf(),
        source,
    })
}

fn known(error: Error, handle: &str) -> RuntimeError {
    match status(&error) {
        Some(404) => RuntimeError::Unknown(handle.to_owned()),
        _ => RuntimeError::Docker(error),
    }
}

fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

fn name(handle: &str) -> String {
    format!("switchyard-{handle}")
}

fn now_micros() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.ok()
        .and_then(|now| i64::try_from(now.as_micros()).ok())
        .unwrap_or_default()
}

/// What programs listen on inside.
const INTERNAL_PORT: u16 = 8080;
const UNPRIVILEGED: u32 = 2000;
/// How long an Engine that is away is left alone.
const AGAIN: Duration = Duration::from_secs(1);
const ANSWER: Duration = Duration::from_secs(5);
