//! What is appended to a file, as it comes.

use std::io::{self, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::time::{Instant, sleep};

/// How patiently a file is watched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// From one look to the next.
    pub(super) pace: Duration,
    /// How long nothing may come.
    pub(super) idle: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            pace: Duration::from_millis(50),
            idle: Duration::from_secs(30),
        }
    }
}

/// What comes after `offset`, which may lie anywhere; unsaid: after what is there now. Ends when
/// nothing came for too long, and when the file is removed or made shorter.
pub(super) async fn tail(
    mut file: File,
    offset: Option<u64>,
    patience: Patience,
) -> io::Result<impl Stream<Item = io::Result<Bytes>>> {
    let from = offset.map_or(SeekFrom::End(0), SeekFrom::Start);
    let at = file.seek(from).await?;
    let seen = file.metadata().await?.len();
    let tail = Tail {
        file,
        at,
        seen,
        patience,
    };
    Ok(stream::unfold(tail, Tail::next))
}

/// A file that is watched.
struct Tail {
    file: File,
    /// Where the next byte is read.
    at: u64,
    /// How long it was at most.
    seen: u64,
    patience: Patience,
}

impl Tail {
    async fn next(mut self) -> Option<(io::Result<Bytes>, Self)> {
        let since = Instant::now();
        loop {
            let mut chunk = vec![0; CHUNK_BYTES];
            match self.file.read(&mut chunk).await {
                Ok(0) => {}
                Ok(read) => {
                    chunk.truncate(read);
                    self.at += read as u64;
                    self.seen = self.seen.max(self.at);
                    return Some((Ok(Bytes::from(chunk)), self));
                }
                Err(error) => return Some((Err(error), self)),
            }
            let metadata = self.file.metadata().await.ok()?;
            let is_over = metadata.nlink() == 0 || metadata.len() < self.seen;
            if is_over || since.elapsed() >= self.patience.idle {
                return None;
            }
            sleep(self.patience.pace).await;
        }
    }
}

const CHUNK_BYTES: usize = 32 << 10;

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::pin::pin;

    use futures_util::StreamExt;

    use super::*;

    async fn open(path: &std::path::Path) -> File {
        File::open(path).await.unwrap()
    }

    const QUICK: Patience = Patience {
        pace: Duration::from_millis(1),
        idle: Duration::from_secs(60),
    };

    #[tokio::test]
    async fn only_what_comes_later_is_told_and_the_removal_is_the_end() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"before ").unwrap();
        let told = tail(open(file.path()).await, None, QUICK).await.unwrap();
        let mut told = pin!(told);
        file.write_all(b"after").unwrap();
        assert_eq!(told.next().await.unwrap().unwrap(), "after");
        drop(file);
        assert!(told.next().await.is_none());
    }

    #[tokio::test]
    async fn an_offset_is_where_it_begins_and_silence_is_the_end() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"0123456789").unwrap();
        let soon = Patience {
            idle: Duration::ZERO,
            ..QUICK
        };
        let told = tail(open(file.path()).await, Some(7), soon).await.unwrap();
        let mut told = pin!(told);
        assert_eq!(told.next().await.unwrap().unwrap(), "789");
        assert!(told.next().await.is_none());
    }

    #[tokio::test]
    async fn a_file_that_is_made_shorter_ends_its_tail() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(10).unwrap();
        let told = tail(open(file.path()).await, Some(0), QUICK).await.unwrap();
        let mut told = pin!(told);
        assert_eq!(told.next().await.unwrap().unwrap().len(), 10);
        file.as_file().set_len(3).unwrap();
        assert!(told.next().await.is_none());
    }
}
