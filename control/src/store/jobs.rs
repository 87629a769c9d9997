//! Jobs: work that a client polls for, and audit events: who did what.

use super::{Record, Row, StoreError, Tx};
use crate::model::Micros;

/// Work that goes on after its request was answered.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its guid.
    pub guid: String,
    /// What it does, as in `app.delete`.
    pub operation: String,
    /// `PROCESSING`, `POLLING`, `COMPLETE` or `FAILED`.
    pub state: String,
    /// Entries of an errors document.
    pub errors: Vec<serde_json::Value>,
    /// `{"detail": …}` each.
    pub warnings: Vec<serde_json::Value>,
    /// Since when it is known.
    pub created_at: Micros,
    /// Since when it is in this state.
    pub updated_at: Micros,
}

impl Record for Job {
    const TABLE: &'static str = "jobs t";

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            guid: row.text("guid")?,
            operation: row.text("operation")?,
            state: row.text("state")?,
            errors: row.document("errors")?,
            warnings: row.document("warnings")?,
            created_at: row.instant("created_at")?,
            updated_at: row.instant("updated_at")?,
        })
    }
}

/// Who did what to which resource.
#[derive(Clone, Debug)]
pub struct AuditEvent {
    /// Its guid.
    pub guid: String,
    /// As in `audit.app.create`.
    pub kind: String,
    /// Who did it.
    pub actor: Party,
    /// To what it was done.
    pub target: Party,
    /// The space it happened in; empty when in none.
    pub space_guid: String,
    /// The organization it happened in; empty when in none.
    pub organization_guid: String,
    /// What else is worth knowing.
    pub data: serde_json::Value,
    /// When.
    pub created_at: Micros,
}

/// One side of an event.
#[derive(Clone, Debug)]
pub struct Party {
    /// Its guid.
    pub guid: String,
    /// Its kind, as in `user` or `app`.
    pub kind: String,
    /// Its name.
    pub name: String,
}

impl Record for AuditEvent {
    const TABLE: &'static str = "(SELECT guid, type, actor_guid, actor_type, actor_name, target_guid, target_type, target_name, \
         space_guid, organization_guid, data, created_at, created_at AS updated_at FROM audit_events) t";

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            guid: row.text("guid")?,
            kind: row.text("type")?,
            actor: Party {
                guid: row.text("actor_guid")?,
                kind: row.text("actor_type")?,
                name: row.text("actor_name")?,
            },
            target: Party {
                guid: row.text("target_guid")?,
                kind: row.text("target_type")?,
                name: row.text("target_name")?,
            },
            space_guid: row.text("space_guid")?,
            organization_guid: row.text("organization_guid")?,
            data: row.document("data")?,
            created_at: row.instant("created_at")?,
        })
    }
}

impl Tx {
    /// Writes a job, over what it was.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn write_job(&mut self, job: &Job) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO jobs (guid, operation, state, errors, warnings, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (guid) DO UPDATE SET \
             state = excluded.state, errors = excluded.errors, warnings = excluded.warnings, \
             updated_at = excluded.updated_at",
        )
        .bind(&job.guid)
        .bind(&job.operation)
        .bind(&job.state)
        .bind(serde_json::Value::from(job.errors.clone()).to_string())
        .bind(serde_json::Value::from(job.warnings.clone()).to_string())
        .bind(job.created_at.0)
        .bind(job.updated_at.0)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Writes an event.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn insert_audit_event(&mut self, event: &AuditEvent) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO audit_events (guid, type, actor_guid, actor_type, actor_name, target_guid, \
             target_type, target_name, space_guid, organization_guid, data, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(&event.guid)
        .bind(&event.kind)
        .bind(&event.actor.guid)
        .bind(&event.actor.kind)
        .bind(&event.actor.name)
        .bind(&event.target.guid)
        .bind(&event.target.kind)
        .bind(&event.target.name)
        .bind(&event.space_guid)
        .bind(&event.organization_guid)
        .bind(event.data.to_string())
        .bind(event.created_at.0)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Forgets jobs and events that are older than these instants.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn forget_before(&mut self, jobs: Micros, events: Micros) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM jobs WHERE updated_at < $1")
            .bind(jobs.0)
            .execute(self.connection())
            .await?;
        sqlx::query("DELETE FROM audit_events WHERE created_at < $1")
            .bind(events.0)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}
