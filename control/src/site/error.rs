//! Why a site could not be served.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::explain::{Exit, Explain};

/// Why `switchyard static` ended with an error.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// There is no such directory.
    #[error("cannot serve {}", path.display())]
    Directory {
        /// The directory.
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
    /// The asynchronous runtime or its signals could not be set up.
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
}

impl Explain for SiteError {
    fn help(&self) -> Option<String> {
        match self {
            Self::Directory { .. } => Some("name the directory of the files with --dir".into()),
            Self::Listen { .. } => Some("name another port with --port or PORT".into()),
            Self::Runtime(_) => None,
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Directory { .. } => Exit::Usage,
            Self::Listen { .. } | Self::Runtime(_) => Exit::Failed,
        }
    }
}
