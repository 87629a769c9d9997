//! Containers of a real Docker Engine, driven through the agent's runtime.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop there, in its helpers too"
)]

#[path = "../micro/cloud.rs"]
#[allow(
    dead_code,
    reason = "what surrounds a failing start is needed by another suite only"
)]
mod cloud;
#[path = "../agent/files.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod files;
#[path = "../agent/node.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod node;
#[path = "../agent/scene.rs"]
#[allow(
    dead_code,
    reason = "what concerns plain processes is needed by the agent's own suite only"
)]
mod scene;
#[path = "../cloud/world.rs"]
#[allow(
    dead_code,
    reason = "what concerns plain processes is needed by the cloud's own suite only"
)]
mod world;

mod agent;
mod egress;
mod engine;
mod image;
mod kills;
mod platform;
