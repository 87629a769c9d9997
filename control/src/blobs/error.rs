//! What can go wrong with a blob.

use super::digest::Digest;

/// Why a blob cannot be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// What is stored is not what was stored.
    #[error("blob {0} is damaged")]
    Corrupt(Digest),
    /// The directory cannot be used.
    #[error("the directory of blobs cannot be used")]
    Directory(#[source] std::io::Error),
    /// There is no such blob.
    #[error("there is no such blob")]
    Missing,
    /// The place that blobs are kept in failed.
    #[error("the store of blobs failed")]
    Place(#[source] object_store::Error),
    /// The sender broke off.
    #[error("the upload broke off: {0}")]
    Source(String),
    /// There are more bytes than are allowed.
    #[error("the upload is longer than {max_bytes} bytes")]
    TooLarge {
        /// How many are allowed.
        max_bytes: u64,
    },
}

impl From<object_store::Error> for BlobError {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::Missing,
            other => Self::Place(other),
        }
    }
}
