//! The client API of applications over real HTTP: the sequences that clients send, and bad input.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop there, in its helpers too"
)]

mod bad_input;
mod client;
mod everything;
mod generate;
mod manifests;
mod operate;
mod platform;
#[path = "../store/postgres.rs"]
mod postgres;
mod push;
mod services;
mod uploads;
