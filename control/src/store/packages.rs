//! Packages.

use super::{Filter, Record, Row, Store, StoreError, Tx};
use crate::model::{Package, PackageKind, PackageState};

impl Record for Package {
    const TABLE: &'static str = "packages t";

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            guid: row.text("guid")?,
            app_guid: row.text("app_guid")?,
            kind: row.word("type", PackageKind::parse)?,
            state: row.word("state", PackageState::parse)?,
            error: row.optional_text("error")?,
            sha256: row.optional_text("sha256")?,
            size_bytes: size(row)?,
            image: row.optional_text("image")?,
            image_username: row.optional_text("image_username")?,
            image_password: row.optional_text("image_password")?,
            created_at: row.instant("created_at")?,
            updated_at: row.instant("updated_at")?,
        })
    }
}

impl Store {
    /// The package with this guid.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn package(&self, guid: &str) -> Result<Option<Package>, StoreError> {
        self.first(vec![Filter::equals("t.guid", guid)]).await
    }
}

impl Tx {
    /// Adds a package.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn insert_package(&mut self, package: &Package) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO packages (guid, app_guid, type, state, error, sha256, size_bytes, image, \
             image_username, image_password, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            [
                (&package.guid).into(),
                (&package.app_guid).into(),
                package.kind.as_str().into(),
                package.state.as_str().into(),
                (&package.error).into(),
                (&package.sha256).into(),
                package.size_bytes.into(),
                (&package.image).into(),
                (&package.image_username).into(),
                (&package.image_password).into(),
                package.created_at.into(),
                package.updated_at.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Writes how far a package has come.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn update_package(&mut self, package: &Package) -> Result<(), StoreError> {
        self.write(
            "UPDATE packages SET state = $2, error = $3, sha256 = $4, size_bytes = $5, \
             updated_at = $6 WHERE guid = $1",
            [
                (&package.guid).into(),
                package.state.as_str().into(),
                (&package.error).into(),
                (&package.sha256).into(),
                package.size_bytes.into(),
                package.updated_at.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Takes a package for an upload, also one whose upload broke off; one that has its bits is not taken.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn claim_upload(&mut self, guid: &str) -> Result<bool, StoreError> {
        let claimed = self
            .write(
                "UPDATE packages SET state = 'PROCESSING_UPLOAD' \
                 WHERE guid = $1 AND type = 'bits' \
                 AND state IN ('AWAITING_UPLOAD', 'PROCESSING_UPLOAD')",
                [guid.into()],
            )
            .await?;
        Ok(claimed == 1)
    }

    /// Removes a package.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn delete_package(&mut self, guid: &str) -> Result<(), StoreError> {
        self.write("DELETE FROM packages WHERE guid = $1", [guid.into()])
            .await?;
        Ok(())
    }
}

/// A size in bytes that may not be known yet.
pub(super) fn size(row: &Row<'_>) -> Result<Option<u64>, StoreError> {
    let size = row.optional_integer("size_bytes")?;
    Ok(size.and_then(|bytes| u64::try_from(bytes).ok()))
}
