//! Where blobs are kept: under their digests, and under the names that were given to them.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use std::{fs, io};

use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};

use super::digest::Digest;
use super::error::BlobError;
use super::read::BlobReader;

/// A store of blobs. Clones share it.
#[derive(Clone, Debug)]
pub struct Blobs {
    pub(super) place: Arc<dyn ObjectStore>,
}

impl Blobs {
    /// Blobs in a directory of this machine, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// Fails when the directory cannot be made or used.
    pub fn local(directory: &Path) -> Result<Self, BlobError> {
        let incoming = directory.join(INCOMING);
        fs::create_dir_all(&incoming).map_err(BlobError::Directory)?;
        forget_old_uploads(&incoming).map_err(BlobError::Directory)?;
        let place = LocalFileSystem::new_with_prefix(directory)?;
        Ok(Self {
            place: Arc::new(place),
        })
    }

    /// Opens a blob for reading.
    ///
    /// # Errors
    ///
    /// Fails with [`BlobError::Missing`] when there is none, and when the place fails.
    pub async fn open(&self, digest: &Digest) -> Result<BlobReader, BlobError> {
        let found = self.place.get(&key(digest)).await?;
        let size_bytes = found.meta.size;
        Ok(BlobReader::new(*digest, size_bytes, found.into_stream()))
    }

    /// How many bytes a blob has; `None` when there is no such blob.
    ///
    /// # Errors
    ///
    /// Fails when the place fails.
    pub async fn size_bytes(&self, digest: &Digest) -> Result<Option<u64>, BlobError> {
        match self.place.head(&key(digest)).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a blob; one that is not there is gone already.
    ///
    /// # Errors
    ///
    /// Fails when the place fails.
    pub async fn delete(&self, digest: &Digest) -> Result<(), BlobError> {
        gone(self.place.delete(&key(digest)).await)
    }

    /// Lets `name` stand for a blob from now on. A name is a path of plain words and guids.
    ///
    /// # Errors
    ///
    /// Fails when the place fails.
    pub async fn name(&self, name: &str, digest: &Digest) -> Result<(), BlobError> {
        let payload = PutPayload::from(digest.to_string());
        self.place.put(&name_key(name), payload).await?;
        Ok(())
    }

    /// The blob that `name` stands for, if there is one.
    ///
    /// # Errors
    ///
    /// Fails when the place fails.
    pub async fn named(&self, name: &str) -> Result<Option<Digest>, BlobError> {
        let found = match self.place.get(&name_key(name)).await {
            Ok(found) => found.bytes().await?,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let digest = std::str::from_utf8(&found).ok();
        Ok(digest.and_then(|text| text.parse().ok()))
    }

    /// Takes a name back; the blob stays.
    ///
    /// # Errors
    ///
    /// Fails when the place fails.
    pub async fn forget(&self, name: &str) -> Result<(), BlobError> {
        gone(self.place.delete(&name_key(name)).await)
    }
}

/// The name under which the cache of an application's builds is kept.
#[must_use]
pub fn build_cache(app_guid: &str) -> String {
    format!("{BUILD_CACHES}/{app_guid}")
}

/// The folder of names that holds the caches of builds.
pub const BUILD_CACHES: &str = "caches";

fn gone(deleted: Result<(), object_store::Error>) -> Result<(), BlobError> {
    match deleted {
        Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Where a blob is; two digits are a directory, so that none grows too long.
pub(super) fn key(digest: &Digest) -> Key {
    let digits = digest.to_string();
    let directory: String = digits.chars().take(2).collect();
    Key::from_iter(["sha256", directory.as_str(), digits.as_str()])
}

fn name_key(name: &str) -> Key {
    Key::from_iter(std::iter::once("names").chain(name.split('/')))
}

/// Removes uploads that a process which was killed left behind.
fn forget_old_uploads(incoming: &Path) -> io::Result<()> {
    for entry in fs::read_dir(incoming)? {
        let entry = entry?;
        let touched = entry.metadata().and_then(|meta| meta.modified());
        let age = touched.map(|touched| SystemTime::now().duration_since(touched));
        // Another controller may be filling it, or have removed it since.
        if matches!(age, Ok(Ok(age)) if age > ABANDONED) {
            let _removed = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

/// Where a blob grows until its digest is known.
pub(super) const INCOMING: &str = "incoming";
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);
