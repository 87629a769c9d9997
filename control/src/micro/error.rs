//! Why a micro cloud could not start, or ended by itself.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::ports::NoPort;
use crate::explain::{Exit, Explain};
use crate::push::KatoError;

/// Why `switchyard micro` ended with an error.
#[derive(Debug, thiserror::Error)]
pub enum MicroError {
    /// The embedded bus could not open its port.
    #[error("the bus cannot listen on 127.0.0.1:{port}")]
    Bus {
        /// The port that was free a moment before.
        port: u16,
        /// What the kernel said.
        source: io::Error,
    },
    /// A child died again and again.
    #[error("{name} died {deaths} times in a row, the last time with {status}{}", quote(.lines))]
    Child {
        /// Which child.
        name: &'static str,
        /// How many times.
        deaths: u32,
        /// Its exit code or signal.
        status: String,
        /// The last lines that it printed.
        lines: Vec<String>,
        /// Where the rest of its output is.
        log: PathBuf,
    },
    /// The directory cannot be used.
    #[error("cannot use {}", path.display())]
    Directory {
        /// The directory or the file in it.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The sample could not be pushed.
    #[error("the sample application could not be pushed")]
    Hello {
        /// What the push met.
        source: Box<KatoError>,
    },
    /// Another micro cloud lives there.
    #[error("{} is in use by {}", path.display(), person(*.holder))]
    Held {
        /// The directory.
        path: PathBuf,
        /// The process that holds it, if it left its id.
        holder: Option<u32>,
    },
    /// Something did not come up in time.
    #[error("{name} was not ready within {} s{}", within.as_secs(), quote(.lines))]
    Late {
        /// What was waited for.
        name: &'static str,
        /// How long.
        within: Duration,
        /// The last lines that it printed.
        lines: Vec<String>,
    },
    /// We do not know our own program file.
    #[error("cannot find this program's own file")]
    Myself(#[source] io::Error),
    /// There is no place for our data.
    #[error("there is no home directory to keep data in")]
    NoHome,
    /// The administrator's password cannot be read.
    #[error("cannot read the administrator's password from {}", path.display())]
    Password {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// No port is free.
    #[error("no port is free for the {part}")]
    Port {
        /// Which part wanted it.
        part: &'static str,
        /// What was tried.
        source: NoPort,
    },
    /// The router's program file is missing.
    #[error("there is no router at {}", path.display())]
    NoRouter {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The asynchronous runtime or its signals could not be set up.
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
}

impl Explain for MicroError {
    fn help(&self) -> Option<String> {
        match self {
            Self::Held { .. } => {
                Some("stop it, or keep a second one elsewhere: switchyard micro --dir DIR".into())
            }
            Self::NoRouter { .. } => Some(
                "build it: cargo build --release -p router; or name it: --router-bin PATH".into(),
            ),
            Self::Directory { .. } | Self::NoHome => {
                Some("choose a directory that you may write: switchyard micro --dir DIR".into())
            }
            Self::Port { .. } => Some("choose another port: switchyard micro --port PORT".into()),
            Self::Child { log, .. } => Some(format!("all of its output is in {}", log.display())),
            Self::Hello { source } => source.help(),
            Self::Password { .. } => Some("write it there: --admin-password-file FILE".to_owned()),
            Self::Bus { .. } | Self::Late { .. } | Self::Myself(_) | Self::Runtime(_) => None,
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NoHome | Self::NoRouter { .. } | Self::Password { .. } => Exit::Usage,
            Self::Bus { .. }
            | Self::Child { .. }
            | Self::Directory { .. }
            | Self::Hello { .. }
            | Self::Held { .. }
            | Self::Late { .. }
            | Self::Myself(_)
            | Self::Port { .. }
            | Self::Runtime(_) => Exit::Failed,
        }
    }
}

fn person(holder: Option<u32>) -> String {
    holder.map_or_else(
        || "another process".to_owned(),
        |pid| format!("process {pid}"),
    )
}

/// The child's own words, under ours.
fn quote(lines: &[String]) -> String {
    lines.iter().map(|line| format!("\n  | {line}")).collect()
}
