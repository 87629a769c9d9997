//! Blobs: packages, droplets and caches, each under the SHA-256 of what it holds.
//!
//! In come streams of bytes, of which nothing is trusted but their length limit. Out go a [`Digest`]
//! and, under it, the same bytes: a blob is checked again while it is read, and one that has decayed
//! ends in an error before its last byte is given away. A [`Signer`] makes the addresses under which
//! agents may fetch and store them for a while.
//!
//! It never knows what a blob means, never lists them to a client, and never keeps one in memory.

mod digest;
mod error;
mod read;
mod sign;
mod store;
mod sweep;
mod write;

pub use digest::{BadDigest, Digest};
pub use error::BlobError;
pub use read::BlobReader;
pub use sign::{BadSignature, Signer, Verb};
pub use store::{BUILD_CACHES, Blobs, build_cache};
pub use write::Stored;
