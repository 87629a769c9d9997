//! Stager: packages become droplets on this node.
//!
//! In comes `staging.<id>.start` from the bus; the package, the buildpacks and the cache of the last
//! build come over HTTP or from a Git repository. Out go the droplet and the new cache, every line of
//! the build as a log record, and two answers: the container is ready; the build has ended.
//!
//! What a buildpack runs, it runs in a container of the runtime, never in the agent. The stager never
//! starts an instance and never decides which node stages.

mod answer;
mod build;
mod buildpack_steps;
mod container;
mod environment;
mod inboxes;
mod pack;
mod scripts;
mod service;
mod sources;
mod transfer;
mod unzip;
mod voice;
mod workspace;

pub use service::{Stager, StagerError, StagerOptions};
