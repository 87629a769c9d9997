//! Message: what both wires speak.
//!
//! In: spans that a wire found in a buffer. Out: a [`RequestHead`] or [`ResponseHead`] that owns
//! that buffer, the [`Framing`] of the body behind it, and the [`FieldName`]s that the rooms of
//! the walk ask about. Never: I/O, a clock, a body byte.

mod block;
mod draft;
mod framing;
mod head;
mod names;
mod target;

#[cfg(test)]
pub(crate) use block::block_of;
pub(crate) use block::take_list;
pub use block::{Field, FieldBlock, Span};
pub use draft::{Draft, Marks};
pub use framing::{Framing, FramingFault, request_framing, response_framing};
pub use head::{Method, RequestFault, RequestHead, RequestLine, ResponseHead, StatusLine, Version};
pub use names::FieldName;
pub use target::{TargetFault, TargetForm, host_without_port, is_valid_host};
