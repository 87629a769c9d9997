//! The node agent over a real bus, with real processes.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop there, in its helpers too"
)]

mod files;
mod node;
mod scene;

mod clones;
mod damage;
mod directory;
mod ends;
mod lines;
mod logs;
mod many;
mod restarts;
mod routing;
