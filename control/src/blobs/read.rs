//! Reading a blob: what was stored is given back, or an error before the last byte is.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aws_lc_rs::digest::{Context as Sha256, SHA256};
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::BoxStream;

use super::digest::Digest;
use super::error::BlobError;

/// The bytes of a blob, as a stream.
///
/// One chunk is always held back until the next one is there, and the last one until the digest of
/// all has been found right; so whoever has read a damaged blob has never read all of it.
pub struct BlobReader {
    digest: Digest,
    size_bytes: u64,
    source: BoxStream<'static, Result<Bytes, object_store::Error>>,
    state: State,
}

enum State {
    Reading { seen: Sha256, held: Option<Bytes> },
    Over,
}

impl BlobReader {
    pub(super) fn new(
        digest: Digest,
        size_bytes: u64,
        source: BoxStream<'static, Result<Bytes, object_store::Error>>,
    ) -> Self {
        let state = State::Reading {
            seen: Sha256::new(&SHA256),
            held: None,
        };
        Self {
            digest,
            size_bytes,
            source,
            state,
        }
    }

    /// How many bytes there are.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn close(&mut self) -> Option<Result<Bytes, BlobError>> {
        let State::Reading { seen, held } = std::mem::replace(&mut self.state, State::Over) else {
            return None;
        };
        if Digest::from_sha256(&seen.finish()) != self.digest {
            return Some(Err(BlobError::Corrupt(self.digest)));
        }
        held.map(Ok)
    }
}

impl Stream for BlobReader {
    type Item = Result<Bytes, BlobError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let reader = &mut *self;
            let State::Reading { seen, held } = &mut reader.state else {
                return Poll::Ready(None);
            };
            match ready!(reader.source.as_mut().poll_next(context)) {
                Some(Ok(chunk)) => {
                    seen.update(&chunk);
                    if let Some(earlier) = held.replace(chunk) {
                        return Poll::Ready(Some(Ok(earlier)));
                    }
                }
                Some(Err(error)) => {
                    reader.state = State::Over;
                    return Poll::Ready(Some(Err(error.into())));
                }
                None => return Poll::Ready(reader.close()),
            }
        }
    }
}

impl std::fmt::Debug for BlobReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlobReader")
            .field("digest", &self.digest)
            .field("size_bytes", &self.size_bytes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::fs;

    use futures_util::{StreamExt, TryStreamExt, stream};

    use super::super::{Blobs, Digest};
    use super::*;

    fn chunks(bytes: &'static [u8]) -> impl Stream<Item = Result<Bytes, Infallible>> {
        stream::iter(bytes.chunks(3).map(|chunk| Ok(Bytes::from_static(chunk))))
    }

    async fn read(blobs: &Blobs, digest: &Digest) -> Result<Vec<u8>, BlobError> {
        let reader = blobs.open(digest).await?;
        let chunks: Vec<Bytes> = reader.try_collect().await?;
        Ok(chunks.concat())
    }

    fn stored_file(directory: &std::path::Path, digest: &Digest) -> std::path::PathBuf {
        let digits = digest.to_string();
        directory.join("sha256").join(&digits[..2]).join(digits)
    }

    #[tokio::test]
    async fn what_was_stored_is_read_and_stored_once() {
        let directory = tempfile::tempdir().unwrap();
        let blobs = Blobs::local(directory.path()).unwrap();
        let stored = blobs
            .put_stream(chunks(b"hello, blobs"), 100)
            .await
            .unwrap();
        assert_eq!(stored.digest, Digest::of(b"hello, blobs"));
        assert_eq!(stored.size_bytes, 12);
        let again = blobs
            .put_stream(chunks(b"hello, blobs"), 100)
            .await
            .unwrap();
        assert_eq!(again, stored);
        assert_eq!(read(&blobs, &stored.digest).await.unwrap(), b"hello, blobs");
        assert_eq!(blobs.size_bytes(&stored.digest).await.unwrap(), Some(12));
        blobs.delete(&stored.digest).await.unwrap();
        blobs.delete(&stored.digest).await.unwrap();
        assert_eq!(blobs.size_bytes(&stored.digest).await.unwrap(), None);
        let missing = read(&blobs, &stored.digest).await;
        assert!(matches!(missing, Err(BlobError::Missing)));
    }

    #[tokio::test]
    async fn nothing_is_a_blob_too() {
        let directory = tempfile::tempdir().unwrap();
        let blobs = Blobs::local(directory.path()).unwrap();
        let stored = blobs.put_stream(chunks(b""), 0).await.unwrap();
        assert_eq!(read(&blobs, &stored.digest).await.unwrap(), b"");
    }

    #[tokio::test]
    async fn a_damaged_blob_is_never_read_to_its_end() {
        let directory = tempfile::tempdir().unwrap();
        let blobs = Blobs::local(directory.path()).unwrap();
        let stored = blobs.put_stream(chunks(b"hello"), 100).await.unwrap();
        fs::write(stored_file(directory.path(), &stored.digest), b"hullo").unwrap();
        let mut reader = blobs.open(&stored.digest).await.unwrap();
        let mut seen = 0;
        let error = loop {
            match reader.next().await.unwrap() {
                Ok(chunk) => seen += chunk.len(),
                Err(error) => break error,
            }
        };
        assert!(seen < 5, "{seen} bytes were given away");
        assert!(matches!(error, BlobError::Corrupt(digest) if digest == stored.digest));
        assert!(reader.next().await.is_none());
    }

    #[tokio::test]
    async fn what_is_too_long_or_breaks_off_leaves_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        let blobs = Blobs::local(directory.path()).unwrap();
        let long = blobs.put_stream(chunks(b"hello"), 4).await;
        assert!(matches!(long, Err(BlobError::TooLarge { max_bytes: 4 })));
        let broken = stream::iter([Ok(Bytes::from_static(b"hel")), Err("gone")]);
        let broken = blobs.put_stream(broken, 100).await;
        assert!(matches!(broken, Err(BlobError::Source(why)) if why == "gone"));
        let incoming = fs::read_dir(directory.path().join("incoming")).unwrap();
        assert_eq!(incoming.count(), 0);
        assert!(!directory.path().join("sha256").exists());
    }

    #[tokio::test]
    async fn a_name_stands_for_the_blob_it_was_given_to_last() {
        let directory = tempfile::tempdir().unwrap();
        let blobs = Blobs::local(directory.path()).unwrap();
        let (first, second) = (Digest::of(b"1"), Digest::of(b"2"));
        assert_eq!(blobs.named("apps/a/cache").await.unwrap(), None);
        blobs.name("apps/a/cache", &first).await.unwrap();
        blobs.name("apps/a/cache", &second).await.unwrap();
        assert_eq!(blobs.named("apps/a/cache").await.unwrap(), Some(second));
        blobs.forget("apps/a/cache").await.unwrap();
        assert_eq!(blobs.named("apps/a/cache").await.unwrap(), None);
    }
}
