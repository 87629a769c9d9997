//! What brokers are to be asked for: operations as they begin.

use serde_json::{Map, Value, json};

use super::reach::fresh_guid;
use crate::api::{Actor, ApiError, Call, Code, JobOutcome};
use crate::model::{
    Offer, Operation, OperationFacts, OperationKind, Phase, PlanFacts, ServiceBinding,
    ServiceBroker, ServiceInstance, ServiceOperation,
};
use crate::store::{Organization, Space, Tx};

/// An operation at a broker that nobody has asked for anything yet.
pub(super) fn begin(
    call: &Call,
    broker: &ServiceBroker,
    (kind, plan): (OperationKind, Option<&PlanFacts>),
) -> ServiceOperation {
    let user = match &call.caller.actor {
        Actor::User { guid, .. } => guid.clone(),
        Actor::Client { id } => id.clone(),
    };
    ServiceOperation {
        guid: fresh_guid(),
        kind,
        phase: Phase::Asking,
        broker_guid: broker.guid.clone(),
        instance_guid: String::new(),
        binding_guid: String::new(),
        job_guid: String::new(),
        facts: OperationFacts {
            user_guid: user,
            user_name: call.caller.actor.name().to_owned(),
            ..OperationFacts::default()
        },
        tries: 0,
        due_at: call.now,
        deadline: call.api.services().deadline(call.now, plan),
        created_at: call.now,
        updated_at: call.now,
    }
}

/// An operation on a service.
pub(super) fn on_service(
    call: &Call,
    offer: &Offer,
    (kind, service): (OperationKind, &ServiceInstance),
) -> ServiceOperation {
    let mut order = begin(call, &offer.broker, (kind, Some(&offer.plan.facts)));
    order.instance_guid.clone_from(&service.guid);
    order
        .facts
        .service_id
        .clone_from(&offer.offering.catalog_id);
    order.facts.plan_id.clone_from(&offer.plan.catalog_id);
    order
}

/// An operation on a binding.
pub(super) fn on_binding(
    call: &Call,
    offer: &Offer,
    (kind, binding, service): (OperationKind, &ServiceBinding, &ServiceInstance),
) -> ServiceOperation {
    let mut order = on_service(call, offer, (kind, service));
    order.binding_guid.clone_from(&binding.guid);
    order
}

/// Where a service lives, as brokers are told.
pub(super) struct Place {
    pub(super) space: Space,
    pub(super) organization: Organization,
}

impl Place {
    pub(super) async fn of(call: &Call, space: Space) -> Result<Self, ApiError> {
        let found = call.store().organization(&space.organization_guid).await?;
        let organization = found.ok_or_else(|| ApiError::not_found("Organization"))?;
        Ok(Self {
            space,
            organization,
        })
    }

    fn context(&self) -> Map<String, Value> {
        object([
            ("platform", json!("cloudfoundry")),
            ("organization_guid", json!(self.organization.guid)),
            ("organization_name", json!(self.organization.name)),
            ("space_guid", json!(self.space.guid)),
            ("space_name", json!(self.space.name)),
        ])
    }

    fn context_of(&self, service: &ServiceInstance) -> Map<String, Value> {
        let mut context = self.context();
        context.insert("instance_name".to_owned(), json!(service.name));
        context
    }
}

/// Asks for a new service.
pub(super) fn provision(
    call: &Call,
    offer: &Offer,
    (service, place): (&ServiceInstance, &Place),
    parameters: Option<Map<String, Value>>,
) -> ServiceOperation {
    let mut order = on_service(call, offer, (OperationKind::Provision, service));
    order.facts.body = object([
        ("service_id", json!(offer.offering.catalog_id)),
        ("plan_id", json!(offer.plan.catalog_id)),
        ("organization_guid", json!(place.organization.guid)),
        ("space_guid", json!(place.space.guid)),
        ("context", Value::Object(place.context_of(service))),
    ]);
    put(&mut order, "parameters", parameters);
    let version = offer.plan.facts.maintenance_info.clone();
    put(&mut order, "maintenance_info", version.map(version_of));
    order
}

/// What is to change of a service, for its broker to consent to.
pub(super) struct Wanted {
    /// The plan that it is to be of, where that changes.
    pub(super) plan: Option<Offer>,
    pub(super) parameters: Option<Map<String, Value>>,
    pub(super) maintenance_info: Option<Map<String, Value>>,
}

/// Asks for a change of a service.
pub(super) fn update(
    call: &Call,
    offer: &Offer,
    (service, place): (&ServiceInstance, &Place),
    wanted: Wanted,
) -> ServiceOperation {
    let mut order = on_service(call, offer, (OperationKind::Update, service));
    let mut previous = object([
        ("service_id", json!(offer.offering.catalog_id)),
        ("plan_id", json!(offer.plan.catalog_id)),
        ("organization_id", json!(place.organization.guid)),
        ("space_id", json!(place.space.guid)),
    ]);
    if !service.maintenance_info.is_empty() {
        let version = Value::Object(service.maintenance_info.clone());
        previous.insert("maintenance_info".to_owned(), version);
    }
    order.facts.body = object([
        ("service_id", json!(offer.offering.catalog_id)),
        ("context", Value::Object(place.context_of(service))),
        ("previous_values", Value::Object(previous)),
    ]);
    put(&mut order, "parameters", wanted.parameters);
    let mut version = wanted.maintenance_info;
    if let Some(plan) = wanted.plan {
        let id = json!(plan.plan.catalog_id);
        order.facts.body.insert("plan_id".to_owned(), id);
        order.facts.then.plan_guid = Some(plan.plan.guid);
        version = version.or(plan.plan.facts.maintenance_info);
    }
    put(
        &mut order,
        "maintenance_info",
        version.clone().map(version_of),
    );
    order.facts.then.maintenance_info = version;
    order
}

/// Asks for what a binding is to hold.
pub(super) fn bind(
    call: &Call,
    offer: &Offer,
    (binding, service, place): (&ServiceBinding, &ServiceInstance, &Place),
    parameters: Option<Map<String, Value>>,
) -> ServiceOperation {
    let mut order = on_binding(call, offer, (OperationKind::Bind, binding, service));
    order.facts.body = object([
        ("service_id", json!(offer.offering.catalog_id)),
        ("plan_id", json!(offer.plan.catalog_id)),
        ("context", Value::Object(place.context())),
    ]);
    if let Some(app) = &binding.app_guid {
        let resource = json!({ "app_guid": app, "space_guid": place.space.guid });
        order.facts.body.insert("app_guid".to_owned(), json!(app));
        order
            .facts
            .body
            .insert("bind_resource".to_owned(), resource);
    }
    put(&mut order, "parameters", parameters);
    order
}

/// Marks a binding as going, and asks its broker to take it back.
pub(super) async fn unbind(
    call: &Call,
    tx: &mut Tx,
    (offer, service, binding): (&Offer, &ServiceInstance, ServiceBinding),
    job: &str,
) -> Result<(), ApiError> {
    let mut order = on_binding(call, offer, (OperationKind::Unbind, &binding, service));
    job.clone_into(&mut order.job_guid);
    let binding = ServiceBinding {
        last_operation: Operation::begun("delete", call.now),
        updated_at: call.now,
        ..binding
    };
    tx.update_binding(&binding).await?;
    Ok(tx.insert_service_operation(&order).await?)
}

/// Writes an operation with a job of its own, and gives the job's guid.
pub(super) async fn place(
    call: &Call,
    tx: &mut Tx,
    mut order: ServiceOperation,
    job: &str,
) -> Result<String, ApiError> {
    order.job_guid.clone_from(&order.guid);
    tx.insert_service_operation(&order).await?;
    let begun = JobOutcome::Processing;
    begun.write(tx, &order.guid, job, call.now).await?;
    Ok(order.guid)
}

/// Something else is done with the service.
pub(super) fn busy(service: &ServiceInstance) -> ApiError {
    let words = format!(
        "An operation for service instance {} is in progress.",
        service.name
    );
    ApiError::new(Code::AsyncServiceInstanceOperationInProgress, words)
}

/// Makes sure that nothing else is done with a service.
pub(super) async fn check_idle(tx: &mut Tx, service: &ServiceInstance) -> Result<(), ApiError> {
    let running = tx.operations_of_service(&service.guid).await?;
    if running.iter().any(|one| one.binding_guid.is_empty()) {
        return Err(busy(service));
    }
    Ok(())
}

fn version_of(info: Map<String, Value>) -> Map<String, Value> {
    // Brokers compare it; what else the catalogue says there is for people.
    info.into_iter()
        .filter(|(name, _)| name == "version")
        .collect()
}

fn put(order: &mut ServiceOperation, name: &str, value: Option<Map<String, Value>>) {
    if let Some(value) = value {
        order
            .facts
            .body
            .insert(name.to_owned(), Value::Object(value));
    }
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    let named = fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    named.collect()
}
