//! Applications: what a user wants to run, and whether it should run.

use serde_json::{Map, Value};

use super::Micros;
use super::words::words;

words! {
    /// Whether an application should run.
    AppState {
        /// Instances are kept alive.
        Started = "STARTED",
        /// No instance runs.
        Stopped = "STOPPED",
    }
}

/// One application.
#[derive(Clone, Debug, PartialEq)]
pub struct App {
    /// Its guid.
    pub guid: String,
    /// Unique in its space.
    pub name: String,
    /// The space that it lives in.
    pub space_guid: String,
    /// Whether it should run.
    pub state: AppState,
    /// How its droplet is made.
    pub lifecycle: Lifecycle,
    /// What the user set; every value is a JSON value that becomes text in a container.
    pub environment: Map<String, Value>,
    /// Feature names and whether each is on.
    pub features: Map<String, Value>,
    /// The droplet that it runs, once there is one.
    pub droplet_guid: Option<String>,
    /// When it was made.
    pub created_at: Micros,
    /// When it was last changed.
    pub updated_at: Micros,
}

/// How a droplet is made out of a package.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Lifecycle {
    /// By buildpacks.
    Buildpack {
        /// Names of admin buildpacks, or git or zip URLs; empty: every enabled one is asked.
        buildpacks: Vec<String>,
        /// The stack that it is made for.
        stack: String,
    },
    /// It is an image already.
    Docker,
}

impl Lifecycle {
    /// The word of the client API.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Buildpack { .. } => "buildpack",
            Self::Docker => "docker",
        }
    }

    /// The buildpacks that were asked for; none for an image.
    #[must_use]
    pub fn buildpacks(&self) -> &[String] {
        match self {
            Self::Buildpack { buildpacks, .. } => buildpacks,
            Self::Docker => &[],
        }
    }

    /// The stack; empty for an image, which brings its own.
    #[must_use]
    pub fn stack(&self) -> &str {
        match self {
            Self::Buildpack { stack, .. } => stack,
            Self::Docker => "",
        }
    }
}

/// The stack of an application that names none.
pub const DEFAULT_STACK: &str = "switchyard";

/// An additional program in the containers of some process types.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sidecar {
    /// Its guid.
    pub guid: String,
    /// The application that it belongs to.
    pub app_guid: String,
    /// Unique in its application.
    pub name: String,
    /// What is run.
    pub command: String,
    /// Beside which process types.
    pub process_types: Vec<String>,
    /// How much of the container's memory it may use, in MB.
    pub memory_mb: Option<u32>,
    /// When it was made.
    pub created_at: Micros,
    /// When it was last changed.
    pub updated_at: Micros,
}
