//! Plans: the ways to have an offering, and who may have them.

use axum::extract::Path;
use serde_json::{Map, Value, json};

use super::reach::metadata_in;
use super::service_sight::{PLAN, keep_offered, seen_by};
use super::{included, offerings};
use crate::api::listing::BY_NAME;
use crate::api::{Answer, ApiError, Base, Body, Call, Metadata, Query, Routes, ok, rfc3339};
use crate::model::{ServiceOffering, ServicePlan};
use crate::store::Filter;

pub(super) fn routes() -> Routes {
    Routes::new("Services")
        .get("/v3/service_plans", "Lists plans", list)
        .get("/v3/service_plans/{guid}", "Shows a plan", show)
        .patch(
            "/v3/service_plans/{guid}",
            "Changes the marks of a plan",
            change,
        )
}

async fn list(call: Call) -> Answer {
    let mut listing = call.listing(FILTERS, BY_NAME)?;
    listing.query.check_includes(INCLUDES)?;
    listing.within("names", "t.name");
    listing.within("service_offering_guids", "t.offering_guid");
    for (parameter, before) in [
        ("service_offering_names", OFFERING_NAMES),
        ("service_broker_guids", BROKER_GUIDS),
        ("service_broker_names", BROKER_NAMES),
        ("service_instance_guids", INSTANCE_GUIDS),
        ("broker_catalog_ids", "(t.catalog_id IN "),
    ] {
        listing.within_sql(parameter, before, ")");
    }
    keep_offered(&call, &mut listing, PLAN)?;
    let page = call.page::<ServicePlan>(&listing).await?;
    let guids: Vec<&str> = page.items.iter().map(|plan| &*plan.guid).collect();
    let marks = call.store().metadata_of(&guids).await?;
    let mut answer = listing.document(&call.base, &page, |plan| {
        document(&call.base, plan, &metadata_in(&marks, &plan.guid))
    });
    include(&call, &listing.query, (&page.items, &mut answer)).await?;
    ok(answer)
}

async fn show(call: Call, Path(guid): Path<String>) -> Answer {
    let query = call.query(&["include", BROKER_FIELDS])?;
    query.check_includes(INCLUDES)?;
    let found = plan(&call, &guid).await?;
    let marks = call.store().metadata_of(&[&guid]).await?;
    let mut answer = document(&call.base, &found, &metadata_in(&marks, &guid));
    include(&call, &query, (std::slice::from_ref(&found), &mut answer)).await?;
    ok(answer)
}

async fn change(call: Call, Path(guid): Path<String>, body: Body) -> Answer {
    let mut fields = body.fields();
    let patch = fields.metadata();
    fields.finish()?;
    let found = plan(&call, &guid).await?;
    call.need_admin()?;
    let mut tx = call.store().begin().await?;
    tx.write_metadata(&guid, &patch).await?;
    tx.commit().await?;
    let marks = call.store().metadata_of(&[&guid]).await?;
    ok(document(&call.base, &found, &metadata_in(&marks, &guid)))
}

/// A plan that the caller may see.
pub(super) async fn plan(call: &Call, guid: &str) -> Result<ServicePlan, ApiError> {
    let mut filters = vec![Filter::equals("t.guid", guid)];
    filters.extend(seen_by(call, PLAN));
    let found: Option<ServicePlan> = call.store().first(filters).await?;
    found.ok_or_else(|| ApiError::not_found("Service plan"))
}

async fn include(
    call: &Call,
    query: &Query,
    (plans, answer): (&[ServicePlan], &mut Value),
) -> Result<(), ApiError> {
    let brokers_too = query.text(BROKER_FIELDS).is_some();
    let offerings_too = query.includes("service_offering");
    if !brokers_too && !offerings_too {
        return Ok(());
    }
    let guids = plans.iter().map(|plan| &plan.offering_guid);
    let found: Vec<ServiceOffering> = call
        .store()
        .all(vec![Filter::within("t.guid", guids)])
        .await?;
    let mut brought = Map::new();
    if offerings_too {
        let marks = Metadata::default();
        let shown = found
            .iter()
            .map(|one| offerings::document(&call.base, one, &marks));
        brought.insert("service_offerings".to_owned(), shown.collect());
    }
    if brokers_too {
        let brokers = offerings::brokers_of(call, &found).await?;
        brought.insert("service_brokers".to_owned(), brokers);
    }
    included::put(answer, brought);
    Ok(())
}

fn document(base: &Base, plan: &ServicePlan, marks: &Metadata) -> Value {
    let own = format!("/v3/service_plans/{}", plan.guid);
    let offering = format!("/v3/service_offerings/{}", plan.offering_guid);
    let facts = &plan.facts;
    let schema = |of: &str| facts.schemas.get(of).cloned().unwrap_or_else(|| json!({}));
    json!({
        "guid": plan.guid,
        "name": plan.name,
        "description": plan.description,
        "available": plan.available,
        "visibility_type": plan.visibility.as_str(),
        "free": facts.free,
        "costs": costs(&facts.metadata),
        "maintenance_info": facts.maintenance_info.clone().unwrap_or_default(),
        "broker_catalog": {
            "id": plan.catalog_id,
            "metadata": facts.metadata,
            "maximum_polling_duration": facts.maximum_polling_duration,
            "features": {
                "bindable": facts.bindable,
                "plan_updateable": facts.plan_updateable,
            },
        },
        "schemas": {
            "service_instance": schema("service_instance"),
            "service_binding": schema("service_binding"),
        },
        "created_at": rfc3339(plan.created_at),
        "updated_at": rfc3339(plan.updated_at),
        "relationships": { "service_offering": { "data": { "guid": plan.offering_guid } } },
        "metadata": marks.document(),
        "links": {
            "self": base.link(&own),
            "service_offering": base.link(&offering),
            "visibility": base.link(&format!("{own}/visibility")),
        },
    })
}

/// What brokers say that it costs: `{"amount": {"usd": 9.5}, "unit": "MONTHLY"}` each.
fn costs(metadata: &Map<String, Value>) -> Value {
    let mut costs = Vec::new();
    let listed = metadata.get("costs").and_then(Value::as_array);
    for cost in listed.into_iter().flatten() {
        let (amounts, unit) = (cost.get("amount"), cost.get("unit"));
        for (currency, amount) in amounts.and_then(Value::as_object).into_iter().flatten() {
            if amount.is_number() && unit.is_some_and(Value::is_string) {
                let currency = currency.to_uppercase();
                costs.push(json!({ "amount": amount, "currency": currency, "unit": unit }));
            }
        }
    }
    Value::Array(costs)
}

const OFFERING_NAMES: &str =
    "t.offering_guid IN (SELECT guid FROM service_offerings WHERE name IN ";
const BROKER_GUIDS: &str =
    "t.offering_guid IN (SELECT guid FROM service_offerings WHERE broker_guid IN ";
const BROKER_NAMES: &str = "t.offering_guid IN (SELECT o.guid FROM service_offerings o \
    JOIN service_brokers b ON b.guid = o.broker_guid WHERE b.name IN ";
const INSTANCE_GUIDS: &str = "t.guid IN (SELECT plan_guid FROM service_instances WHERE guid IN ";
const BROKER_FIELDS: &str = "fields[service_offering.service_broker]";
const INCLUDES: &[&str] = &["service_offering", "space.organization"];

const FILTERS: &[&str] = &[
    "names",
    "available",
    "broker_catalog_ids",
    "include",
    "organization_guids",
    "service_broker_guids",
    "service_broker_names",
    "service_instance_guids",
    "service_offering_guids",
    "service_offering_names",
    "space_guids",
    BROKER_FIELDS,
];
