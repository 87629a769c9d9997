//! Codec: JSON as Go's `encoding/json` reads and writes it.
//!
//! In come the bytes of one bus message, which may be anything at all. Out go values whose text is
//! borrowed from those bytes wherever no escape stands in the way, or a [`DecodeError`] that says
//! what is wrong and where. In the other direction, [`encode()`] writes the bytes that Go would write.
//!
//! Announcers of routes were written against Go's decoder and rely on its leniency: keys in any
//! case, keys given twice, `null` for anything. The rules, and why they are kept, are in
//! `router/docs/adr/0001-go-json-leniency.md`.
//!
//! The codec never panics, never recurses deeper than the types it fills, and never allocates more
//! than a small multiple of the message.

mod decode;
mod encode;
mod error;
mod key;
mod number;
mod reader;
mod text;

pub use decode::{Decode, from_slice};
pub use encode::encode;
pub use error::{DecodeError, Kind, Reason};
pub use key::fold_match;
pub use number::LenientFloat;
pub use reader::Reader;
