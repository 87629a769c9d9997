//! Packages, builds and droplets: from an upload to what instances run.

use serde_json::{Map, Value};

use super::words::words;
use super::{Lifecycle, Micros, PackageKind, PackageState};

/// What was pushed.
#[derive(Clone, Debug, PartialEq)]
pub struct Package {
    /// Its guid.
    pub guid: String,
    /// The application that it belongs to.
    pub app_guid: String,
    /// Files or an image.
    pub kind: PackageKind,
    /// How far it has come.
    pub state: PackageState,
    /// Why it failed.
    pub error: Option<String>,
    /// The digest of its bits, in hexadecimal.
    pub sha256: Option<String>,
    /// The size of its bits in bytes.
    pub size_bytes: Option<u64>,
    /// The image's name.
    pub image: Option<String>,
    /// Who may fetch the image.
    pub image_username: Option<String>,
    /// The password of that user.
    pub image_password: Option<String>,
    /// When it was made.
    pub created_at: Micros,
    /// When it was last changed.
    pub updated_at: Micros,
}

words! {
    /// How far a build has come.
    BuildState {
        /// It gave no droplet.
        Failed = "FAILED",
        /// It gave a droplet.
        Staged = "STAGED",
        /// An agent works on it, or will.
        Staging = "STAGING",
    }
}

impl BuildState {
    /// Whether a build that stands here may go there: an end is final.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Staging => next != Self::Staging,
            Self::Failed | Self::Staged => false,
        }
    }
}

/// One attempt to make a droplet out of a package.
#[derive(Clone, Debug, PartialEq)]
pub struct Build {
    /// Its guid.
    pub guid: String,
    /// The application that it is for.
    pub app_guid: String,
    /// What is staged.
    pub package_guid: String,
    /// What came of it.
    pub droplet_guid: Option<String>,
    /// How far it has come.
    pub state: BuildState,
    /// Why it failed.
    pub error: Option<String>,
    /// How it is made.
    pub lifecycle: Lifecycle,
    /// Memory of the staging container in MB.
    pub memory_mb: u32,
    /// Disk of the staging container in MB.
    pub disk_mb: u32,
    /// The agent that works on it.
    pub stager: Option<String>,
    /// When it is given up.
    pub deadline: Micros,
    /// Who asked for it.
    pub created_by_guid: String,
    /// The name of who asked for it.
    pub created_by_name: String,
    /// When it was asked for.
    pub created_at: Micros,
    /// When it was last changed.
    pub updated_at: Micros,
}

words! {
    /// How far a droplet has come.
    DropletState {
        /// Nothing was uploaded yet.
        AwaitingUpload = "AWAITING_UPLOAD",
        /// It can not be run.
        Failed = "FAILED",
        /// Its bits are being stored.
        ProcessingUpload = "PROCESSING_UPLOAD",
        /// It can be run.
        Staged = "STAGED",
    }
}

/// What instances run.
#[derive(Clone, Debug, PartialEq)]
pub struct Droplet {
    /// Its guid.
    pub guid: String,
    /// The application that it is for.
    pub app_guid: String,
    /// The package that it was made of.
    pub package_guid: Option<String>,
    /// How far it has come.
    pub state: DropletState,
    /// Why it can not be run.
    pub error: Option<String>,
    /// The digest that agents of the old kind check, in hexadecimal.
    pub sha1: Option<String>,
    /// The digest that it is stored under, in hexadecimal.
    pub sha256: Option<String>,
    /// Its size in bytes.
    pub size_bytes: Option<u64>,
    /// Process types and their commands.
    pub process_types: Map<String, Value>,
    /// What made it: `[{name, detect_output, buildpack_name, version}]`.
    pub buildpacks: Vec<Value>,
    /// What the lifecycle wants to remember.
    pub execution_metadata: String,
    /// The stack that it runs on; `None` for an image.
    pub stack: Option<String>,
    /// The image's name.
    pub image: Option<String>,
    /// When it was made.
    pub created_at: Micros,
    /// When it was last changed.
    pub updated_at: Micros,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_ends_once() {
        assert!(BuildState::Staging.may_become(BuildState::Staged));
        assert!(BuildState::Staging.may_become(BuildState::Failed));
        for end in [BuildState::Staged, BuildState::Failed] {
            for next in [BuildState::Staged, BuildState::Failed, BuildState::Staging] {
                assert!(!end.may_become(next));
            }
        }
    }
}
