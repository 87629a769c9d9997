//! A broker's catalogue, taken over: what is new, what has changed, what is gone.

use std::collections::HashSet;

use super::{Filter, StoreError, Tx};
use crate::model::{
    Catalog, ListedOffering, ListedPlan, Micros, ServiceBroker, ServiceOffering, ServicePlan,
    Visibility,
};

impl Tx {
    /// Makes a broker's offerings and plans what its catalogue says; `fresh` gives guids to new ones.
    ///
    /// A plan that is gone stays for the services that are of it, and no new ones can be made.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn write_catalog(
        &mut self,
        broker: &ServiceBroker,
        catalog: &Catalog,
        (now, fresh): (Micros, fn() -> String),
    ) -> Result<(), StoreError> {
        let of_broker = vec![Filter::equals("t.broker_guid", &broker.guid)];
        let known: Vec<ServiceOffering> = self.all(of_broker).await?;
        for listed in &catalog.offerings {
            let before = known.iter().find(|one| one.catalog_id == listed.id);
            let guid = before.map_or_else(fresh, |one| one.guid.clone());
            let offering = ServiceOffering {
                guid,
                broker_guid: broker.guid.clone(),
                catalog_id: listed.id.clone(),
                name: listed.name.clone(),
                description: listed.description.clone(),
                available: true,
                facts: listed.facts.clone(),
                created_at: before.map_or(now, |one| one.created_at),
                updated_at: now,
            };
            self.write_offering(&offering).await?;
            let shown = match broker.space_guid {
                Some(_) => Visibility::Space,
                None => Visibility::Admin,
            };
            self.write_plans(&offering, listed, (shown, now, fresh))
                .await?;
        }
        let listed: HashSet<&str> = catalog.offerings.iter().map(|one| &*one.id).collect();
        for gone in known
            .iter()
            .filter(|one| !listed.contains(&*one.catalog_id))
        {
            self.forget_offering(gone, now).await?;
        }
        Ok(())
    }

    async fn write_plans(
        &mut self,
        offering: &ServiceOffering,
        listed: &ListedOffering,
        (shown, now, fresh): (Visibility, Micros, fn() -> String),
    ) -> Result<(), StoreError> {
        let known = self.plans_of(&offering.guid).await?;
        for one in &listed.plans {
            let before = known.iter().find(|plan| plan.catalog_id == one.id);
            let plan = ServicePlan {
                guid: before.map_or_else(fresh, |plan| plan.guid.clone()),
                visibility: before.map_or(shown, |plan| plan.visibility),
                created_at: before.map_or(now, |plan| plan.created_at),
                ..plan_of(offering, one, now)
            };
            self.write_plan(&plan).await?;
        }
        let listed: HashSet<&str> = listed.plans.iter().map(|one| &*one.id).collect();
        for gone in known
            .iter()
            .filter(|plan| !listed.contains(&*plan.catalog_id))
        {
            self.forget_plan(gone, now).await?;
        }
        Ok(())
    }

    async fn forget_offering(
        &mut self,
        gone: &ServiceOffering,
        now: Micros,
    ) -> Result<(), StoreError> {
        for plan in self.plans_of(&gone.guid).await? {
            self.forget_plan(&plan, now).await?;
        }
        if self.plans_of(&gone.guid).await?.is_empty() {
            self.delete_metadata(&gone.guid).await?;
            return self.delete_offering(&gone.guid).await;
        }
        let gone = ServiceOffering {
            available: false,
            updated_at: now,
            ..gone.clone()
        };
        self.write_offering(&gone).await
    }

    async fn forget_plan(&mut self, gone: &ServicePlan, now: Micros) -> Result<(), StoreError> {
        let removed = self
            .write(
                "DELETE FROM service_plans WHERE guid = $1 \
                 AND guid NOT IN (SELECT plan_guid FROM service_instances \
                 WHERE plan_guid IS NOT NULL)",
                [(&gone.guid).into()],
            )
            .await?;
        if removed > 0 {
            return self.delete_metadata(&gone.guid).await;
        }
        let gone = ServicePlan {
            available: false,
            updated_at: now,
            ..gone.clone()
        };
        self.write_plan(&gone).await
    }

    async fn plans_of(&mut self, offering: &str) -> Result<Vec<ServicePlan>, StoreError> {
        self.all(vec![Filter::equals("t.offering_guid", offering)])
            .await
    }
}

fn plan_of(offering: &ServiceOffering, listed: &ListedPlan, now: Micros) -> ServicePlan {
    ServicePlan {
        guid: String::new(),
        offering_guid: offering.guid.clone(),
        catalog_id: listed.id.clone(),
        name: listed.name.clone(),
        description: listed.description.clone(),
        available: true,
        visibility: Visibility::Admin,
        facts: listed.facts.clone(),
        created_at: now,
        updated_at: now,
    }
}
