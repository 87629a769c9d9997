//! Credential bindings: what applications and key holders get of a service.

use axum::extract::Path;
use serde_json::{Map, Value, json};

use super::reach::metadata_in;
use super::service_rules;
use crate::api::listing::BY_NAME;
use crate::api::{
    Answer, ApiError, Base, Body, Call, Code, Metadata, Need, Routes, created, no_content, ok,
    rfc3339,
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

async fn create(call: Call, body: Body) -> Answer {
    let mut fields = body.fields();
    let kind = fields.required_text("type");
    let name = fields.text("name").filter(|name| !name.is_empty());
    let _parameters = fields.value("parameters");
    if !matches!(fields.text("strategy").as_deref(), None | Some("single")) {
        fields.problem_of("strategy", "must be 'single'");
    }
    let relationships = fields.nested("relationships", |inner| {
        (
            inner.required_one("service_instance"),
            inner.one("app").flatten(),
        )
    });
    let (service_guid, app_guid) = relationships.unwrap_or_default();
    match BindingKind::parse(&kind) {
        Some(BindingKind::App) if app_guid.is_none() => {
            fields.problem("Relationships app can't be blank");
        }
        Some(BindingKind::Key) if name.is_none() => fields.problem("Name can't be blank"),
        None if !kind.is_empty() => fields.problem("Type must be 'app' or 'key'"),
        Some(BindingKind::App | BindingKind::Key) | None => {}
    }
    if service_guid.is_empty() {
        fields.problem("Relationships service_instance can't be blank");
    }
    let patch = fields.metadata();
    fields.finish()?;
    let service = named_service(&call, &service_guid).await?;
    let app = match &app_guid {
        Some(guid) if kind == BindingKind::App.as_str() => Some(call.named_app(guid).await?),
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
    let app_guid = app.as_ref().map(|app| app.guid.as_str());
    let binding = service_rules::new_binding(&call, &service, app_guid, name);
    let mut tx = call.store().begin().await?;
    service_rules::insert(&mut tx, &binding).await?;
    tx.write_metadata(&binding.guid, &patch).await?;
    if let Some(app) = &app {
        let data = json!({ "service_binding_guid": binding.guid,
            "service_instance_guid": service.guid });
        call.record(&mut tx, "audit.service_binding.create", app, data)
            .await?;
    }
    tx.commit().await?;
    created(shown(&call, &binding).await?)
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
        "volume_mounts": [],
    }))
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
    let (_, binding) = call.binding(&guid, Need::Write).await?;
    let mut tx = call.store().begin().await?;
    tx.delete_binding(&binding.guid).await?;
    tx.delete_metadata(&binding.guid).await?;
    tx.commit().await?;
    no_content()
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
        "last_operation": {
            "type": binding.last_operation.kind,
            "state": binding.last_operation.state,
            "description": null,
            "created_at": rfc3339(binding.created_at),
            "updated_at": rfc3339(binding.updated_at),
        },
        "created_at": rfc3339(binding.created_at),
        "updated_at": rfc3339(binding.updated_at),
        "relationships": relationships,
        "metadata": marks.document(),
        "links": {
            "self": base.link(&own),
            "details": base.link(&format!("{own}/details")),
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
    "include",
];
