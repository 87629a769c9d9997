//! Buffers: where bytes live while they are on their way.
//!
//! In: a size class. Out: a [`Buffer`] that goes back to this core's pool when it is dropped, so
//! that the steady state allocates nothing and an idle connection holds nothing. Never: a look
//! at what the bytes mean, a lock, a pool shared between cores.

mod buffer;
mod pool;

pub use buffer::{Buffer, Overflow};
pub use pool::{Class, pooled_bytes};
