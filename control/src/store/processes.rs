//! Processes.

use serde_json::Value as Json;

use super::write::document;
use super::{Filter, Record, Row, Store, StoreError, Tx};
use crate::model::{HealthCheck, Process};

impl Record for Process {
    const TABLE: &'static str = "processes t";

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        let process_type = row.text("type")?;
        Ok(Self {
            guid: row.text("guid")?,
            app_guid: row.text("app_guid")?,
            command: row.optional_text("command")?,
            instances: number(row, "instances")?,
            memory_mb: number(row, "memory_mb")?,
            disk_mb: number(row, "disk_mb")?,
            log_rate_limit: row.integer("log_rate_limit")?,
            health_check: check(row, "health_check", &process_type)?,
            readiness: check(row, "readiness_health_check", "")?,
            version: row.text("version")?,
            droplet_guid: row.optional_text("droplet_guid")?,
            deployment_guid: row.optional_text("deployment_guid")?,
            created_at: row.instant("created_at")?,
            updated_at: row.instant("updated_at")?,
            process_type,
        })
    }
}

impl Store {
    /// The process with this guid.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn process(&self, guid: &str) -> Result<Option<Process>, StoreError> {
        self.first(vec![Filter::equals("t.guid", guid)]).await
    }

    /// The processes of an application, oldest first; during a deployment two of one type.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn processes_of(&self, app_guid: &str) -> Result<Vec<Process>, StoreError> {
        self.all(vec![Filter::equals("t.app_guid", app_guid)]).await
    }
}

impl Tx {
    /// The processes of an application, oldest first, as this transaction sees them.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn processes_of(&mut self, app_guid: &str) -> Result<Vec<Process>, StoreError> {
        self.all(vec![Filter::equals("t.app_guid", app_guid)]).await
    }

    /// Adds a process.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn insert_process(&mut self, process: &Process) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO processes (guid, app_guid, type, command, instances, memory_mb, disk_mb, \
             log_rate_limit, health_check, readiness_health_check, version, droplet_guid, \
             deployment_guid, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
            [
                (&process.guid).into(),
                (&process.app_guid).into(),
                (&process.process_type).into(),
                (&process.command).into(),
                process.instances.into(),
                process.memory_mb.into(),
                process.disk_mb.into(),
                process.log_rate_limit.into(),
                document(&process.health_check.to_json()),
                document(&process.readiness.to_json()),
                (&process.version).into(),
                (&process.droplet_guid).into(),
                (&process.deployment_guid).into(),
                process.created_at.into(),
                process.updated_at.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Writes all of a process that can change.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn update_process(&mut self, process: &Process) -> Result<(), StoreError> {
        self.write(
            "UPDATE processes SET command = $2, instances = $3, memory_mb = $4, disk_mb = $5, \
             log_rate_limit = $6, health_check = $7, readiness_health_check = $8, version = $9, \
             droplet_guid = $10, deployment_guid = $11, updated_at = $12 WHERE guid = $1",
            [
                (&process.guid).into(),
                (&process.command).into(),
                process.instances.into(),
                process.memory_mb.into(),
                process.disk_mb.into(),
                process.log_rate_limit.into(),
                document(&process.health_check.to_json()),
                document(&process.readiness.to_json()),
                (&process.version).into(),
                (&process.droplet_guid).into(),
                (&process.deployment_guid).into(),
                process.updated_at.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Removes a process.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn delete_process(&mut self, guid: &str) -> Result<(), StoreError> {
        self.write("DELETE FROM processes WHERE guid = $1", [guid.into()])
            .await?;
        Ok(())
    }
}

/// A count of an `INTEGER` that is never negative and never large.
pub(super) fn number(row: &Row<'_>, column: &'static str) -> Result<u32, StoreError> {
    u32::try_from(row.integer(column)?).map_err(|_| StoreError::Garbled { column })
}

fn check(
    row: &Row<'_>,
    column: &'static str,
    process_type: &str,
) -> Result<HealthCheck, StoreError> {
    let document: Json = row.document(column)?;
    HealthCheck::read(&document, &HealthCheck::of_process_type(process_type))
        .map_err(|_| StoreError::Garbled { column })
}
