//! `switchyard micro` from outside when something around it fails; what it is for is in the suite `cloud`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop there, in its helpers too"
)]

#[allow(
    dead_code,
    reason = "what a cloud that works shows is needed by the other suite only"
)]
mod cloud;
mod failures;
