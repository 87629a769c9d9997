//! Services that users provide: create, list, show, change, delete.

use axum::extract::Path;
use serde_json::{Map, Value, json};

use super::reach::{fresh_guid, metadata_in};
use crate::api::listing::BY_NAME;
use crate::api::{
    Answer, ApiError, Base, Body, Call, Fields, Metadata, Need, Routes, created, no_content, ok,
    rfc3339,
};
use crate::model::{Operation, ServiceInstance, ServiceKind};
use crate::store::{Filter, StoreError};

pub(super) fn routes() -> Routes {
    Routes::new("Services")
        .get("/v3/service_instances", "Lists services", list)
        .post("/v3/service_instances", "Makes a service", create)
        .get("/v3/service_instances/{guid}", "Shows a service", show)
        .patch("/v3/service_instances/{guid}", "Changes a service", change)
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
            "/v3/service_instances/{guid}/relationships/shared_spaces",
            "Lists the spaces that a service is shared with",
            shared_spaces,
        )
}

async fn list(call: Call) -> Answer {
    let mut listing = call.listing(FILTERS, BY_NAME)?;
    listing.within("names", "t.name");
    listing.within("space_guids", "t.space_guid");
    listing.within("type", "t.type");
    listing.within_sql(
        "organization_guids",
        "t.space_guid IN (SELECT guid FROM spaces WHERE organization_guid IN ",
        ")",
    );
    for of_plans in ["service_plan_guids", "service_plan_names"] {
        // What users provide has no plan.
        if listing.query.values(of_plans).is_some() {
            listing.keep(Filter::sql("1 = 0"));
        }
    }
    call.keep_visible_spaces(&mut listing);
    let page = call.page::<ServiceInstance>(&listing).await?;
    let guids: Vec<&str> = page.items.iter().map(|service| &*service.guid).collect();
    let marks = call.store().metadata_of(&guids).await?;
    let mut answer = listing.document(&call.base, &page, |service| {
        document(&call.base, service, &metadata_in(&marks, &service.guid))
    });
    if listing.query.text("fields[service_plan]").is_some() {
        let mut included = Map::new();
        for kind in ["service_plans", "service_offerings", "service_brokers"] {
            included.insert(kind.to_owned(), json!([]));
        }
        super::included::put(&mut answer, included);
    }
    ok(answer)
}

/// What a body says that a user provides.
#[derive(Default)]
struct Provided {
    credentials: Option<Map<String, Value>>,
    syslog_drain_url: Option<Option<String>>,
    route_service_url: Option<Option<String>>,
    tags: Option<Vec<String>>,
}

fn read(fields: &mut Fields<'_>) -> Provided {
    let credentials = match fields.value("credentials") {
        None => None,
        Some(Value::Null) => Some(Map::new()),
        Some(Value::Object(map)) => Some(map.clone()),
        Some(_) => {
            fields.problem_of("credentials", "must be an object");
            None
        }
    };
    let drain = fields.nullable_text("syslog_drain_url");
    let route = fields.nullable_text("route_service_url");
    if let Some(Some(url)) = &drain
        && !url.is_empty()
        && url::Url::parse(url).is_err()
    {
        fields.problem_of("syslog_drain_url", "must be a valid URI");
    }
    if let Some(Some(url)) = &route
        && !url.is_empty()
        && !url.starts_with("https://")
    {
        fields.problem_of("route_service_url", "must be https");
    }
    let named = |url: Option<String>| url.filter(|url| !url.is_empty());
    Provided {
        credentials,
        syslog_drain_url: drain.map(named),
        route_service_url: route.map(named),
        tags: fields.texts("tags"),
    }
}

impl Provided {
    fn put(self, service: &mut ServiceInstance) {
        if let Some(credentials) = self.credentials {
            service.credentials = credentials;
        }
        if let Some(url) = self.syslog_drain_url {
            service.syslog_drain_url = url;
        }
        if let Some(url) = self.route_service_url {
            service.route_service_url = url;
        }
        if let Some(tags) = self.tags {
            service.tags = tags;
        }
    }
}

async fn create(call: Call, body: Body) -> Answer {
    let mut fields = body.fields();
    let kind = fields.required_text("type");
    let name = fields.required_name("name");
    let provided = read(&mut fields);
    let _parameters = fields.value("parameters");
    let relationships = fields.nested("relationships", |inner| {
        (inner.required_one("space"), inner.one("service_plan"))
    });
    if relationships.is_none() {
        fields.problem_of("relationships", "can't be blank");
    }
    if !kind.is_empty() && ServiceKind::parse(&kind).is_none() {
        fields.problem("Type must be one of 'managed', 'user-provided'");
    }
    let patch = fields.metadata();
    fields.finish()?;
    let (space_guid, _plan) = relationships.unwrap_or_default();
    let space = call.named_space(&space_guid).await?;
    if ServiceKind::parse(&kind) == Some(ServiceKind::Managed) {
        return Err(ApiError::unprocessable(
            "Invalid service plan. Ensure that the service plan exists, is available, and you have \
             access to it.",
        ));
    }
    let mut service = ServiceInstance {
        guid: fresh_guid(),
        name,
        space_guid: space.guid.clone(),
        kind: ServiceKind::UserProvided,
        credentials: Map::new(),
        syslog_drain_url: None,
        route_service_url: None,
        tags: Vec::new(),
        last_operation: Operation::succeeded("create"),
        created_at: call.now,
        updated_at: call.now,
    };
    provided.put(&mut service);
    let mut tx = call.store().begin().await?;
    tx.insert_service(&service)
        .await
        .map_err(|error| name_taken(error, &service.name))?;
    tx.write_metadata(&service.guid, &patch).await?;
    let event = call.event("audit.user_provided_service_instance.create");
    let event = event.target(
        "user_provided_service_instance",
        &service.guid,
        &service.name,
    );
    event.space(&space).write(&mut tx).await?;
    tx.commit().await?;
    created(shown(&call, &service).await?)
}

async fn show(call: Call, Path(guid): Path<String>) -> Answer {
    let service = call.service(&guid, Need::Read).await?;
    ok(shown(&call, &service).await?)
}

async fn change(call: Call, Path(guid): Path<String>, body: Body) -> Answer {
    let mut fields = body.fields();
    let name = fields.name("name");
    let provided = read(&mut fields);
    let patch = fields.metadata();
    fields.finish()?;
    let mut service = call.service(&guid, Need::Write).await?;
    provided.put(&mut service);
    if let Some(name) = name {
        service.name = name;
    }
    service.last_operation = Operation::succeeded("update");
    service.updated_at = call.now;
    let mut tx = call.store().begin().await?;
    tx.update_service(&service)
        .await
        .map_err(|error| name_taken(error, &service.name))?;
    tx.write_metadata(&service.guid, &patch).await?;
    tx.commit().await?;
    ok(shown(&call, &service).await?)
}

async fn delete(call: Call, Path(guid): Path<String>) -> Answer {
    let service = call.service(&guid, Need::Write).await?;
    let space = call
        .space(&service.space_guid, Need::Write, "Service instance")
        .await?;
    let mut tx = call.store().begin().await?;
    tx.delete_service(&service.guid).await?;
    tx.delete_metadata(&service.guid).await?;
    let event = call.event("audit.user_provided_service_instance.delete");
    let event = event.target(
        "user_provided_service_instance",
        &service.guid,
        &service.name,
    );
    event.space(&space).write(&mut tx).await?;
    tx.commit().await?;
    no_content()
}

async fn credentials(call: Call, Path(guid): Path<String>) -> Answer {
    let service = call.service(&guid, Need::Write).await?;
    ok(Value::Object(service.credentials))
}

async fn shared_spaces(call: Call, Path(guid): Path<String>) -> Answer {
    let _service = call.service(&guid, Need::Read).await?;
    let own = format!("/v3/service_instances/{guid}/relationships/shared_spaces");
    ok(json!({ "data": [], "links": { "self": call.base.link(&own) } }))
}

fn name_taken(error: StoreError, name: &str) -> ApiError {
    match error {
        StoreError::Taken => {
            ApiError::unprocessable(format!("The service instance name is taken: {name}."))
        }
        other => other.into(),
    }
}

async fn shown(call: &Call, service: &ServiceInstance) -> Result<Value, ApiError> {
    let marks = call.store().metadata_of(&[&service.guid]).await?;
    Ok(document(
        &call.base,
        service,
        &metadata_in(&marks, &service.guid),
    ))
}

fn document(base: &Base, service: &ServiceInstance, marks: &Metadata) -> Value {
    let own = format!("/v3/service_instances/{}", service.guid);
    let bindings = format!(
        "/v3/service_credential_bindings?service_instance_guids={}",
        service.guid
    );
    json!({
        "guid": service.guid,
        "name": service.name,
        "type": service.kind.as_str(),
        "tags": service.tags,
        "syslog_drain_url": service.syslog_drain_url,
        "route_service_url": service.route_service_url,
        "last_operation": {
            "type": service.last_operation.kind,
            "state": service.last_operation.state,
            "description": service.last_operation.description,
            "created_at": rfc3339(service.updated_at),
            "updated_at": rfc3339(service.updated_at),
        },
        "created_at": rfc3339(service.created_at),
        "updated_at": rfc3339(service.updated_at),
        "relationships": { "space": { "data": { "guid": service.space_guid } } },
        "metadata": marks.document(),
        "links": {
            "self": base.link(&own),
            "space": base.link(&format!("/v3/spaces/{}", service.space_guid)),
            "credentials": base.link(&format!("{own}/credentials")),
            "service_credential_bindings": base.link(&bindings),
        },
    })
}

const FILTERS: &[&str] = &[
    "names",
    "space_guids",
    "organization_guids",
    "type",
    "service_plan_guids",
    "service_plan_names",
    "fields[service_plan]",
    "fields[service_plan.service_offering]",
    "fields[service_plan.service_offering.service_broker]",
    "fields[space]",
    "fields[space.organization]",
];
