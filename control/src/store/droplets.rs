//! Droplets.

use super::packages::size;
use super::write::document;
use super::{Filter, Record, Row, Store, StoreError, Tx};
use crate::model::{Droplet, DropletState};

impl Record for Droplet {
    const TABLE: &'static str = "droplets t";

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            guid: row.text("guid")?,
            app_guid: row.text("app_guid")?,
            package_guid: row.optional_text("package_guid")?,
            state: row.word("state", DropletState::parse)?,
            error: row.optional_text("error")?,
            sha1: row.optional_text("sha1")?,
            sha256: row.optional_text("sha256")?,
            size_bytes: size(row)?,
            process_types: row.document("process_types")?,
            buildpacks: row.document("buildpacks")?,
            execution_metadata: row.text("execution_metadata")?,
            stack: row.optional_text("stack")?,
            image: row.optional_text("image")?,
            created_at: row.instant("created_at")?,
            updated_at: row.instant("updated_at")?,
        })
    }
}

impl Store {
    /// The droplet with this guid.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn droplet(&self, guid: &str) -> Result<Option<Droplet>, StoreError> {
        self.first(vec![Filter::equals("t.guid", guid)]).await
    }
}

impl Tx {
    /// The droplet with this guid, as this transaction sees it.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn droplet(&mut self, guid: &str) -> Result<Option<Droplet>, StoreError> {
        self.first(vec![Filter::equals("t.guid", guid)]).await
    }

    /// Adds a droplet.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn insert_droplet(&mut self, droplet: &Droplet) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO droplets (guid, app_guid, package_guid, state, error, sha1, sha256, \
             size_bytes, process_types, buildpacks, execution_metadata, stack, image, created_at, \
             updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
            [
                (&droplet.guid).into(),
                (&droplet.app_guid).into(),
                (&droplet.package_guid).into(),
                droplet.state.as_str().into(),
                (&droplet.error).into(),
                (&droplet.sha1).into(),
                (&droplet.sha256).into(),
                droplet.size_bytes.into(),
                document(&droplet.process_types),
                document(&droplet.buildpacks),
                (&droplet.execution_metadata).into(),
                (&droplet.stack).into(),
                (&droplet.image).into(),
                droplet.created_at.into(),
                droplet.updated_at.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Writes how far a droplet has come, and what is known of it then.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn update_droplet(&mut self, droplet: &Droplet) -> Result<(), StoreError> {
        self.write(
            "UPDATE droplets SET state = $2, error = $3, sha1 = $4, sha256 = $5, size_bytes = $6, \
             process_types = $7, buildpacks = $8, execution_metadata = $9, updated_at = $10 \
             WHERE guid = $1",
            [
                (&droplet.guid).into(),
                droplet.state.as_str().into(),
                (&droplet.error).into(),
                (&droplet.sha1).into(),
                (&droplet.sha256).into(),
                droplet.size_bytes.into(),
                document(&droplet.process_types),
                document(&droplet.buildpacks),
                (&droplet.execution_metadata).into(),
                droplet.updated_at.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Keeps others from changing a droplet that waits for its bits until this transaction ends; one
    /// that has them is not taken.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn claim_droplet(&mut self, guid: &str) -> Result<bool, StoreError> {
        let claimed = self
            .write(
                "UPDATE droplets SET updated_at = updated_at \
                 WHERE guid = $1 AND state = 'AWAITING_UPLOAD'",
                [guid.into()],
            )
            .await?;
        Ok(claimed == 1)
    }

    /// Removes a droplet.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn delete_droplet(&mut self, guid: &str) -> Result<(), StoreError> {
        self.write("DELETE FROM droplets WHERE guid = $1", [guid.into()])
            .await?;
        Ok(())
    }
}
