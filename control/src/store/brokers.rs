//! Brokers, what they offer, and who may have it.

use super::write::document;
use super::{Filter, Record, Row, Store, StoreError, Tx};
use crate::model::{
    BrokerState, Micros, Secret, ServiceBroker, ServiceOffering, ServicePlan, Visibility,
};

impl Record for ServiceBroker {
    const TABLE: &'static str = "service_brokers t";

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            guid: row.text("guid")?,
            name: row.text("name")?,
            url: row.text("url")?,
            username: row.text("username")?,
            password: Secret(row.text("password")?),
            space_guid: row.optional_text("space_guid")?,
            state: row.word("state", BrokerState::parse)?,
            created_at: row.instant("created_at")?,
            updated_at: row.instant("updated_at")?,
        })
    }
}

impl Record for ServiceOffering {
    const TABLE: &'static str = "service_offerings t";

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            guid: row.text("guid")?,
            broker_guid: row.text("broker_guid")?,
            catalog_id: row.text("catalog_id")?,
            name: row.text("name")?,
            description: row.text("description")?,
            available: row.flag("available")?,
            facts: row.document("facts")?,
            created_at: row.instant("created_at")?,
            updated_at: row.instant("updated_at")?,
        })
    }
}

impl Record for ServicePlan {
    const TABLE: &'static str = "service_plans t";

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            guid: row.text("guid")?,
            offering_guid: row.text("offering_guid")?,
            catalog_id: row.text("catalog_id")?,
            name: row.text("name")?,
            description: row.text("description")?,
            available: row.flag("available")?,
            visibility: row.word("visibility", Visibility::parse)?,
            facts: row.document("facts")?,
            created_at: row.instant("created_at")?,
            updated_at: row.instant("updated_at")?,
        })
    }
}

/// An organization that may have a plan.
struct Seer(String);

impl Record for Seer {
    const TABLE: &'static str =
        "(SELECT organization_guid AS guid, plan_guid, 0 AS created_at FROM plan_visibilities) t";

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        row.text("guid").map(Self)
    }
}

impl Store {
    /// The organizations that a plan is shown to by name.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn organizations_of_plan(&self, plan: &str) -> Result<Vec<String>, StoreError> {
        let found: Vec<Seer> = self.all(vec![Filter::equals("t.plan_guid", plan)]).await?;
        Ok(found.into_iter().map(|seer| seer.0).collect())
    }
}

impl Tx {
    /// Adds a broker.
    ///
    /// # Errors
    ///
    /// [`StoreError::Taken`] when there is one of that name.
    pub async fn insert_broker(&mut self, broker: &ServiceBroker) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO service_brokers (guid, name, url, username, password, space_guid, state, \
             created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            [
                (&broker.guid).into(),
                (&broker.name).into(),
                (&broker.url).into(),
                (&broker.username).into(),
                (&broker.password.0).into(),
                (&broker.space_guid).into(),
                broker.state.as_str().into(),
                broker.created_at.into(),
                broker.updated_at.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Writes all of a broker that can change.
    ///
    /// # Errors
    ///
    /// [`StoreError::Taken`] when there is another one of that name.
    pub async fn update_broker(&mut self, broker: &ServiceBroker) -> Result<(), StoreError> {
        self.write(
            "UPDATE service_brokers SET name = $2, url = $3, username = $4, password = $5, \
             state = $6, updated_at = $7 WHERE guid = $1",
            [
                (&broker.guid).into(),
                (&broker.name).into(),
                (&broker.url).into(),
                (&broker.username).into(),
                (&broker.password.0).into(),
                broker.state.as_str().into(),
                broker.updated_at.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Removes a broker, what it offers, and what it is still asked for.
    ///
    /// # Errors
    ///
    /// [`StoreError::Named`] when there are services of its plans.
    pub async fn delete_broker(&mut self, guid: &str) -> Result<(), StoreError> {
        self.write("DELETE FROM service_brokers WHERE guid = $1", [guid.into()])
            .await?;
        Ok(())
    }

    /// Removes the brokers of spaces that are gone, once nothing of theirs is left.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn delete_abandoned_brokers(&mut self) -> Result<u64, StoreError> {
        self.write(
            "DELETE FROM service_brokers WHERE space_guid IS NOT NULL \
             AND space_guid NOT IN (SELECT guid FROM spaces) \
             AND guid NOT IN (SELECT broker_guid FROM service_operations)",
            [],
        )
        .await
    }

    /// Removes an offering and its plans.
    ///
    /// # Errors
    ///
    /// [`StoreError::Named`] when there are services of its plans.
    pub async fn delete_offering(&mut self, guid: &str) -> Result<(), StoreError> {
        self.write(
            "DELETE FROM service_offerings WHERE guid = $1",
            [guid.into()],
        )
        .await?;
        Ok(())
    }

    /// Writes who may have a plan, and forgets the organizations that were named.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn show_plan(
        &mut self,
        plan: &str,
        visibility: Visibility,
        now: Micros,
    ) -> Result<(), StoreError> {
        self.write(
            "UPDATE service_plans SET visibility = $2, updated_at = $3 WHERE guid = $1",
            [plan.into(), visibility.as_str().into(), now.into()],
        )
        .await?;
        self.write(
            "DELETE FROM plan_visibilities WHERE plan_guid = $1",
            [plan.into()],
        )
        .await?;
        Ok(())
    }

    /// Shows a plan to one more organization.
    ///
    /// # Errors
    ///
    /// [`StoreError::Named`] when there is no such organization.
    pub async fn show_plan_to(&mut self, plan: &str, organization: &str) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO plan_visibilities (plan_guid, organization_guid) VALUES ($1, $2) \
             ON CONFLICT (plan_guid, organization_guid) DO NOTHING",
            [plan.into(), organization.into()],
        )
        .await?;
        Ok(())
    }

    /// Shows a plan to one organization less; how many that were.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn hide_plan_from(
        &mut self,
        plan: &str,
        organization: &str,
    ) -> Result<u64, StoreError> {
        self.write(
            "DELETE FROM plan_visibilities WHERE plan_guid = $1 AND organization_guid = $2",
            [plan.into(), organization.into()],
        )
        .await
    }

    pub(super) async fn write_offering(
        &mut self,
        offering: &ServiceOffering,
    ) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO service_offerings (guid, broker_guid, catalog_id, name, description, \
             available, facts, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
             ON CONFLICT (guid) DO UPDATE SET name = excluded.name, \
             description = excluded.description, available = excluded.available, \
             facts = excluded.facts, updated_at = excluded.updated_at",
            [
                (&offering.guid).into(),
                (&offering.broker_guid).into(),
                (&offering.catalog_id).into(),
                (&offering.name).into(),
                (&offering.description).into(),
                i64::from(offering.available).into(),
                document(&offering.facts),
                offering.created_at.into(),
                offering.updated_at.into(),
            ],
        )
        .await?;
        Ok(())
    }

    pub(super) async fn write_plan(&mut self, plan: &ServicePlan) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO service_plans (guid, offering_guid, catalog_id, name, description, \
             available, visibility, facts, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
             ON CONFLICT (guid) DO UPDATE SET name = excluded.name, \
             description = excluded.description, available = excluded.available, \
             facts = excluded.facts, updated_at = excluded.updated_at",
            [
                (&plan.guid).into(),
                (&plan.offering_guid).into(),
                (&plan.catalog_id).into(),
                (&plan.name).into(),
                (&plan.description).into(),
                i64::from(plan.available).into(),
                plan.visibility.as_str().into(),
                document(&plan.facts),
                plan.created_at.into(),
                plan.updated_at.into(),
            ],
        )
        .await?;
        Ok(())
    }
}
