//! Why the controller could not start, or ended.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::api::StartError;
use crate::blobs::BlobError;
use crate::dial::BadAuthorities;
use crate::explain::{Exit, Explain};
use crate::sample::BadBusUrl;
use crate::store::StoreError;

/// Why `switchyard controller` ended with an error.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The API could not start.
    #[error("the API could not start")]
    Api(#[source] StartError),
    /// The authorities of `--ca-file` cannot be read.
    #[error("the authorities cannot be used")]
    Authorities(#[source] BadAuthorities),
    /// Packages and droplets cannot be kept.
    #[error("packages and droplets cannot be kept")]
    Blobs(#[source] BlobError),
    /// The bus cannot be reached, or does not want us.
    #[error("no bus at {url}")]
    Bus {
        /// Its address, without credentials.
        url: String,
        /// What was tried and what came of it.
        source: bus::ConnectError,
    },
    /// The bus's address makes no sense.
    #[error("`--nats` is no address of a bus")]
    BusUrl(#[source] BadBusUrl),
    /// A file of the directory cannot be used.
    #[error("{} cannot be used", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The port could not be opened.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address that was tried.
        address: SocketAddr,
        /// What the kernel said.
        source: io::Error,
    },
    /// The directory is not the one that holds what the database speaks of.
    #[error("{} does not say `{mark}`: this is not the directory of this database", path.display())]
    NotShared {
        /// The file that says whose directory it is.
        path: PathBuf,
        /// What it should say.
        mark: String,
    },
    /// The asynchronous runtime or its signals could not be set up, or serving failed.
    #[error("cannot serve")]
    Runtime(#[source] io::Error),
    /// The database cannot be used.
    #[error("the database cannot be used")]
    Store(#[source] StoreError),
}

impl Explain for CommandError {
    fn help(&self) -> Option<String> {
        match self {
            Self::Bus { .. } => Some("name a bus that runs with --nats URL".into()),
            Self::BusUrl(_) => Some("as in --nats nats://127.0.0.1:4222".into()),
            Self::Listen { .. } => Some("--listen 127.0.0.1:0 takes any free port".into()),
            Self::NotShared { .. } => Some(
                "is it mounted? All controllers of a database share one --dir; \
                 where it is lost for good, write the mark into the file to go on without it"
                    .into(),
            ),
            Self::Store(StoreError::Open(_)) => {
                Some("--database URL names another one; without it SQLite in --dir is used".into())
            }
            Self::Api(_)
            | Self::Authorities(_)
            | Self::Blobs(_)
            | Self::File { .. }
            | Self::Runtime(_)
            | Self::Store(_) => None,
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Bus { .. } | Self::Store(_) => Exit::Unreachable,
            Self::BusUrl(_) => Exit::Usage,
            Self::Api(_)
            | Self::Authorities(_)
            | Self::Blobs(_)
            | Self::File { .. }
            | Self::Listen { .. }
            | Self::NotShared { .. }
            | Self::Runtime(_) => Exit::Failed,
        }
    }
}
