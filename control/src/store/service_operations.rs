//! Operations at brokers: which are due, how far they are, and what goes with them.

use super::write::document;
use super::{Direction, Filter, ListQuery, Order, Record, Row, Store, StoreError, Tx};
use crate::model::{
    Micros, OperationKind, Phase, ServiceBinding, ServiceInstance, ServiceOperation,
};

impl Record for ServiceOperation {
    const TABLE: &'static str = "service_operations t";

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            guid: row.text("guid")?,
            kind: row.word("kind", OperationKind::parse)?,
            phase: row.word("phase", Phase::parse)?,
            broker_guid: row.text("broker_guid")?,
            instance_guid: row.text("instance_guid")?,
            binding_guid: row.text("binding_guid")?,
            job_guid: row.text("job_guid")?,
            facts: row.document("facts")?,
            tries: u32::try_from(row.integer("tries")?).unwrap_or(u32::MAX),
            due_at: row.instant("due_at")?,
            deadline: row.instant("deadline")?,
            created_at: row.instant("created_at")?,
            updated_at: row.instant("updated_at")?,
        })
    }
}

impl Store {
    /// The operations that something is to be done for now, the longest due first.
    ///
    /// A service is only taken away when its bindings are; one that cannot be taken back holds it up
    /// for a few tries.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn due_service_operations(
        &self,
        now: Micros,
        most: u32,
    ) -> Result<Vec<ServiceOperation>, StoreError> {
        let due = Filter::sql("t.due_at <= ").value(now.0);
        let unbound = Filter::sql(
            "t.kind <> 'deprovision' OR NOT EXISTS (SELECT 1 FROM service_operations o \
             WHERE o.instance_guid = t.instance_guid AND o.kind IN ('bind', 'unbind') \
             AND (o.phase IN ('asking', 'polling', 'fetching') OR o.tries < 3))",
        );
        let query = ListQuery {
            per_page: most,
            order: Order {
                column: "t.due_at",
                direction: Direction::Ascending,
            },
            ..ListQuery::all(vec![due, unbound])
        };
        Ok(self.page(&query).await?.items)
    }
}

impl Tx {
    /// Adds an operation.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn insert_service_operation(
        &mut self,
        made: &ServiceOperation,
    ) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO service_operations (guid, kind, phase, broker_guid, instance_guid, \
             binding_guid, job_guid, facts, tries, due_at, deadline, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            [
                (&made.guid).into(),
                made.kind.as_str().into(),
                made.phase.as_str().into(),
                (&made.broker_guid).into(),
                (&made.instance_guid).into(),
                (&made.binding_guid).into(),
                (&made.job_guid).into(),
                document(&made.facts),
                made.tries.into(),
                made.due_at.into(),
                made.deadline.into(),
                made.created_at.into(),
                made.updated_at.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Writes how far an operation is; `false` when it is not there any more.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn update_service_operation(
        &mut self,
        made: &ServiceOperation,
    ) -> Result<bool, StoreError> {
        let written = self
            .write(
                "UPDATE service_operations SET phase = $2, facts = $3, tries = $4, due_at = $5, \
                 updated_at = $6 WHERE guid = $1",
                [
                    (&made.guid).into(),
                    made.phase.as_str().into(),
                    document(&made.facts),
                    made.tries.into(),
                    made.due_at.into(),
                    made.updated_at.into(),
                ],
            )
            .await?;
        Ok(written > 0)
    }

    /// Removes an operation; `false` when it was not there any more.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn delete_service_operation(&mut self, guid: &str) -> Result<bool, StoreError> {
        let removed = self
            .write(
                "DELETE FROM service_operations WHERE guid = $1",
                [guid.into()],
            )
            .await?;
        Ok(removed > 0)
    }

    /// The operations that a job waits for.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn operations_of_job(
        &mut self,
        job: &str,
    ) -> Result<Vec<ServiceOperation>, StoreError> {
        self.all(vec![Filter::equals("t.job_guid", job)]).await
    }

    /// The operations of a service and its bindings that somebody waits for.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn operations_of_service(
        &mut self,
        instance: &str,
    ) -> Result<Vec<ServiceOperation>, StoreError> {
        let awaited = Filter::sql("t.phase IN ('asking', 'polling', 'fetching')");
        self.all(vec![Filter::equals("t.instance_guid", instance), awaited])
            .await
    }

    /// The services of a space that brokers take care of.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn managed_services_in(
        &mut self,
        space: &str,
    ) -> Result<Vec<ServiceInstance>, StoreError> {
        let managed = Filter::sql("t.plan_guid IS NOT NULL");
        self.all(vec![Filter::equals("t.space_guid", space), managed])
            .await
    }

    /// The bindings of a service.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn bindings_of_service(
        &mut self,
        instance: &str,
    ) -> Result<Vec<ServiceBinding>, StoreError> {
        self.all(vec![Filter::equals("t.instance_guid", instance)])
            .await
    }
}
