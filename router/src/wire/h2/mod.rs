//! HTTP/2: streams of the `h2` crate ↔ message.
//!
//! In: a request that the crate has decoded. Out: a [`RequestHead`](crate::message::RequestHead)
//! laid out in the same form as one from the other wire, and an [`Exchange`] that carries the
//! bodies. Never: framing or flow control of its own.

mod exchange;
mod request;

pub use exchange::Exchange;
pub use request::{RequestError, request_head};
