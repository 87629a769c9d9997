//! The cast of the bus tests: Debian's nats-server as a child, raw conversations with a server, and certificates.

#![allow(dead_code, reason = "no test binary needs the whole cast")]
#![allow(
    unused_imports,
    unused_macros,
    reason = "no test binary needs the whole cast"
)]

pub(crate) mod both;
pub(crate) mod certs;
pub(crate) mod conversation;
pub(crate) mod nats;
pub(crate) mod seat;
pub(crate) mod wait;
