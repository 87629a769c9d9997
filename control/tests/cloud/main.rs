//! A whole micro cloud as its users meet it: real processes on free ports, examples pushed through its API.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop there, in its helpers too"
)]

#[path = "../micro/cloud.rs"]
#[allow(
    dead_code,
    reason = "what surrounds a failing start is needed by the other suite only"
)]
mod cloud;

mod deaths;
mod examples;
mod limits;
mod load;
mod nodes;
mod promises;
mod python;
mod refusals;
mod routes;
mod whole;
mod world;
