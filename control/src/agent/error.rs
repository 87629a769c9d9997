//! Why the agent could not start.

use std::io;
use std::path::PathBuf;

use super::runtime::RuntimeError;
use super::stager::StagerError;
use crate::bus_url::BadBusUrl;
use crate::dial::BadAuthorities;
use crate::explain::{Exit, Explain};

/// Why `switchyard agent` ended with an error.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The file of authorities cannot be used.
    #[error(transparent)]
    Authorities(BadAuthorities),
    /// The bus cannot be reached, or does not want us.
    #[error("the bus cannot be reached")]
    Bus(#[source] bus::ConnectError),
    /// The bus's address makes no sense.
    #[error("`--nats` is no address of a bus")]
    BusUrl(#[source] BadBusUrl),
    /// A directory of the agent cannot be used.
    #[error("cannot use {}", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// Another agent uses the directory.
    #[error("another agent uses {}", .0.display())]
    InUse(PathBuf),
    /// The containers' engine does not work.
    #[error("the containers' engine does not work")]
    Runtime(#[source] RuntimeError),
    /// What the agent before us wrote down cannot be read.
    #[error("the snapshot {} cannot be read", path.display())]
    Snapshot {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
    /// Nothing can be staged here.
    #[error("the stager cannot work")]
    Stager(#[source] StagerError),
    /// The asynchronous runtime, its signals or the status port could not be set up.
    #[error("cannot start")]
    Start(#[source] io::Error),
    /// The bus went away between the connection and the subscription.
    #[error("the bus does not take our subscriptions")]
    Subscribe(#[source] bus::BusError),
}

impl Explain for AgentError {
    fn help(&self) -> Option<String> {
        match self {
            Self::Bus(_) => Some("is the bus running, and does --nats name it?".into()),
            Self::InUse(_) => Some("give each agent of a machine a directory of its own".into()),
            Self::Runtime(RuntimeError::Fence(_)) => {
                Some("see --block-network-ips in `switchyard agent --help`".into())
            }
            Self::Runtime(_) => Some(
                "start Docker (Debian: apt-get install docker.io) and see `docker info`, \
                 or run plain processes with --runtime process"
                    .into(),
            ),
            Self::Snapshot { .. } => Some(
                "move the file away to begin anew; containers that it knew are removed then".into(),
            ),
            Self::Authorities(_)
            | Self::BusUrl(_)
            | Self::Directory { .. }
            | Self::Stager(_)
            | Self::Start(_)
            | Self::Subscribe(_) => None,
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Bus(_) | Self::Subscribe(_) => Exit::Unreachable,
            Self::Authorities(_) | Self::BusUrl(_) => Exit::Usage,
            Self::Directory { .. }
            | Self::InUse(_)
            | Self::Runtime(_)
            | Self::Snapshot { .. }
            | Self::Stager(_)
            | Self::Start(_) => Exit::Failed,
        }
    }
}
