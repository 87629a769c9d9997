//! Containers of a real Docker Engine, driven through the agent's runtime.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop there, in its helpers too"
)]

mod engine;
mod image;
