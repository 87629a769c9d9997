//! Crashes as audit events.

use super::{StoreError, Target, Tx};
use crate::model::Micros;

/// One crash of an instance.
#[derive(Clone, Debug)]
pub struct CrashEvent {
    /// The event's guid.
    pub guid: String,
    /// The process that the instance was of.
    pub process: String,
    /// Whose process it is.
    pub target: Target,
    /// What happened, a JSON object.
    pub data: String,
    /// When.
    pub at: Micros,
}

impl Tx {
    /// Records a crash.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn insert_crash(&mut self, event: &CrashEvent) -> Result<(), StoreError> {
        let target = &event.target;
        sqlx::query(
            "INSERT INTO audit_events (guid, type, actor_guid, actor_type, actor_name, \
             target_guid, target_type, target_name, space_guid, organization_guid, data, \
             created_at) VALUES ($1, 'audit.app.process.crash', $2, 'process', $3, $4, 'app', $5, \
             $6, $7, $8, $9)",
        )
        .bind(&event.guid)
        .bind(&event.process)
        .bind(&target.process_type)
        .bind(&target.app)
        .bind(&target.app_name)
        .bind(&target.space)
        .bind(&target.organization)
        .bind(&event.data)
        .bind(event.at.0)
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
