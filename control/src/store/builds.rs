//! Builds.

use super::apps::lifecycle;
use super::processes::number;
use super::write::document;
use super::{Filter, Record, Row, Store, StoreError, Tx};
use crate::model::{Build, BuildState};

impl Record for Build {
    const TABLE: &'static str = "builds t";

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            guid: row.text("guid")?,
            app_guid: row.text("app_guid")?,
            package_guid: row.text("package_guid")?,
            droplet_guid: row.optional_text("droplet_guid")?,
            state: row.word("state", BuildState::parse)?,
            error: row.optional_text("error")?,
            lifecycle: lifecycle(row)?,
            memory_mb: number(row, "memory_mb")?,
            disk_mb: number(row, "disk_mb")?,
            stager: row.optional_text("stager")?,
            deadline: row.instant("deadline")?,
            created_by_guid: row.text("created_by_guid")?,
            created_by_name: row.text("created_by_name")?,
            created_at: row.instant("created_at")?,
            updated_at: row.instant("updated_at")?,
        })
    }
}

impl Store {
    /// The build with this guid.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn build(&self, guid: &str) -> Result<Option<Build>, StoreError> {
        self.first(vec![Filter::equals("t.guid", guid)]).await
    }
}

impl Tx {
    /// Adds a build.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn insert_build(&mut self, build: &Build) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO builds (guid, app_guid, package_guid, droplet_guid, state, error, \
             lifecycle_type, buildpacks, stack, memory_mb, disk_mb, stager, deadline, \
             created_by_guid, created_by_name, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
            [
                (&build.guid).into(),
                (&build.app_guid).into(),
                (&build.package_guid).into(),
                (&build.droplet_guid).into(),
                build.state.as_str().into(),
                (&build.error).into(),
                build.lifecycle.kind().into(),
                document(&build.lifecycle.buildpacks()),
                build.lifecycle.stack().into(),
                build.memory_mb.into(),
                build.disk_mb.into(),
                (&build.stager).into(),
                build.deadline.into(),
                (&build.created_by_guid).into(),
                (&build.created_by_name).into(),
                build.created_at.into(),
                build.updated_at.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Writes how far a build has come. One that has ended is left alone; the answer says whether
    /// anything was written.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn update_build(&mut self, build: &Build) -> Result<bool, StoreError> {
        let written = self
            .write(
                "UPDATE builds SET state = $2, error = $3, droplet_guid = $4, stager = $5, \
                 deadline = $6, updated_at = $7 WHERE guid = $1 AND state = 'STAGING'",
                [
                    (&build.guid).into(),
                    build.state.as_str().into(),
                    (&build.error).into(),
                    (&build.droplet_guid).into(),
                    (&build.stager).into(),
                    build.deadline.into(),
                    build.updated_at.into(),
                ],
            )
            .await?;
        Ok(written == 1)
    }
}
