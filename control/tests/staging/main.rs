//! The stager from outside: a real bus, real processes, and a small server of files.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop there, in its helpers too"
)]

mod brought_along;
mod custom;
mod failures;
mod files;
mod scene;
