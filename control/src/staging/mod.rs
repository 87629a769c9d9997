//! Staging: how an application's files become a droplet, as far as that can be decided by thinking.
//!
//! In come what the user asked for and what buildpacks left behind: names, texts, exit codes. Out go
//! the plan of a build ([`Plan`]), what starts each process ([`Launch`]), the droplet's
//! description ([`StagingInfo`]) and, when it failed, whose fault it is ([`Failure`]).
//!
//! The room reads no file, runs nothing and has no clock.

mod buildpack;
mod failure;
mod hooks;
mod info;
mod launch;
mod plan;
mod task;
mod yaml;

pub use buildpack::{Available, BadBuildpack, GitAddress, Source};
pub use failure::{Failure, Fault, Limits};
pub use hooks::{Hook, Hooks};
pub use info::StagingInfo;
pub use launch::{BadLaunch, Launch, LaunchFiles};
pub use plan::{BuilderExit, Plan, padded};
pub use task::{Phase, StagingTask};
