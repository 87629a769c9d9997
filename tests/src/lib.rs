//! The cast of the suites: one actor a file.
//!
//! A test speaks raw bytes to a router that runs in this process, which learns its routes from a
//! real bus and forwards to scripted endpoints. Everything listens on loopback, on port 0, and
//! every wait is a condition with a deadline.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "the harness is test code: a panic is how a test fails"
)]

pub mod bus;
pub mod certs;
pub mod client;
pub mod endpoint;
pub mod oracle;
pub mod process;
pub mod router;
pub mod source;
pub mod stage;
pub mod wait;
