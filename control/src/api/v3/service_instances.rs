//! Services: list, show, remove, and what their brokers say of them.

use axum::extract::Path;
use serde_json::{Value, json};

use super::reach::metadata_in;
use super::service_documents::{FIELDS, document, included, plans_of, shown};
use super::service_orders::{busy, on_service, place, unbind};
use super::{service_leftovers, service_make};
use crate::api::listing::BY_NAME;
use crate::api::{Answer, ApiError, Call, Code, Need, Routes, no_content, ok};
use crate::model::{Offer, Operation, OperationKind, ServiceInstance, ServiceKind};
use crate::store::{Space, Tx};

pub(super) fn routes() -> Routes {
    Routes::new("Services")
        .get("/v3/service_instances", "Lists services", list)
        .post(
            "/v3/service_instances",
            "Makes a service",
            service_make::create,
        )
        .get("/v3/service_instances/{guid}", "Shows a service", show)
        .patch(
            "/v3/service_instances/{guid}",
            "Changes a service",
            service_make::change,
        )
        .delete(
            "/v3/service_instances/{guid}",
            "Removes a service and its bindings",
            delete,
        )
        .get(
            "/v3/service_instances/{guid}/credentials",
            "Shows what bound applications get",
            credentials,
        )
        .get(
            "/v3/service_instances/{guid}/parameters",
            "Shows what a broker was told when it made a service",
            parameters,
        )
        .get(
            "/v3/service_instances/{guid}/relationships/shared_spaces",
            "Lists the spaces that a service is shared with",
            shared_spaces,
        )
}

async fn list(call: Call) -> Answer {
    let known: Vec<&str> = FILTERS.iter().chain(&FIELDS).copied().collect();
    let mut listing = call.listing(&known, BY_NAME)?;
    listing.within("names", "t.name");
    listing.within("space_guids", "t.space_guid");
    listing.within("type", "t.type");
    listing.within("service_plan_guids", "t.plan_guid");
    listing.within_sql(
        "service_plan_names",
        "t.plan_guid IN (SELECT guid FROM service_plans WHERE name IN ",
        ")",
    );
    listing.within_sql(
        "organization_guids",
        "t.space_guid IN (SELECT guid FROM spaces WHERE organization_guid IN ",
        ")",
    );
    call.keep_visible_spaces(&mut listing);
    let page = call.page::<ServiceInstance>(&listing).await?;
    let guids: Vec<&str> = page.items.iter().map(|service| &*service.guid).collect();
    let marks = call.store().metadata_of(&guids).await?;
    let plans = plans_of(&call, &page.items).await?;
    let mut answer = listing.document(&call.base, &page, |service| {
        let plan = plans
            .iter()
            .find(|plan| Some(&plan.guid) == service.plan_guid.as_ref());
        let marks = metadata_in(&marks, &service.guid);
        document(&call.base, (service, plan), &marks)
    });
    let brought = included(&call, &listing.query, (&page.items, &plans)).await?;
    if !brought.is_empty() {
        super::included::put(&mut answer, brought);
    }
    ok(answer)
}

async fn show(call: Call, Path(guid): Path<String>) -> Answer {
    let query = call.query(&FIELDS)?;
    let service = call.service(&guid, Need::Read).await?;
    let mut answer = shown(&call, &service).await?;
    let services = std::slice::from_ref(&service);
    let plans = plans_of(&call, services).await?;
    let brought = included(&call, &query, (services, &plans)).await?;
    if !brought.is_empty() {
        super::included::put(&mut answer, brought);
    }
    ok(answer)
}

async fn delete(call: Call, Path(guid): Path<String>) -> Answer {
    let purge = call.query(&["purge"])?.flag("purge")? == Some(true);
    let service = call.service(&guid, Need::Write).await?;
    let space = call
        .space(&service.space_guid, Need::Write, "Service instance")
        .await?;
    let offer = match &service.plan_guid {
        Some(plan) => call.store().offer(plan).await?,
        None => None,
    };
    let mut tx = call.store().begin().await?;
    let held = tx.hold_service(&guid).await?;
    let service = held.ok_or_else(|| ApiError::not_found("Service instance"))?;
    if let Some(offer) = offer.filter(|_| !purge) {
        return deprovision(&call, tx, (&service, &space, &offer)).await;
    }
    if service.kind == ServiceKind::Managed {
        call.need_admin()?;
        service_leftovers::forget(&call, &mut tx, ("service", &guid)).await?;
    }
    tx.delete_service(&service.guid).await?;
    tx.delete_metadata(&service.guid).await?;
    let (event, kind) = match service.kind {
        ServiceKind::Managed => ("audit.service_instance.purge", "service_instance"),
        ServiceKind::UserProvided => (
            "audit.user_provided_service_instance.delete",
            "user_provided_service_instance",
        ),
    };
    let event = call.event(event).target(kind, &service.guid, &service.name);
    event.space(&space).write(&mut tx).await?;
    tx.commit().await?;
    no_content()
}

/// Has the broker take back all bindings, and then the service.
async fn deprovision(
    call: &Call,
    mut tx: Tx,
    (service, space, offer): (&ServiceInstance, &Space, &Offer),
) -> Answer {
    let running = tx.operations_of_service(&service.guid).await?;
    if running.iter().any(|one| one.kind != OperationKind::Unbind) {
        return Err(busy(service));
    }
    for binding in tx.bindings_of_service(&service.guid).await? {
        if running.iter().all(|one| one.binding_guid != binding.guid) {
            unbind(call, &mut tx, (offer, service, binding), "").await?;
        }
    }
    let going = ServiceInstance {
        last_operation: Operation::begun("delete", call.now),
        updated_at: call.now,
        ..service.clone()
    };
    tx.update_service(&going).await?;
    let event = call.event("audit.service_instance.start_delete");
    let event = event.target("service_instance", &service.guid, &service.name);
    event.space(space).write(&mut tx).await?;
    let order = on_service(call, offer, (OperationKind::Deprovision, service));
    let job = place(call, &mut tx, order, "service_instance.delete").await?;
    tx.commit().await?;
    call.api.services().nudge();
    Ok(call.accepted(&job))
}

async fn credentials(call: Call, Path(guid): Path<String>) -> Answer {
    let service = call.service(&guid, Need::Write).await?;
    if service.kind == ServiceKind::Managed {
        return Err(ApiError::not_found("Service instance"));
    }
    ok(Value::Object(service.credentials))
}

async fn parameters(call: Call, Path(guid): Path<String>) -> Answer {
    let service = call.service(&guid, Need::Write).await?;
    let offer = match &service.plan_guid {
        Some(plan) => call.store().offer(plan).await?,
        None => None,
    };
    let retrievable = offer.filter(|offer| offer.offering.facts.instances_retrievable);
    let Some(offer) = retrievable else {
        let words = "This service does not support fetching service instance parameters.";
        return Err(ApiError::new(Code::ParametersNotSupported, words));
    };
    if service.last_operation.is_running() {
        return Err(busy(&service));
    }
    let told =
        call.api
            .services()
            .parameters(&offer.broker, (&service.guid, None), call.caller.guid());
    let told = told.await.map_err(|fault| ApiError::broker(&fault))?;
    ok(Value::Object(told))
}

async fn shared_spaces(call: Call, Path(guid): Path<String>) -> Answer {
    let _service = call.service(&guid, Need::Read).await?;
    let own = format!("/v3/service_instances/{guid}/relationships/shared_spaces");
    ok(json!({ "data": [], "links": { "self": call.base.link(&own) } }))
}

const FILTERS: &[&str] = &[
    "names",
    "space_guids",
    "organization_guids",
    "type",
    "service_plan_guids",
    "service_plan_names",
];
