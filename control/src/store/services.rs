//! Services and their bindings.

use super::write::document;
use super::{Filter, Record, Row, Store, StoreError, Tx};
use crate::model::{BindingKind, Operation, ServiceBinding, ServiceInstance, ServiceKind};

impl Record for ServiceInstance {
    const TABLE: &'static str = "service_instances t";

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            guid: row.text("guid")?,
            name: row.text("name")?,
            space_guid: row.text("space_guid")?,
            kind: row.word("type", ServiceKind::parse)?,
            credentials: row.document("credentials")?,
            syslog_drain_url: row.optional_text("syslog_drain_url")?,
            route_service_url: row.optional_text("route_service_url")?,
            tags: row.document("tags")?,
            plan_guid: row.optional_text("plan_guid")?,
            dashboard_url: row.optional_text("dashboard_url")?,
            maintenance_info: row.document("maintenance_info")?,
            last_operation: operation(row)?,
            created_at: row.instant("created_at")?,
            updated_at: row.instant("updated_at")?,
        })
    }
}

impl Record for ServiceBinding {
    const TABLE: &'static str = "service_bindings t";

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            guid: row.text("guid")?,
            kind: row.word("type", BindingKind::parse)?,
            name: row.optional_text("name")?,
            instance_guid: row.text("instance_guid")?,
            app_guid: row.optional_text("app_guid")?,
            credentials: row.document("credentials")?,
            syslog_drain_url: row.optional_text("syslog_drain_url")?,
            volume_mounts: row.document("volume_mounts")?,
            last_operation: operation(row)?,
            created_at: row.instant("created_at")?,
            updated_at: row.instant("updated_at")?,
        })
    }
}

fn operation(row: &Row<'_>) -> Result<Operation, StoreError> {
    Ok(Operation {
        kind: row.text("operation_type")?,
        state: row.text("operation_state")?,
        description: row.text("operation_description")?,
        started_at: row.instant("operation_started_at")?,
    })
}

impl Store {
    /// The service with this guid.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn service_instance(
        &self,
        guid: &str,
    ) -> Result<Option<ServiceInstance>, StoreError> {
        self.first(vec![Filter::equals("t.guid", guid)]).await
    }

    /// The binding with this guid.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn service_binding(&self, guid: &str) -> Result<Option<ServiceBinding>, StoreError> {
        self.first(vec![Filter::equals("t.guid", guid)]).await
    }
}

impl Tx {
    /// Adds a service.
    ///
    /// # Errors
    ///
    /// [`StoreError::Taken`] when its space has one of that name.
    pub async fn insert_service(&mut self, made: &ServiceInstance) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO service_instances (guid, name, space_guid, type, credentials, \
             syslog_drain_url, route_service_url, tags, plan_guid, dashboard_url, \
             maintenance_info, operation_type, operation_state, operation_description, \
             operation_started_at, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
            [
                (&made.guid).into(),
                (&made.name).into(),
                (&made.space_guid).into(),
                made.kind.as_str().into(),
                document(&made.credentials),
                (&made.syslog_drain_url).into(),
                (&made.route_service_url).into(),
                document(&made.tags),
                (&made.plan_guid).into(),
                (&made.dashboard_url).into(),
                document(&made.maintenance_info),
                (&made.last_operation.kind).into(),
                (&made.last_operation.state).into(),
                (&made.last_operation.description).into(),
                made.last_operation.started_at.into(),
                made.created_at.into(),
                made.updated_at.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Writes all of a service that can change.
    ///
    /// # Errors
    ///
    /// [`StoreError::Taken`] when its space has another one of that name.
    pub async fn update_service(&mut self, made: &ServiceInstance) -> Result<(), StoreError> {
        self.write(
            "UPDATE service_instances SET name = $2, credentials = $3, syslog_drain_url = $4, \
             route_service_url = $5, tags = $6, operation_type = $7, operation_state = $8, \
             operation_description = $9, updated_at = $10, plan_guid = $11, dashboard_url = $12, \
             maintenance_info = $13, operation_started_at = $14 WHERE guid = $1",
            [
                (&made.guid).into(),
                (&made.name).into(),
                document(&made.credentials),
                (&made.syslog_drain_url).into(),
                (&made.route_service_url).into(),
                document(&made.tags),
                (&made.last_operation.kind).into(),
                (&made.last_operation.state).into(),
                (&made.last_operation.description).into(),
                made.updated_at.into(),
                (&made.plan_guid).into(),
                (&made.dashboard_url).into(),
                document(&made.maintenance_info),
                made.last_operation.started_at.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Reads a service, and keeps others from changing it or its bindings until this transaction ends.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn hold_service(
        &mut self,
        guid: &str,
    ) -> Result<Option<ServiceInstance>, StoreError> {
        // A write that changes nothing locks the row.
        self.write(
            "UPDATE service_instances SET updated_at = updated_at WHERE guid = $1",
            [guid.into()],
        )
        .await?;
        self.first(vec![Filter::equals("t.guid", guid)]).await
    }

    /// Removes a service and its bindings.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn delete_service(&mut self, guid: &str) -> Result<(), StoreError> {
        self.write(
            "DELETE FROM service_instances WHERE guid = $1",
            [guid.into()],
        )
        .await?;
        Ok(())
    }

    /// Adds a binding.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn insert_binding(&mut self, made: &ServiceBinding) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO service_bindings (guid, type, name, instance_guid, app_guid, credentials, \
             syslog_drain_url, volume_mounts, operation_type, operation_state, \
             operation_description, operation_started_at, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
            [
                (&made.guid).into(),
                made.kind.as_str().into(),
                (&made.name).into(),
                (&made.instance_guid).into(),
                (&made.app_guid).into(),
                document(&made.credentials),
                (&made.syslog_drain_url).into(),
                document(&made.volume_mounts),
                (&made.last_operation.kind).into(),
                (&made.last_operation.state).into(),
                (&made.last_operation.description).into(),
                made.last_operation.started_at.into(),
                made.created_at.into(),
                made.updated_at.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Writes all of a binding that can change.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn update_binding(&mut self, made: &ServiceBinding) -> Result<(), StoreError> {
        self.write(
            "UPDATE service_bindings SET credentials = $2, syslog_drain_url = $3, \
             volume_mounts = $4, operation_type = $5, operation_state = $6, \
             operation_description = $7, operation_started_at = $8, updated_at = $9 \
             WHERE guid = $1",
            [
                (&made.guid).into(),
                document(&made.credentials),
                (&made.syslog_drain_url).into(),
                document(&made.volume_mounts),
                (&made.last_operation.kind).into(),
                (&made.last_operation.state).into(),
                (&made.last_operation.description).into(),
                made.last_operation.started_at.into(),
                made.updated_at.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Removes a binding.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn delete_binding(&mut self, guid: &str) -> Result<(), StoreError> {
        self.write(
            "DELETE FROM service_bindings WHERE guid = $1",
            [guid.into()],
        )
        .await?;
        Ok(())
    }
}
