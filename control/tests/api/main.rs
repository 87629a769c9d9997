//! The API over real connections: the requests that `cf` and its relatives make, in their order.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop there, in its helpers too"
)]

mod bodies;
mod cloud;
mod login;
mod places;
mod rights;
