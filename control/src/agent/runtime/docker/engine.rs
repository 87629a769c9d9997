//! The engine of Docker containers.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{ContainerState, ContainerStateStatusEnum, ContainerSummaryStateEnum};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, InspectContainerOptions, KillContainerOptionsBuilder,
    ListContainersOptionsBuilder, RemoveContainerOptionsBuilder, StartContainerOptions,
    StatsOptionsBuilder, WaitContainerOptions,
};
use futures_util::StreamExt;
use tokio::time::{sleep, timeout};
use tracing::{error, warn};

use super::egress::Egress;
use super::fence::Fence;
use super::figures;
use super::images::Images;
use super::labels::{self, NODE};
use super::owner::{give, user};
use super::spec::{SEEN_ROOT, Terms, create};
use super::{misses_image, status};
use crate::agent::runtime::contract::{
    Cause, ContainerSpec, Exit, Labelled, PortRequest, Started, Usage,
};
use crate::agent::runtime::error::RuntimeError;
use crate::agent::runtime::process::{Ports, directory_bytes};

/// What the engine needs to know.
#[derive(Clone, Debug)]
pub struct DockerOptions {
    /// Images to run in; the first is the default. The file `images` of `node` comes before.
    pub images: Vec<String>,
    /// What containers may reach.
    pub egress: Egress,
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
    options: Arc<DockerOptions>,
    images: Images,
    fence: Option<Arc<Fence>>,
    ports: Ports,
}

impl DockerRuntime {
    /// Connects to the Engine of this machine, or the one of `DOCKER_HOST`.
    ///
    /// # Errors
    ///
    /// Fails when it does not answer, and when it cannot be seen to that nothing gets out.
    pub async fn open(options: DockerOptions) -> Result<Self, RuntimeError> {
        let docker = Docker::connect_with_defaults().map_err(RuntimeError::Docker)?;
        let docker = timeout(ANSWER, docker.negotiate_version()).await;
        let docker = docker
            .map_err(|_late| RuntimeError::DockerSilent)?
            .map_err(RuntimeError::Docker)?;
        let node = &options.node;
        let fence = options.egress.blocks();
        let fence = fence.then(|| Arc::new(Fence::new(docker.clone(), node, &options.egress)));
        if let Some(fence) = &fence {
            fence.raise(node).await?;
        }
        let runtime = Self {
            images: Images::new(options.images.clone(), node),
            docker,
            options: Arc::new(options),
            fence,
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
        let owner = user();
        give(&spec.root, owner.0, owner.1).await?;
        if let Some(fence) = &self.fence {
            fence.hold().await?;
        }
        let image = self.create(&spec, owner).await?;
        let name = name(&spec.handle);
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
            image: Some(image),
        })
    }

    /// Creates the container in the first image that is there; says which one that is.
    async fn create(
        &self,
        spec: &ContainerSpec,
        (uid, gid): (u32, u32),
    ) -> Result<String, RuntimeError> {
        let mut missing = RuntimeError::NoImageNamed;
        for image in self.images.candidates(&spec.image) {
            let terms = Terms {
                image: &image,
                user: format!("{uid}:{gid}"),
                max_processes: self.options.max_processes,
                ip: &self.options.ip,
                node: &self.options.node,
                network: self.fence.as_deref().map(Fence::network),
            };
            let name = name(&spec.handle);
            let options = CreateContainerOptionsBuilder::default().name(&name).build();
            let created = self
                .docker
                .create_container(Some(options), create(spec, &terms));
            match created.await {
                Ok(_) => return Ok(image),
                Err(error) if misses_image(&error) => {
                    error!(image, "image-missing");
                    // What is told is what the operator named first.
                    if matches!(missing, RuntimeError::NoImageNamed) {
                        missing = RuntimeError::NoImage(image);
                    }
                }
                Err(error) if status(&error) == Some(409) => {
                    return Err(RuntimeError::Exists(spec.handle.clone()));
                }
                Err(error) => return Err(RuntimeError::Docker(error)),
            }
        }
        Err(missing)
    }

    /// Takes the fence away; for when no agent will look after this node's containers.
    pub(in crate::agent::runtime) async fn leave(&self) {
        if let Some(fence) = &self.fence {
            fence.lift().await;
        }
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
            ..figures::measured(stats.as_ref())
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
            // A build's container is not named after its task alone.
            let names = one.names.unwrap_or_default();
            let mut handles = names.iter().filter_map(|name| handle(name));
            Some(Labelled {
                handle: handles.next()?.to_owned(),
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

    /// The container's own address, which only this node reaches.
    pub(in crate::agent::runtime) async fn address(
        &self,
        handle: &str,
    ) -> Result<Option<IpAddr>, RuntimeError> {
        let inspected = self
            .docker
            .inspect_container(&name(handle), None::<InspectContainerOptions>)
            .await
            .map_err(|error| known(error, handle))?;
        Ok(figures::address(inspected.network_settings))
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

fn known(error: Error, handle: &str) -> RuntimeError {
    match status(&error) {
        Some(404) => RuntimeError::Unknown(handle.to_owned()),
        _ => RuntimeError::Docker(error),
    }
}

fn name(handle: &str) -> String {
    format!("{NAME}{handle}")
}

/// The handle of a container by the name that the Engine tells, which begins with a slash.
fn handle(name: &str) -> Option<&str> {
    name.trim_start_matches('/').strip_prefix(NAME)
}

fn now_micros() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.ok()
        .and_then(|now| i64::try_from(now.as_micros()).ok())
        .unwrap_or_default()
}

/// What the names of our containers begin with.
const NAME: &str = "switchyard-";
/// What programs listen on inside.
const INTERNAL_PORT: u16 = 8080;
/// How long an Engine that is away is left alone.
const AGAIN: Duration = Duration::from_secs(1);
const ANSWER: Duration = Duration::from_secs(5);
