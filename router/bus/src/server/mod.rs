//! Server: a small core-NATS server inside the process.
//!
//! In come TCP connections of any NATS client: ours, an announcer's, or `telnet`. Out go the messages
//! that they publish, to those who subscribed. It speaks the core protocol with headers, queue groups
//! and no-responders replies, so that a laptop needs no other server and tests need no fake.
//!
//! It never persists anything, never joins a cluster, never speaks TLS and never trusts a client with
//! memory: lines, payloads, subscriptions and what waits to be written are all limited, and who does
//! not read is cut off. A cluster uses the real nats-server.
//!
//! A session is one task: bytes are parsed (`parse`), carried out (`session`), matched against the
//! subscriptions of all clients (`sublist`) and appended to their outboxes (`outbox`).

mod client;
mod connect;
mod connection;
mod hub;
mod options;
mod outbox;
mod running;
mod session;
mod subject;
mod sublist;

pub(crate) mod parse;

pub use options::ServerOptions;
pub use running::{RunningServer, Server};
