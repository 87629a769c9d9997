//! Docker: the engine that isolates containers from each other and from the node.
//!
//! In comes a container to start; out goes one at the Docker Engine, with limits, a port of the node
//! and the droplet's directory bound into it. Labels are the only record: an agent that was restarted
//! reads them again, and the Engine keeps running what runs.
//!
//! It never pulls or builds images; the operator does, and names them in the agent's options.

mod egress;
mod engine;
mod fence;
mod figures;
mod images;
mod labels;
mod owner;
mod refusal;
mod spec;

pub use egress::{BadSubnet, Egress, Subnet};
pub use engine::{DockerOptions, DockerRuntime};
use refusal::{misses_image, status};
