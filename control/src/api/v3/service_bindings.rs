//! Credential bindings: what applications and key holders get of a service.

use axum::extract::Path;
use serde_json::{Map, Value, json};

use super::reach::metadata_in;
use super::service_documents::last_operation;
use super::service_make::parameters_in;
use super::service_orders::{busy, check_idle, unbind};
use super::service_rules;
use crate::api::listing::BY_NAME;
use crate::api::{
    Answer, ApiError, Base, Body, Call, Code, JobOutcome, Metadata, MetadataPatch, Need, Routes,
    created, no_content, ok, rfc3339,
};
use crate::model::{App, BindingKind, ServiceBinding, ServiceInstance};
use crate::store::{Filter, Page};

pub(super) fn routes() -> Routes {
    Routes::new("Services")
        .get("/v3/service_credential_bindings", "Lists bindings", list)
        .post(
            "/v3/service_credential_bindings",
            "Binds an application, or makes a key",
            create,
        )
        .get(
            "/v3/service_credential_bindings/{guid}",
            "Shows a binding",
            show,
        )
        .patch(
            "/v3/service_credential_bindings/{guid}",
            "Changes the marks of a binding",
            change,
        )
        .delete(
            "/v3/service_credential_bindings/{guid}",
            "Removes a binding",
            delete,
        )
        .get(
            "/v3/service_credential_bindings/{guid}/details",
            "Shows the credentials of a binding",
            details,
        )
        .get(
            "/v3/service_credential_bindings/{guid}/parameters",
            "Shows what a broker was told when it made a binding",
            parameters,
        )
}

async fn list(call: Call) -> Answer {
    let mut listing = call.listing(FILTERS, BY_NAME)?;
    listing.query.check_includes(&["app", "service_instance"])?;
    listing.within("type", "t.type");
    listing.within("names", "t.name");
    listing.within("app_guids", "t.app_guid");
    listing.within("service_instance_guids", "t.instance_guid");
    listing.within_sql(
        "service_instance_names",
        "t.instance_guid IN (SELECT guid FROM service_instances WHERE name IN ",
        ")",
    );
    listing.within_sql(
        "app_names",
        "t.app_guid IN (SELECT guid FROM apps WHERE name IN ",
        ")",
    );
    for (parameter, before) in OF_PLANS {
        listing.within_sql(parameter, before, "))");
    }
    call.keep_visible_services(&mut listing);
    let page = call.page::<ServiceBinding>(&listing).await?;
    let guids: Vec<&str> = page.items.iter().map(|binding| &*binding.guid).collect();
    let marks = call.store().metadata_of(&guids).await?;
    let mut answer = listing.document(&call.base, &page, |binding| {
        document(&call.base, binding, &metadata_in(&marks, &binding.guid))
    });
    let mut included = Map::new();
    if listing.query.includes("app") {
        included.insert("apps".to_owned(), apps_of(&call, &page).await?);
    }
    if listing.query.includes("service_instance") {
        included.insert(
            "service_instances".to_owned(),
            services_of(&call, &page).await?,
        );
    }
    if !included.is_empty() {
        super::included::put(&mut answer, included);
    }
    ok(answer)
}

async fn apps_of(call: &Call, page: &Page<ServiceBinding>) -> Result<Value, ApiError> {
    let guids = page
        .items
        .iter()
        .filter_map(|binding| binding.app_guid.as_ref());
    let apps: Vec<App> = call
        .store()
        .all(vec![Filter::within("t.guid", guids)])
        .await?;
    let marks = Metadata::default();
    let shown = apps
        .iter()
        .map(|app| super::apps::document(&call.base, app, &marks));
    Ok(shown.collect())
}

async fn services_of(call: &Call, page: &Page<ServiceBinding>) -> Result<Value, ApiError> {
    let guids = page.items.iter().map(|binding| &binding.instance_guid);
    let services: Vec<ServiceInstance> = call
        .store()
        .all(vec![Filter::within("t.guid", guids)])
        .await?;
    let show = |service: &ServiceInstance| json!({ "guid": service.guid, "name": service.name, "type": service.kind.as_str() });
    Ok(services.iter().map(show).collect())
}

/// What a body says that is to be bound.
struct Asked {
    kind: String,
    name: Option<String>,
    parameters: Option<Map<String, Value>>,
    strategy: String,
    service: String,
    app: Option<String>,
    patch: MetadataPatch,
}

impl Asked {
    fn read(body: &Body) -> Result<Self, ApiError> {
        let mut fields = body.fields();
        let kind = fields.required_text("type");
        let name = fields.text("name").filter(|name| !name.is_empty());
        let parameters = parameters_in(&mut fields);
        let strategy = fields.text("strategy").unwrap_or_default();
        if !["", "single", "multiple"].contains(&strategy.as_str()) {
            fields.problem_of("strategy", "must be 'single' or 'multiple'");
        }
        let relationships = fields.nested("relationships", |inner| {
            (
                inner.required_one("service_instance"),
                inner.one("app").flatten(),
            )
        });
        let (service, app) = relationships.unwrap_or_default();
        match BindingKind::parse(&kind) {
            Some(BindingKind::App) if app.is_none() => {
                fields.problem("Relationships app can't be blank");
            }
            Some(BindingKind::Key) if name.is_none() => fields.problem("Name can't be blank"),
            None if !kind.is_empty() => fields.problem("Type must be 'app' or 'key'"),
            Some(BindingKind::App | BindingKind::Key) | None => {}
        }
        if service.is_empty() {
            fields.problem("Relationships service_instance can't be blank");
        }
        let patch = fields.metadata();
        fields.finish()?;
        Ok(Self {
            kind,
            name,
            parameters,
            strategy,
            service,
            app,
            patch,
        })
    }
}

async fn create(call: Call, body: Body) -> Answer {
    let asked = Asked::read(&body)?;
    let service = named_service(&call, &asked.service).await?;
    let app = match &asked.app {
        Some(guid) if asked.kind == BindingKind::App.as_str() => Some(call.named_app(guid).await?),
        Some(_) | None => None,
    };
    if app
        .as_ref()
        .is_some_and(|app| app.space_guid != service.space_guid)
    {
        return Err(ApiError::unprocessable(
            "The service instance and the app are in different spaces",
        ));
    }
    let wanted = service_rules::Wanted {
        app,
        name: asked.name,
        parameters: asked.parameters,
        once: asked.strategy != "multiple",
        job: "",
    };
    let source = service_rules::Source::of(&call, service).await?;
    let mut tx = call.store().begin().await?;
    let (binding, job) = service_rules::bind(&call, &mut tx, &source, &wanted).await?;
    tx.write_metadata(&binding.guid, &asked.patch).await?;
    if let (Some(app), None) = (&wanted.app, &job) {
        let data = json!({ "service_binding_guid": binding.guid,
            "service_instance_guid": binding.instance_guid });
        call.record(&mut tx, "audit.service_binding.create", app, data)
            .await?;
    }
    tx.commit().await?;
    let Some(job) = job else {
        return created(shown(&call, &binding).await?);
    };
    call.api.services().nudge();
    Ok(call.accepted(&job))
}

async fn named_service(call: &Call, guid: &str) -> Result<ServiceInstance, ApiError> {
    match call.service(guid, Need::Write).await {
        Err(refused) if refused.code() == Code::ResourceNotFound => {
            Err(ApiError::unprocessable(format!(
                "The service instance could not be found: {}.",
                guid.escape_debug()
            )))
        }
        other => other,
    }
}

async fn show(call: Call, Path(guid): Path<String>) -> Answer {
    let (_, binding) = call.binding(&guid, Need::Read).await?;
    ok(shown(&call, &binding).await?)
}

async fn details(call: Call, Path(guid): Path<String>) -> Answer {
    let (_, binding) = call.binding(&guid, Need::Write).await?;
    ok(json!({
        "credentials": binding.credentials,
        "syslog_drain_url": binding.syslog_drain_url,
        "volume_mounts": binding.volume_mounts,
    }))
}

async fn parameters(call: Call, Path(guid): Path<String>) -> Answer {
    let (service, binding) = call.binding(&guid, Need::Write).await?;
    let offer = match &service.plan_guid {
        Some(plan) => call.store().offer(plan).await?,
        None => None,
    };
    let retrievable = offer.filter(|offer| offer.offering.facts.bindings_retrievable);
    let Some(offer) = retrievable else {
        let words = "This service does not support fetching service binding parameters.";
        return Err(ApiError::new(Code::ParametersNotSupported, words));
    };
    if binding.last_operation.is_running() {
        return Err(busy(&service));
    }
    let told = call.api.services().parameters(
        &offer.broker,
        (&service.guid, Some(&binding.guid)),
        call.caller.guid(),
    );
    let told = told.await.map_err(|fault| ApiError::broker(&fault))?;
    ok(Value::Object(told))
}

async fn change(call: Call, Path(guid): Path<String>, body: Body) -> Answer {
    let mut fields = body.fields();
    let patch = fields.metadata();
    fields.finish()?;
    let (_, binding) = call.binding(&guid, Need::Write).await?;
    let mut tx = call.store().begin().await?;
    tx.write_metadata(&binding.guid, &patch).await?;
    tx.commit().await?;
    ok(shown(&call, &binding).await?)
}

async fn delete(call: Call, Path(guid): Path<String>) -> Answer {
    let (service, binding) = call.binding(&guid, Need::Write).await?;
    let offer = match &service.plan_guid {
        Some(plan) => call.store().offer(plan).await?,
        None => None,
    };
    let mut tx = call.store().begin().await?;
    let Some(offer) = offer else {
        tx.delete_binding(&binding.guid).await?;
        tx.delete_metadata(&binding.guid).await?;
        tx.commit().await?;
        return no_content();
    };
    let held = tx.hold_service(&service.guid).await?;
    let service = held.ok_or_else(|| ApiError::not_found("Service credential binding"))?;
    check_idle(&mut tx, &service).await?;
    let running = tx.operations_of_service(&service.guid).await?;
    if running.iter().any(|one| one.binding_guid == guid) {
        return Err(busy(&service));
    }
    let job = call.guid();
    unbind(&call, &mut tx, (&offer, &service, binding), &job).await?;
    let begun = JobOutcome::Processing;
    begun
        .write(&mut tx, &job, "service_bindings.delete", call.now)
        .await?;
    tx.commit().await?;
    call.api.services().nudge();
    Ok(call.accepted(&job))
}

async fn shown(call: &Call, binding: &ServiceBinding) -> Result<Value, ApiError> {
    let marks = call.store().metadata_of(&[&binding.guid]).await?;
    Ok(document(
        &call.base,
        binding,
        &metadata_in(&marks, &binding.guid),
    ))
}

fn document(base: &Base, binding: &ServiceBinding, marks: &Metadata) -> Value {
    let own = format!("/v3/service_credential_bindings/{}", binding.guid);
    let service = format!("/v3/service_instances/{}", binding.instance_guid);
    let mut relationships = Map::new();
    let instance = json!({ "data": { "guid": binding.instance_guid } });
    relationships.insert("service_instance".to_owned(), instance);
    if let Some(app) = &binding.app_guid {
        relationships.insert("app".to_owned(), json!({ "data": { "guid": app } }));
    }
    json!({
        "guid": binding.guid,
        "name": binding.name,
        "type": binding.kind.as_str(),
        "last_operation": last_operation(&binding.last_operation, rfc3339(binding.updated_at)),
        "created_at": rfc3339(binding.created_at),
        "updated_at": rfc3339(binding.updated_at),
        "relationships": relationships,
        "metadata": marks.document(),
        "links": {
            "self": base.link(&own),
            "details": base.link(&format!("{own}/details")),
            "parameters": base.link(&format!("{own}/parameters")),
            "service_instance": base.link(&service),
        },
    })
}

const FILTERS: &[&str] = &[
    "type",
    "names",
    "app_guids",
    "app_names",
    "service_instance_guids",
    "service_instance_names",
    "service_offering_guids",
    "service_offering_names",
    "service_plan_guids",
    "service_plan_names",
    "include",
];

/// What a list is narrowed to by the plans and offerings of services.
const OF_PLANS: [(&str, &str); 4] = [
    (
        "service_offering_guids",
        "t.instance_guid IN (SELECT i.guid FROM service_instances i JOIN service_plans p \
         ON p.guid = i.plan_guid WHERE (p.offering_guid IN ",
    ),
    (
        "service_offering_names",
        "t.instance_guid IN (SELECT i.guid FROM service_instances i JOIN service_plans p \
         ON p.guid = i.plan_guid JOIN service_offerings o ON o.guid = p.offering_guid \
         WHERE (o.name IN ",
    ),
    (
        "service_plan_guids",
        "t.instance_guid IN (SELECT guid FROM service_instances WHERE (plan_guid IN ",
    ),
    (
        "service_plan_names",
        "t.instance_guid IN (SELECT i.guid FROM service_instances i JOIN service_plans p \
         ON p.guid = i.plan_guid WHERE (p.name IN ",
    ),
];
