//! Sweeping: which blobs and names there are, so that those which nobody needs can go.

use futures_util::TryStreamExt as _;
use object_store::ObjectStoreExt as _;
use object_store::path::Path as Key;

use super::digest::Digest;
use super::error::BlobError;
use super::store::{Blobs, key};
use crate::model::Micros;

impl Blobs {
    /// The blobs that were last stored before this instant.
    ///
    /// # Errors
    ///
    /// Fails when the place fails.
    pub async fn stored_before(&self, before: Micros) -> Result<Vec<Digest>, BlobError> {
        let mut found = Vec::new();
        let mut all = self.place.list(Some(&Key::from("sha256")));
        while let Some(meta) = all.try_next().await? {
            let digest = meta.location.filename().and_then(|name| name.parse().ok());
            if let Some(digest) = digest
                && meta.last_modified.timestamp_micros() < before.0
            {
                found.push(digest);
            }
        }
        Ok(found)
    }

    /// Removes a blob unless it was stored again since this instant; says whether it has gone.
    ///
    /// # Errors
    ///
    /// Fails when the place fails.
    pub async fn delete_stored_before(
        &self,
        digest: &Digest,
        before: Micros,
    ) -> Result<bool, BlobError> {
        let meta = match self.place.head(&key(digest)).await {
            Ok(meta) => meta,
            Err(object_store::Error::NotFound { .. }) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        if meta.last_modified.timestamp_micros() >= before.0 {
            return Ok(false);
        }
        self.delete(digest).await?;
        Ok(true)
    }

    /// The last words of all names in a folder of names, as in `caches`.
    ///
    /// # Errors
    ///
    /// Fails when the place fails.
    pub async fn names_in(&self, folder: &str) -> Result<Vec<String>, BlobError> {
        let mut found = Vec::new();
        let mut all = self.place.list(Some(&Key::from_iter(["names", folder])));
        while let Some(meta) = all.try_next().await? {
            found.extend(meta.location.filename().map(str::to_owned));
        }
        Ok(found)
    }
}
