//! One face for all engines.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::contract::{ContainerSpec, Exit, Labelled, PortRequest, Started, Usage};
use super::docker::DockerRuntime;
use super::error::RuntimeError;
use super::process::ProcessRuntime;

/// The engine that runs this node's containers. Clones are the same engine.
#[derive(Clone, Debug)]
pub enum Runtime {
    /// Containers of the Docker Engine.
    Docker(DockerRuntime),
    /// Plain processes, each container under a keeper of its own.
    Process(ProcessRuntime),
}

impl Runtime {
    /// What it is called, for people.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Docker(_) => "docker",
            Self::Process(_) => "process",
        }
    }

    /// Keeps a port for a container, until the container is removed.
    ///
    /// # Errors
    ///
    /// Fails when every port of the range is taken.
    pub async fn take_port(&self, handle: &str) -> Result<PortRequest, RuntimeError> {
        match self {
            Self::Docker(docker) => docker.take_port(handle),
            Self::Process(process) => process.take_port(handle),
        }
    }

    /// Where a container's program itself takes connections, for somebody on this node. What is
    /// published on the node may take them before the program does.
    ///
    /// # Errors
    ///
    /// Fails when there is no such container.
    pub async fn door(
        &self,
        handle: &str,
        port: PortRequest,
        published: SocketAddr,
    ) -> Result<SocketAddr, RuntimeError> {
        match self {
            Self::Docker(docker) => {
                let ip = docker.address(handle).await?;
                Ok(ip.map_or(published, |ip| SocketAddr::new(ip, port.internal)))
            }
            Self::Process(_) => Ok(published),
        }
    }

    /// Where a container sees its root directory; what goes into its `HOME`.
    pub fn seen_root(&self, root: &Path) -> PathBuf {
        match self {
            Self::Docker(docker) => docker.seen_root(),
            Self::Process(_) => root.to_path_buf(),
        }
    }

    /// Starts a container; returns when its program runs.
    ///
    /// # Errors
    ///
    /// Fails when the name is taken, the image is missing, or the program cannot be run.
    pub async fn start(&self, spec: ContainerSpec) -> Result<Started, RuntimeError> {
        match self {
            Self::Docker(docker) => docker.start(spec).await,
            Self::Process(process) => process.start(spec).await,
        }
    }

    /// Waits for a container's end, which may have been long ago.
    ///
    /// # Errors
    ///
    /// Fails when there is no such container.
    ///
    /// # Cancel safety
    ///
    /// Safe: the end is told again to whoever asks next.
    pub async fn wait(&self, handle: &str) -> Result<Exit, RuntimeError> {
        match self {
            Self::Docker(docker) => docker.wait(handle).await,
            Self::Process(process) => process.wait(handle).await,
        }
    }

    /// Asks a container's processes to end (SIGTERM), and kills what is left after `grace`.
    /// Returns when the last of them has ended.
    ///
    /// # Errors
    ///
    /// Fails when there is no such container.
    pub async fn stop(&self, handle: &str, grace: Duration) -> Result<(), RuntimeError> {
        match self {
            Self::Docker(docker) => docker.stop(handle, grace).await,
            Self::Process(process) => process.stop(handle, grace).await,
        }
    }

    /// What a container takes at this moment.
    ///
    /// # Errors
    ///
    /// Fails when there is no such container.
    pub async fn usage(&self, handle: &str) -> Result<Usage, RuntimeError> {
        match self {
            Self::Docker(docker) => docker.usage(handle).await,
            Self::Process(process) => process.usage(handle).await,
        }
    }

    /// All containers that this agent's engine knows, running or not.
    ///
    /// # Errors
    ///
    /// Fails when the engine cannot be asked.
    pub async fn list(&self) -> Result<Vec<Labelled>, RuntimeError> {
        match self {
            Self::Docker(docker) => docker.list().await,
            Self::Process(process) => process.list().await,
        }
    }

    /// Gives back what the engine keeps for the node beside its containers.
    pub async fn leave(&self) {
        match self {
            Self::Docker(docker) => docker.leave().await,
            Self::Process(_) => {}
        }
    }

    /// Kills what still runs of a container and forgets it. Its root directory stays.
    ///
    /// # Errors
    ///
    /// Fails when the engine cannot be asked; a container that is not there is no error.
    pub async fn remove(&self, handle: &str) -> Result<(), RuntimeError> {
        match self {
            Self::Docker(docker) => docker.remove(handle).await,
            Self::Process(process) => process.remove(handle).await,
        }
    }
}
