//! Deployments.

use super::processes::number;
use super::write::document;
use super::{Filter, Record, Row, Store, StoreError, Tx};
use crate::model::{Deployment, DeploymentState, Strategy};

impl Record for Deployment {
    const TABLE: &'static str = "deployments t";

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            guid: row.text("guid")?,
            app_guid: row.text("app_guid")?,
            state: row.word("state", DeploymentState::parse)?,
            strategy: row.word("strategy", Strategy::parse)?,
            max_in_flight: number(row, "max_in_flight")?,
            canary_steps: row.document("canary_steps")?,
            canaries_ran: number(row, "canaries_ran")?,
            droplet_guid: row.text("droplet_guid")?,
            previous_droplet_guid: row.optional_text("previous_droplet_guid")?,
            process_guid: row.text("process_guid")?,
            previous_process_guid: row.text("previous_process_guid")?,
            original_instances: number(row, "original_instances")?,
            desired_instances: number(row, "desired_instances")?,
            deadline: row.instant("deadline")?,
            created_at: row.instant("created_at")?,
            updated_at: row.instant("updated_at")?,
        })
    }
}

impl Store {
    /// The deployment with this guid.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn deployment(&self, guid: &str) -> Result<Option<Deployment>, StoreError> {
        self.first(vec![Filter::equals("t.guid", guid)]).await
    }
}

impl Tx {
    /// The deployment with this guid, as this transaction sees it.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn deployment(&mut self, guid: &str) -> Result<Option<Deployment>, StoreError> {
        self.first(vec![Filter::equals("t.guid", guid)]).await
    }

    /// The deployments of an application that have something to do.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn active_deployments(
        &mut self,
        app_guid: &str,
    ) -> Result<Vec<Deployment>, StoreError> {
        self.all(vec![
            Filter::equals("t.app_guid", app_guid),
            Filter::equals("t.status_value", "ACTIVE"),
        ])
        .await
    }

    /// Adds a deployment.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn insert_deployment(&mut self, made: &Deployment) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO deployments (guid, app_guid, state, status_value, status_reason, strategy, \
             max_in_flight, droplet_guid, previous_droplet_guid, process_guid, \
             previous_process_guid, original_instances, desired_instances, deadline, created_at, \
             updated_at, canary_steps) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, \
             $13, $14, $15, $16, $17)",
            [
                (&made.guid).into(),
                (&made.app_guid).into(),
                made.state.as_str().into(),
                made.state.status_value().into(),
                made.state.status_reason().into(),
                made.strategy.as_str().into(),
                made.max_in_flight.into(),
                (&made.droplet_guid).into(),
                (&made.previous_droplet_guid).into(),
                (&made.process_guid).into(),
                (&made.previous_process_guid).into(),
                made.original_instances.into(),
                made.desired_instances.into(),
                made.deadline.into(),
                made.created_at.into(),
                made.updated_at.into(),
                document(&made.canary_steps),
            ],
        )
        .await?;
        Ok(())
    }

    /// Writes how far a deployment has come.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn update_deployment(&mut self, made: &Deployment) -> Result<(), StoreError> {
        self.write(
            "UPDATE deployments SET state = $2, status_value = $3, status_reason = $4, \
             deadline = $5, updated_at = $6 WHERE guid = $1",
            [
                (&made.guid).into(),
                made.state.as_str().into(),
                made.state.status_value().into(),
                made.state.status_reason().into(),
                made.deadline.into(),
                made.updated_at.into(),
            ],
        )
        .await?;
        Ok(())
    }
}
