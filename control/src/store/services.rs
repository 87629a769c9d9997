//! Services and their bindings.

use super::write::document;
use super::{Filter, Record, Row, Store, StoreError, Tx};
use crate::model::{
    BindingKind, BoundService, Operation, ServiceBinding, ServiceInstance, ServiceKind,
};

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
            last_operation: Operation {
                kind: row.text("operation_type")?,
                state: row.text("operation_state")?,
                description: row.text("operation_description")?,
            },
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
            last_operation: Operation {
                kind: row.text("operation_type")?,
                state: row.text("operation_state")?,
                description: String::new(),
            },
            created_at: row.instant("created_at")?,
            updated_at: row.instant("updated_at")?,
        })
    }
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

    /// The services that an application is bound to, with their bindings, oldest binding first.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn bound_services(&self, app_guid: &str) -> Result<Vec<BoundService>, StoreError> {
        let bindings: Vec<ServiceBinding> = self
            .all(vec![Filter::equals("t.app_guid", app_guid)])
            .await?;
        let guids = bindings.iter().map(|binding| &binding.instance_guid);
        let instances: Vec<ServiceInstance> =
            self.all(vec![Filter::within("t.guid", guids)]).await?;
        let pair = |binding: ServiceBinding| {
            let found = instances
                .iter()
                .find(|one| one.guid == binding.instance_guid);
            let instance = found?.clone();
            Some(BoundService { instance, binding })
        };
        Ok(bindings.into_iter().filter_map(pair).collect())
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
             syslog_drain_url, route_service_url, tags, operation_type, operation_state, \
             operation_description, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            [
                (&made.guid).into(),
                (&made.name).into(),
                (&made.space_guid).into(),
                made.kind.as_str().into(),
                document(&made.credentials),
                (&made.syslog_drain_url).into(),
                (&made.route_service_url).into(),
                document(&made.tags),
                (&made.last_operation.kind).into(),
                (&made.last_operation.state).into(),
                (&made.last_operation.description).into(),
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
             operation_description = $9, updated_at = $10 WHERE guid = $1",
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
            ],
        )
        .await?;
        Ok(())
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
    /// [`StoreError::Taken`] when the application is bound to the service already.
    pub async fn insert_binding(&mut self, made: &ServiceBinding) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO service_bindings (guid, type, name, instance_guid, app_guid, credentials, \
             syslog_drain_url, operation_type, operation_state, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            [
                (&made.guid).into(),
                made.kind.as_str().into(),
                (&made.name).into(),
                (&made.instance_guid).into(),
                (&made.app_guid).into(),
                document(&made.credentials),
                (&made.syslog_drain_url).into(),
                (&made.last_operation.kind).into(),
                (&made.last_operation.state).into(),
                made.created_at.into(),
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
