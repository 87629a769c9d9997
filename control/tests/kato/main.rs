//! `kato` from outside, against a platform that answers by a script and remembers what it was asked.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop there, in its helpers too"
)]

mod front;
mod operate;
mod person;
mod platform;
mod push;
mod secure;
mod session;
