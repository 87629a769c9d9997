//! Why an order to the platform came to nothing, and what helps.

use std::io;
use std::path::PathBuf;

use hyper::StatusCode;

use super::transport::TransportError;
use crate::dial::BadAuthorities;
use crate::explain::{Exit, Explain};

/// One answer of the API that says no.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what}: {detail}")]
pub struct Refused {
    /// What was asked, as an infinitive.
    pub what: String,
    /// The answer's status.
    pub status: StatusCode,
    /// The first error's code, where the answer named one.
    pub code: Option<u64>,
    /// All errors in words.
    pub detail: String,
}

/// Why `kato` ended with an error.
#[derive(Debug, thiserror::Error)]
pub enum KatoError {
    /// The file of authorities cannot be used.
    #[error(transparent)]
    Authorities(BadAuthorities),
    /// No API was named.
    #[error("no API is known yet")]
    Api,
    /// The application does not exist.
    #[error("there is no application `{0}` in this space")]
    App(String),
    /// An answer does not have the shape that the API promises.
    #[error("the answer to `{what}` cannot be understood")]
    Answer {
        /// What was asked.
        what: String,
        /// Where it differs.
        source: serde_json::Error,
    },
    /// Staging failed.
    #[error("staging failed: {reason}")]
    Build {
        /// The platform's reason.
        reason: String,
    },
    /// Instances crashed before they were ready.
    #[error("{app} does not start: {reason}{}", quote(.lines))]
    Crashed {
        /// The application's name.
        app: String,
        /// What the platform says of an instance.
        reason: String,
        /// The application's last lines.
        lines: Vec<String>,
    },
    /// A deployment did not come to its end.
    #[error("the deployment ended as {0}")]
    Deployment(String),
    /// A file or directory cannot be used.
    #[error("cannot use {}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// A job failed.
    #[error("cannot {what}: {reason}")]
    Job {
        /// What was asked.
        what: String,
        /// The job's errors.
        reason: String,
    },
    /// Something took too long.
    #[error("{what} did not end within {seconds} s{}", quote(.lines))]
    Late {
        /// What was waited for.
        what: String,
        /// The limit.
        seconds: u64,
        /// The application's last lines.
        lines: Vec<String>,
    },
    /// Name or password are wrong.
    #[error("the API does not accept these credentials: {0}")]
    Login(String),
    /// The manifest cannot be used.
    #[error("{}: {problem}", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Neither the command line nor a manifest names the application.
    #[error("no application was named")]
    NoName,
    /// Nobody is logged in.
    #[error("nobody is logged in")]
    NoSession,
    /// There is nothing to push.
    #[error("{} holds no file to push", .0.display())]
    Nothing(PathBuf),
    /// The package cannot be written.
    #[error("cannot pack {}", path.display())]
    Pack {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: zip::result::ZipError,
    },
    /// The package was refused after its upload.
    #[error("the platform refuses the package: {0}")]
    Package(String),
    /// The API said no.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The asynchronous runtime could not be set up.
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
    /// No space, or more than one, is there to choose.
    #[error("{0}")]
    Target(String),
    /// The API cannot be reached.
    #[error("cannot {what}: the API does not answer")]
    Unreachable {
        /// What was asked.
        what: String,
        /// Why not.
        source: TransportError,
    },
    /// An address is not one.
    #[error("`{0}` is not an http:// address")]
    Url(String),
}

impl KatoError {
    /// Whether the API said no with this status.
    pub(super) fn has_status(&self, status: StatusCode) -> bool {
        matches!(self, Self::Refused(refused) if refused.status == status)
    }
}

impl Explain for KatoError {
    fn help(&self) -> Option<String> {
        let text = match self {
            Self::Api => "log in first: kato login --api http://127.0.0.1:8081 --user NAME",
            Self::NoSession => "log in: kato login --user NAME",
            Self::Login(_) => "ask an administrator for an account, or for a new password",
            Self::App(_) => "list what there is: kato apps",
            Self::NoName => "name it: kato push NAME, or write a manifest.yml",
            Self::Crashed { .. } | Self::Late { .. } => "see what it says: kato logs NAME --recent",
            Self::Build { reason } if reason.contains("NoAppDetected") => {
                "name a buildpack that fits: kato push NAME -b BUILDPACK"
            }
            Self::Build { .. } => "the lines above say how far it came",
            Self::Target(_) => "choose: kato target --org ORG --space SPACE [--create]",
            Self::Nothing(_) => "choose the directory: kato push NAME -p PATH; see .cfignore too",
            Self::Unreachable { .. } => {
                "is the cloud running (switchyard micro)? is this its API: kato login --api URL?"
            }
            Self::Refused(refused) if refused.status == StatusCode::FORBIDDEN => {
                "this account may not do that here; ask for a role: space_developer"
            }
            Self::Deployment(_) => "the application runs as before; kato logs NAME --recent",
            Self::Answer { .. }
            | Self::Authorities(_)
            | Self::File { .. }
            | Self::Job { .. }
            | Self::Manifest { .. }
            | Self::Pack { .. }
            | Self::Package(_)
            | Self::Refused(_)
            | Self::Runtime(_)
            | Self::Url(_) => return None,
        };
        Some(text.to_owned())
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Api | Self::Authorities(_) | Self::NoName | Self::NoSession | Self::Url(_) => {
                Exit::Usage
            }
            Self::Unreachable { .. } => Exit::Unreachable,
            _ => Exit::Failed,
        }
    }
}

fn quote(lines: &[String]) -> String {
    lines.iter().map(|line| format!("\n  | {line}")).collect()
}
