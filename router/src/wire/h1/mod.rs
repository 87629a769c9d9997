//! HTTP/1: bytes ↔ message, refusing what is ambiguous.
//!
//! In: a [`Socket`](super::Socket). Out: a [`Connection`] that gives heads and bodies and takes
//! them, the same for both sides. Never: a chunk passed on as it came, a lenient flag.

mod body_reader;
mod body_writer;
mod chunked;
mod connection;
mod parse;
mod scan;
mod stream;

pub use body_reader::{BodyError, BodyReader, BodyStep, Trailers};
pub use body_writer::BodyWriter;
pub use chunked::{ChunkFault, ChunkReader, Piece, SizeLine};
pub use connection::{Connection, HeadError, HeadLimits};
pub use parse::{HeadFault, request_head, response_head, trailers};
pub use scan::HeadScan;
pub use stream::Stream;
