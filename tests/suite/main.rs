//! The suites: the whole router, driven from outside over loopback sockets.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a panic is how a test fails, in its helpers and scripts too"
)]

mod acceptance;
mod access_log;
mod admin;
mod bulk;
mod bus_outage;
mod cast;
mod chaos;
mod chunks_request;
mod corners;
mod corpus;
mod drain;
mod expect;
mod framing_request;
mod framing_response;
mod head_request;
mod hop_by_hop;
mod house;
mod refusals;
mod regression;
mod retry;
mod reuse;
mod several;
mod smuggling;
mod sticky;
mod streaming;
mod timeouts;
mod tls;
mod upgrade;
mod walk;
