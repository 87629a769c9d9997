//! The client API of applications over real HTTP: the sequences that clients send, and bad input.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop there, in its helpers too"
)]

mod brokers;
mod client;
mod commands_apps;
mod commands_operators;
mod commands_places;
mod everything;
mod generate;
mod manifests;
mod operate;
mod platform;
#[path = "../store/postgres.rs"]
mod postgres;
mod push;
mod refusals;
mod refused_apps;
mod refused_manifests;
mod refused_requests;
mod services;
mod shapes;
mod talk;
mod uploads;
