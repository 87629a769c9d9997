//! `switchyard micro` from outside: a whole process tree on free ports, in a directory of its own.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop there, in its helpers too"
)]

mod cloud;
mod failures;
mod whole;
