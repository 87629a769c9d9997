//! What the comparison is made of: an origin, a null forwarder, a load generator and their tools.
//!
//! In: sockets on the loopback. Out: measured figures, never a judgement; that is `compare`'s duty.
//! Nothing here is a part of the router, and nothing here knows it: every proxy is measured alike.

pub mod chunked;
pub mod head;
pub mod histogram;
pub mod load;
pub mod null_forwarder;
pub mod origin;
pub mod poller;
