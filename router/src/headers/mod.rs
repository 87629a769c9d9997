//! Headers: what crosses from one side to the other, and what must not.
//!
//! In: a head as received, and what the walk has decided. Out: a
//! [`Draft`](crate::message::Draft) of the head that leaves. Never: I/O, a decision about routes,
//! a field that was hop-by-hop.

mod hop_by_hop;
mod request;
mod response;

pub use hop_by_hop::Nominated;
pub use request::{ForwardedProto, RequestFacts, RequestRules, forwarded_for, request_draft};
pub use response::{Closing, ResponseFacts, ResponseRules, response_draft, rewrite};
