//! Applications and their sidecars.

use super::write::document;
use super::{Filter, Record, Row, Store, StoreError, Tx};
use crate::model::{App, AppState, Lifecycle, Sidecar};

impl Record for App {
    const TABLE: &'static str = "apps t";

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            guid: row.text("guid")?,
            name: row.text("name")?,
            space_guid: row.text("space_guid")?,
            state: row.word("state", AppState::parse)?,
            lifecycle: lifecycle(row)?,
            environment: row.document("environment")?,
            features: row.document("features")?,
            droplet_guid: row.optional_text("droplet_guid")?,
            created_at: row.instant("created_at")?,
            updated_at: row.instant("updated_at")?,
        })
    }
}

impl Record for Sidecar {
    const TABLE: &'static str = "sidecars t";

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        let memory = row.optional_integer("memory_mb")?;
        Ok(Self {
            guid: row.text("guid")?,
            app_guid: row.text("app_guid")?,
            name: row.text("name")?,
            command: row.text("command")?,
            process_types: row.document("process_types")?,
            memory_mb: memory.and_then(|mb| u32::try_from(mb).ok()),
            created_at: row.instant("created_at")?,
            updated_at: row.instant("updated_at")?,
        })
    }
}

impl Store {
    /// The application with this guid.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn app(&self, guid: &str) -> Result<Option<App>, StoreError> {
        self.first(vec![Filter::equals("t.guid", guid)]).await
    }
}

impl Tx {
    /// The application with this guid, as this transaction sees it.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn app(&mut self, guid: &str) -> Result<Option<App>, StoreError> {
        self.first(vec![Filter::equals("t.guid", guid)]).await
    }

    /// Adds an application.
    ///
    /// # Errors
    ///
    /// [`StoreError::Taken`] when its space has one of that name.
    pub async fn insert_app(&mut self, app: &App) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO apps (guid, name, space_guid, state, lifecycle_type, buildpacks, stack, \
             environment, features, droplet_guid, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            [
                (&app.guid).into(),
                (&app.name).into(),
                (&app.space_guid).into(),
                app.state.as_str().into(),
                app.lifecycle.kind().into(),
                document(&app.lifecycle.buildpacks()),
                app.lifecycle.stack().into(),
                document(&app.environment),
                document(&app.features),
                (&app.droplet_guid).into(),
                app.created_at.into(),
                app.updated_at.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Writes all of an application that can change.
    ///
    /// # Errors
    ///
    /// [`StoreError::Taken`] when its space has another one of that name.
    pub async fn update_app(&mut self, app: &App) -> Result<(), StoreError> {
        self.write(
            "UPDATE apps SET name = $2, state = $3, lifecycle_type = $4, buildpacks = $5, \
             stack = $6, environment = $7, features = $8, droplet_guid = $9, updated_at = $10 \
             WHERE guid = $1",
            [
                (&app.guid).into(),
                (&app.name).into(),
                app.state.as_str().into(),
                app.lifecycle.kind().into(),
                document(&app.lifecycle.buildpacks()),
                app.lifecycle.stack().into(),
                document(&app.environment),
                document(&app.features),
                (&app.droplet_guid).into(),
                app.updated_at.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Removes an application with all that is its own.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn delete_app(&mut self, guid: &str) -> Result<(), StoreError> {
        self.write("DELETE FROM apps WHERE guid = $1", [guid.into()])
            .await?;
        Ok(())
    }

    /// Adds a sidecar, or writes over the one of that name.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn put_sidecar(&mut self, sidecar: &Sidecar) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO sidecars (guid, app_guid, name, command, process_types, memory_mb, \
             created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (app_guid, name) DO UPDATE SET command = excluded.command, \
             process_types = excluded.process_types, memory_mb = excluded.memory_mb, \
             updated_at = excluded.updated_at",
            [
                (&sidecar.guid).into(),
                (&sidecar.app_guid).into(),
                (&sidecar.name).into(),
                (&sidecar.command).into(),
                document(&sidecar.process_types),
                sidecar.memory_mb.into(),
                sidecar.created_at.into(),
                sidecar.updated_at.into(),
            ],
        )
        .await?;
        Ok(())
    }
}

/// Three columns that are one thing.
pub(super) fn lifecycle(row: &Row<'_>) -> Result<Lifecycle, StoreError> {
    if row.text("lifecycle_type")? == Lifecycle::Docker.kind() {
        return Ok(Lifecycle::Docker);
    }
    Ok(Lifecycle::Buildpack {
        buildpacks: row.document("buildpacks")?,
        stack: row.text("stack")?,
    })
}
