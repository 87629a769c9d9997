//! What applications are bound to, with what they get of it.

use std::collections::HashSet;

use super::{Filter, Store, StoreError};
use crate::model::environment::Offered;
use crate::model::{
    BoundService, Offer, ServiceBinding, ServiceBroker, ServiceInstance, ServiceOffering,
    ServicePlan,
};

impl Store {
    /// The services that an application is bound to, with their bindings, oldest binding first.
    ///
    /// A binding that is not made yet does not count. Of several to one service the newest does, so
    /// that credentials are changed by binding again and unbinding the old.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn bound_services(&self, app_guid: &str) -> Result<Vec<BoundService>, StoreError> {
        let mut bindings: Vec<ServiceBinding> = self
            .all(vec![Filter::equals("t.app_guid", app_guid)])
            .await?;
        bindings.retain(|binding| binding.last_operation.has_made());
        let mut served = HashSet::new();
        bindings.reverse();
        bindings.retain(|binding| served.insert(binding.instance_guid.clone()));
        bindings.reverse();
        let guids = bindings.iter().map(|binding| &binding.instance_guid);
        let instances: Vec<ServiceInstance> =
            self.all(vec![Filter::within("t.guid", guids)]).await?;
        let mut bound = Vec::with_capacity(bindings.len());
        for binding in bindings {
            let found = instances
                .iter()
                .find(|one| one.guid == binding.instance_guid);
            let Some(instance) = found.cloned() else {
                continue;
            };
            let offered = match &instance.plan_guid {
                Some(plan) => self.offer(plan).await?.map(offered),
                None => None,
            };
            bound.push(BoundService {
                instance,
                binding,
                offered,
            });
        }
        Ok(bound)
    }

    /// A plan with its offering and its broker.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn offer(&self, plan_guid: &str) -> Result<Option<Offer>, StoreError> {
        let by = |guid: &str| vec![Filter::equals("t.guid", guid)];
        let plan: Option<ServicePlan> = self.first(by(plan_guid)).await?;
        let Some(plan) = plan else {
            return Ok(None);
        };
        let offering: Option<ServiceOffering> = self.first(by(&plan.offering_guid)).await?;
        let Some(offering) = offering else {
            return Ok(None);
        };
        let broker: Option<ServiceBroker> = self.first(by(&offering.broker_guid)).await?;
        Ok(broker.map(|broker| Offer {
            plan,
            offering,
            broker,
        }))
    }
}

fn offered(offer: Offer) -> Offered {
    Offered {
        label: offer.offering.name,
        plan: offer.plan.name,
        tags: offer.offering.facts.tags,
    }
}
