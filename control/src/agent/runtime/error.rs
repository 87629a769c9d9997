//! Why an engine could not do what it was asked.

use std::io;
use std::path::PathBuf;

/// Why an engine could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The Docker Engine refused, or could not be asked.
    #[error("the Docker Engine: {0}")]
    Docker(bollard::errors::Error),
    /// The Docker Engine does not answer.
    #[error("the Docker Engine does not answer")]
    DockerSilent,
    /// There is a container of this name already.
    #[error("there is a container `{0}` already")]
    Exists(String),
    /// What containers may reach cannot be limited.
    #[error("cannot block what containers may reach: {0}")]
    Fence(String),
    /// A name with characters that no name may have.
    #[error("`{0}` is no name for a container: use letters, digits, `-` and `_`")]
    Handle(String),
    /// A file or directory of a container could not be read or written.
    #[error("cannot use {}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The image is not there.
    #[error(
        "there is no image `{0}`: make it with packaging/make-base-image.sh or `docker pull {0}`"
    )]
    NoImage(String),
    /// No image was named anywhere.
    #[error("no image is named: give the agent one with --docker-images")]
    NoImageNamed,
    /// All ports of the range are taken.
    #[error("every port from {first} to {last} is taken")]
    NoPort {
        /// The first port of the range.
        first: u16,
        /// The last one.
        last: u16,
    },
    /// The program could not be started.
    #[error("cannot start the container: {0}")]
    Start(String),
    /// The engine knows no such container.
    #[error("there is no container `{0}`")]
    Unknown(String),
}
