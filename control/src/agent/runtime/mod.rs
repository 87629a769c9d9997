//! Runtime: what a container is, and who runs it.
//!
//! In comes a [`ContainerSpec`]; out come a running container, its [`Exit`], its [`Usage`] and, after
//! a restart of the agent, the list of what is there. Two engines do this: plain processes under a
//! keeper of their own, and Docker.
//!
//! No engine keeps state in the agent: what a container is stands beside it, in its directory or its
//! labels, so that no container is lost or leaked with an agent that was killed.

mod contract;
mod docker;
mod engine;
mod error;
mod process;

pub use contract::{
    Access, Cause, ContainerSpec, Exit, Image, Labelled, Labels, PortRequest, Role, Started, Usage,
};
pub use docker::{BadSubnet, DockerOptions, DockerRuntime, Egress, Subnet};
pub use engine::Runtime;
pub use error::RuntimeError;
pub use process::{KeepError, KeepOptions, ProcessOptions, ProcessRuntime, disown, keep};
