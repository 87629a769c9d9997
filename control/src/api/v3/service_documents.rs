//! Services as clients see them, and the plans, offerings and brokers that lists bring along.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::reach::metadata_in;
use crate::api::{ApiError, Base, Call, Metadata, Query, rfc3339};
use crate::model::{
    Operation, ServiceBroker, ServiceInstance, ServiceKind, ServiceOffering, ServicePlan,
};
use crate::store::{Filter, Organization, Space};

/// A service with its marks.
pub(super) async fn shown(call: &Call, service: &ServiceInstance) -> Result<Value, ApiError> {
    let marks = call.store().metadata_of(&[&service.guid]).await?;
    let marks = metadata_in(&marks, &service.guid);
    let latest = match &service.plan_guid {
        Some(plan) => call.store().offer(plan).await?.map(|offer| offer.plan),
        None => None,
    };
    Ok(document(&call.base, (service, latest.as_ref()), &marks))
}

/// A service; its plan says whether there is a newer version of it.
pub(super) fn document(
    base: &Base,
    (service, plan): (&ServiceInstance, Option<&ServicePlan>),
    marks: &Metadata,
) -> Value {
    let own = format!("/v3/service_instances/{}", service.guid);
    let bindings = format!(
        "/v3/service_credential_bindings?service_instance_guids={}",
        service.guid
    );
    let mut relationships = Map::new();
    let space = json!({ "data": { "guid": service.space_guid } });
    relationships.insert("space".to_owned(), space);
    let mut links = Map::new();
    for (name, path) in [
        ("self", own.clone()),
        ("space", format!("/v3/spaces/{}", service.space_guid)),
        ("service_credential_bindings", bindings),
    ] {
        links.insert(name.to_owned(), base.link(&path));
    }
    let mut document = json!({
        "guid": service.guid,
        "name": service.name,
        "type": service.kind.as_str(),
        "tags": service.tags,
        "last_operation": last_operation(&service.last_operation, rfc3339(service.updated_at)),
        "created_at": rfc3339(service.created_at),
        "updated_at": rfc3339(service.updated_at),
        "metadata": marks.document(),
    });
    let own_fields = match service.kind {
        ServiceKind::Managed => {
            let named = json!({ "data": { "guid": service.plan_guid } });
            relationships.insert("service_plan".to_owned(), named);
            let parameters = base.link(&format!("{own}/parameters"));
            links.insert("parameters".to_owned(), parameters);
            if let Some(plan) = &service.plan_guid {
                let plan = base.link(&format!("/v3/service_plans/{plan}"));
                links.insert("service_plan".to_owned(), plan);
            }
            json!({
                "dashboard_url": service.dashboard_url,
                "maintenance_info": service.maintenance_info,
                "upgrade_available": has_newer(service, plan),
            })
        }
        ServiceKind::UserProvided => {
            let credentials = base.link(&format!("{own}/credentials"));
            links.insert("credentials".to_owned(), credentials);
            json!({
                "syslog_drain_url": service.syslog_drain_url,
                "route_service_url": service.route_service_url,
            })
        }
    };
    let more = json!({ "relationships": relationships, "links": links });
    for fields in [own_fields, more] {
        if let (Value::Object(fields), Some(document)) = (fields, document.as_object_mut()) {
            document.extend(fields);
        }
    }
    document
}

/// Whether the catalogue has a newer version than the one that the broker has made.
fn has_newer(service: &ServiceInstance, plan: Option<&ServicePlan>) -> bool {
    let newest = plan.and_then(|plan| plan.facts.maintenance_info.as_ref());
    let newest = newest.and_then(|info| info.get("version"));
    newest.is_some() && newest != service.maintenance_info.get("version")
}

/// What happened last to a service or a binding.
pub(super) fn last_operation(operation: &Operation, updated_at: String) -> Value {
    json!({
        "type": operation.kind,
        "state": operation.state,
        "description": operation.description,
        "created_at": rfc3339(operation.started_at),
        "updated_at": updated_at,
    })
}

/// The plans of services.
pub(super) async fn plans_of(
    call: &Call,
    services: &[ServiceInstance],
) -> Result<Vec<ServicePlan>, ApiError> {
    let guids: BTreeSet<&String> = services
        .iter()
        .filter_map(|service| service.plan_guid.as_ref())
        .collect();
    Ok(call
        .store()
        .all(vec![Filter::within("t.guid", guids)])
        .await?)
}

/// What a request's `fields[…]` ask for beside services.
pub(super) async fn included(
    call: &Call,
    query: &Query,
    (services, plans): (&[ServiceInstance], &[ServicePlan]),
) -> Result<Map<String, Value>, ApiError> {
    let mut included = Map::new();
    let asks = |name: &str| query.text(name).is_some();
    if PLAN_FIELDS.iter().any(|name| asks(name)) {
        offers(call, plans, &mut included).await?;
    }
    if asks(SPACE_FIELDS) || asks(ORGANIZATION_FIELDS) {
        let guids: BTreeSet<&String> = services.iter().map(|one| &one.space_guid).collect();
        let spaces: Vec<Space> = call
            .store()
            .all(vec![Filter::within("t.guid", guids)])
            .await?;
        let guids: BTreeSet<&String> = spaces.iter().map(|one| &one.organization_guid).collect();
        let found: Vec<Organization> = call
            .store()
            .all(vec![Filter::within("t.guid", guids)])
            .await?;
        let shown = spaces.iter().map(|space| {
            json!({ "guid": space.guid, "name": space.name, "relationships":
                { "organization": { "data": { "guid": space.organization_guid } } } })
        });
        included.insert("spaces".to_owned(), shown.collect());
        let shown = found
            .iter()
            .map(|one| json!({ "guid": one.guid, "name": one.name }));
        included.insert("organizations".to_owned(), shown.collect());
    }
    Ok(included)
}

async fn offers(
    call: &Call,
    plans: &[ServicePlan],
    included: &mut Map<String, Value>,
) -> Result<(), ApiError> {
    let guids: BTreeSet<&String> = plans.iter().map(|plan| &plan.offering_guid).collect();
    let offerings: Vec<ServiceOffering> = call
        .store()
        .all(vec![Filter::within("t.guid", guids)])
        .await?;
    let guids: BTreeSet<&String> = offerings.iter().map(|one| &one.broker_guid).collect();
    let brokers: Vec<ServiceBroker> = call
        .store()
        .all(vec![Filter::within("t.guid", guids)])
        .await?;
    let shown = plans.iter().map(|plan| {
        json!({ "guid": plan.guid, "name": plan.name, "relationships":
            { "service_offering": { "data": { "guid": plan.offering_guid } } } })
    });
    included.insert("service_plans".to_owned(), shown.collect());
    let shown = offerings.iter().map(|offering| {
        let facts = &offering.facts;
        json!({ "guid": offering.guid, "name": offering.name, "tags": facts.tags,
            "description": offering.description,
            "documentation_url": facts.metadata.get("documentationUrl"),
            "relationships": { "service_broker": { "data": { "guid": offering.broker_guid } } } })
    });
    included.insert("service_offerings".to_owned(), shown.collect());
    let shown = brokers
        .iter()
        .map(|broker| json!({ "guid": broker.guid, "name": broker.name }));
    included.insert("service_brokers".to_owned(), shown.collect());
    Ok(())
}

const SPACE_FIELDS: &str = "fields[space]";
const ORGANIZATION_FIELDS: &str = "fields[space.organization]";
const PLAN_FIELDS: [&str; 3] = [
    "fields[service_plan]",
    "fields[service_plan.service_offering]",
    "fields[service_plan.service_offering.service_broker]",
];

/// What single services and lists of them may be asked to bring along.
pub(super) const FIELDS: [&str; 5] = [
    "fields[service_plan]",
    "fields[service_plan.service_offering]",
    "fields[service_plan.service_offering.service_broker]",
    SPACE_FIELDS,
    ORGANIZATION_FIELDS,
];
