//! Storing a blob: the digest is made while the bytes go by.

use std::fmt::Display;
use std::pin::pin;

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use object_store::path::Path as Key;
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload};

use super::digest::{Digest, hexadecimal};
use super::error::BlobError;
use super::store::{Blobs, INCOMING, key};

/// A blob that was stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stored {
    /// What it is stored under.
    pub digest: Digest,
    /// Its SHA-1 in hexadecimal digits, which older agents ask for.
    pub sha1: String,
    /// How many bytes it has.
    pub size_bytes: u64,
}

impl Blobs {
    /// Stores what `stream` gives. It appears under its digest whole, or not at all.
    ///
    /// # Errors
    ///
    /// Fails when the stream does, when it gives more than `max_bytes`, and when the place fails.
    pub async fn put_stream<S, E>(&self, stream: S, max_bytes: u64) -> Result<Stored, BlobError>
    where
        S: Stream<Item = Result<Bytes, E>>,
        E: Display,
    {
        let incoming = Key::from_iter([INCOMING, random_name().as_str()]);
        let mut upload = self.place.put_multipart(&incoming).await?;
        let stored = match fill(&mut *upload, stream, max_bytes).await {
            Ok(stored) => stored,
            Err(error) => {
                // What is left behind is removed at a later start.
                let _aborted = upload.abort().await;
                return Err(error);
            }
        };
        upload.complete().await?;
        self.place.rename(&incoming, &key(&stored.digest)).await?;
        Ok(stored)
    }
}

async fn fill<S, E>(
    upload: &mut dyn MultipartUpload,
    stream: S,
    max_bytes: u64,
) -> Result<Stored, BlobError>
where
    S: Stream<Item = Result<Bytes, E>>,
    E: Display,
{
    let mut stream = pin!(stream);
    let (mut sha256, mut sha1) = (
        Context::new(&SHA256),
        Context::new(&SHA1_FOR_LEGACY_USE_ONLY),
    );
    let mut size_bytes = 0_u64;
    let mut part = Vec::new();
    let mut part_bytes = 0;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| BlobError::Source(error.to_string()))?;
        size_bytes = size_bytes.saturating_add(chunk.len() as u64);
        if size_bytes > max_bytes {
            return Err(BlobError::TooLarge { max_bytes });
        }
        sha256.update(&chunk);
        sha1.update(&chunk);
        part_bytes += chunk.len();
        part.push(chunk);
        if part_bytes >= PART_BYTES {
            let full = std::mem::take(&mut part);
            part_bytes = 0;
            upload.put_part(full.into_iter().collect()).await?;
        }
    }
    upload
        .put_part(part.into_iter().collect::<PutPayload>())
        .await?;
    Ok(Stored {
        digest: Digest::from_sha256(&sha256.finish()),
        sha1: hexadecimal(sha1.finish().as_ref()),
        size_bytes,
    })
}

fn random_name() -> String {
    hexadecimal(&rand::random::<[u8; 16]>())
}

/// S3 wants parts of at least 5 MiB, all but the last of one size at least.
const PART_BYTES: usize = 8 << 20;
