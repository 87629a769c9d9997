//! Brokers, over real HTTP on both sides: what `cf` sends, and what a broker is then asked.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop there, in its helpers too"
)]

mod broker;
mod catalogs;
#[path = "../apps/client.rs"]
#[allow(dead_code, reason = "other tests send files with it")]
mod client;
mod deletes;
mod failures;
#[path = "../kato/front.rs"]
mod front;
mod life;
#[path = "../apps/platform.rs"]
#[allow(dead_code, reason = "other tests run applications on it")]
mod platform;
#[path = "../store/postgres.rs"]
mod postgres;
mod refusals;
mod restarts;
mod scene;
mod secure;
