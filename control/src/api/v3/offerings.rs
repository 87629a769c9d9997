//! Offerings: what brokers offer, as their catalogues say.

use axum::extract::Path;
use serde_json::{Value, json};

use super::reach::metadata_in;
use super::service_leftovers;
use super::service_sight::{OFFERING, keep_offered, seen_by};
use crate::api::listing::BY_NAME;
use crate::api::{Answer, ApiError, Base, Body, Call, Metadata, Routes, no_content, ok, rfc3339};
use crate::model::{ServiceBroker, ServiceInstance, ServiceOffering};
use crate::store::Filter;

pub(super) fn routes() -> Routes {
    Routes::new("Services")
        .get("/v3/service_offerings", "Lists what brokers offer", list)
        .get(
            "/v3/service_offerings/{guid}",
            "Shows what a broker offers",
            show,
        )
        .patch(
            "/v3/service_offerings/{guid}",
            "Changes the marks of an offering",
            change,
        )
        .delete(
            "/v3/service_offerings/{guid}",
            "Removes an offering, on demand with its services and without a word to its broker",
            delete,
        )
}

async fn list(call: Call) -> Answer {
    let mut listing = call.listing(FILTERS, BY_NAME)?;
    listing.within("names", "t.name");
    listing.within("service_broker_guids", "t.broker_guid");
    listing.within_sql(
        "service_broker_names",
        "t.broker_guid IN (SELECT guid FROM service_brokers WHERE name IN ",
        ")",
    );
    keep_offered(&call, &mut listing, OFFERING)?;
    let page = call.page::<ServiceOffering>(&listing).await?;
    let guids: Vec<&str> = page.items.iter().map(|one| &*one.guid).collect();
    let marks = call.store().metadata_of(&guids).await?;
    let mut answer = listing.document(&call.base, &page, |one| {
        document(&call.base, one, &metadata_in(&marks, &one.guid))
    });
    if listing.query.text("fields[service_broker]").is_some() {
        let brokers = brokers_of(&call, &page.items).await?;
        let mut included = serde_json::Map::new();
        included.insert("service_brokers".to_owned(), brokers);
        super::included::put(&mut answer, included);
    }
    ok(answer)
}

async fn show(call: Call, Path(guid): Path<String>) -> Answer {
    let query = call.query(&["fields[service_broker]"])?;
    let found = offering(&call, &guid).await?;
    let marks = call.store().metadata_of(&[&guid]).await?;
    let mut answer = document(&call.base, &found, &metadata_in(&marks, &guid));
    if query.text("fields[service_broker]").is_some() {
        let brokers = brokers_of(&call, std::slice::from_ref(&found)).await?;
        let mut included = serde_json::Map::new();
        included.insert("service_brokers".to_owned(), brokers);
        super::included::put(&mut answer, included);
    }
    ok(answer)
}

async fn change(call: Call, Path(guid): Path<String>, body: Body) -> Answer {
    let mut fields = body.fields();
    let patch = fields.metadata();
    fields.finish()?;
    let found = offering(&call, &guid).await?;
    call.need_admin()?;
    let mut tx = call.store().begin().await?;
    tx.write_metadata(&guid, &patch).await?;
    tx.commit().await?;
    let marks = call.store().metadata_of(&[&guid]).await?;
    ok(document(&call.base, &found, &metadata_in(&marks, &guid)))
}

async fn delete(call: Call, Path(guid): Path<String>) -> Answer {
    let purge = call.query(&["purge"])?.flag("purge")? == Some(true);
    let found = offering(&call, &guid).await?;
    call.need_admin()?;
    let mut tx = call.store().begin().await?;
    let of_offering =
        Filter::sql("t.plan_guid IN (SELECT guid FROM service_plans WHERE offering_guid = ")
            .value(&guid)
            .then(")");
    let services: Vec<ServiceInstance> = tx.all(vec![of_offering]).await?;
    if !purge && !services.is_empty() {
        return Err(ApiError::unprocessable(
            "Service offering cannot be deleted: it has service instances",
        ));
    }
    for service in services {
        service_leftovers::forget(&call, &mut tx, ("service", &service.guid)).await?;
        tx.delete_service(&service.guid).await?;
        tx.delete_metadata(&service.guid).await?;
    }
    tx.delete_offering(&guid).await?;
    tx.delete_metadata(&guid).await?;
    let event = call.event("audit.service.delete");
    event
        .target("service", &guid, &found.name)
        .write(&mut tx)
        .await?;
    tx.commit().await?;
    no_content()
}

async fn offering(call: &Call, guid: &str) -> Result<ServiceOffering, ApiError> {
    let mut filters = vec![Filter::equals("t.guid", guid)];
    filters.extend(seen_by(call, OFFERING));
    let found: Option<ServiceOffering> = call.store().first(filters).await?;
    found.ok_or_else(|| ApiError::not_found("Service offering"))
}

/// The brokers of offerings, with their names.
pub(super) async fn brokers_of(
    call: &Call,
    offerings: &[ServiceOffering],
) -> Result<Value, ApiError> {
    let guids = offerings.iter().map(|one| &one.broker_guid);
    let brokers: Vec<ServiceBroker> = call
        .store()
        .all(vec![Filter::within("t.guid", guids)])
        .await?;
    let shown = brokers
        .iter()
        .map(|broker| json!({ "guid": broker.guid, "name": broker.name }));
    Ok(shown.collect())
}

/// An offering as clients see it.
pub(super) fn document(base: &Base, offering: &ServiceOffering, marks: &Metadata) -> Value {
    let own = format!("/v3/service_offerings/{}", offering.guid);
    let plans = format!("/v3/service_plans?service_offering_guids={}", offering.guid);
    let broker = format!("/v3/service_brokers/{}", offering.broker_guid);
    let facts = &offering.facts;
    json!({
        "guid": offering.guid,
        "name": offering.name,
        "description": offering.description,
        "available": offering.available,
        "tags": facts.tags,
        "requires": facts.requires,
        "shareable": false,
        "documentation_url": facts.metadata.get("documentationUrl"),
        "broker_catalog": {
            "id": offering.catalog_id,
            "metadata": facts.metadata,
            "features": {
                "bindable": facts.bindable,
                "plan_updateable": facts.plan_updateable,
                "instances_retrievable": facts.instances_retrievable,
                "bindings_retrievable": facts.bindings_retrievable,
                "allow_context_updates": facts.allow_context_updates,
            },
        },
        "created_at": rfc3339(offering.created_at),
        "updated_at": rfc3339(offering.updated_at),
        "relationships": { "service_broker": { "data": { "guid": offering.broker_guid } } },
        "metadata": marks.document(),
        "links": {
            "self": base.link(&own),
            "service_plans": base.link(&plans),
            "service_broker": base.link(&broker),
        },
    })
}

const FILTERS: &[&str] = &[
    "names",
    "available",
    "service_broker_guids",
    "service_broker_names",
    "space_guids",
    "organization_guids",
    "fields[service_broker]",
];
