//! Wire: bytes to messages and back, one message on two wires.
//!
//! In: sockets. Out: heads, body bytes and trailers, and the same in the other direction, through
//! [`ClientSide`], which hides the wire from the walk. Never: a decision about routes, a header
//! that was not asked for, a byte whose end is ambiguous.

mod bulk;
mod client_side;
pub mod h1;
pub mod h2;
mod pump;
mod socket;

pub use client_side::ClientSide;
pub use pump::{Pump, PumpError};
pub use socket::Socket;
