//! Peer: who is on the other end, as proved so far.
//!
//! In: the accepted socket's addresses and, once there was a handshake, what TLS proved.
//! Out: a [`Peer`] that every room of the walk may read. Never: anything a client only claims
//! (that is in the head).

mod facts;

pub use facts::{Peer, Transport};
