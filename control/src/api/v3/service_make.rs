//! Services made and changed: by their users, or by brokers.

use axum::extract::Path;
use serde_json::{Map, Value, json};

use super::quota;
use super::reach::fresh_guid;
use super::service_documents::shown;
use super::service_orders::{Place, Wanted, busy, check_idle, place, provision, update};
use super::service_sight::named_plan;
use crate::api::{Answer, ApiError, Body, Call, Fields, MetadataPatch, Need, created, ok};
use crate::model::{Offer, Operation, ServiceInstance, ServiceKind};
use crate::store::{Space, StoreError};

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

/// Makes a service.
pub(super) async fn create(call: Call, body: Body) -> Answer {
    let mut fields = body.fields();
    let kind = fields.required_text("type");
    let name = fields.required_name("name");
    let kind = match ServiceKind::parse(&kind) {
        None if !kind.is_empty() => {
            fields.problem("Type must be one of 'managed', 'user-provided'");
            None
        }
        kind => kind,
    };
    let provided = match kind {
        Some(ServiceKind::UserProvided) => read(&mut fields),
        Some(ServiceKind::Managed) | None => Provided {
            tags: fields.texts("tags"),
            ..Provided::default()
        },
    };
    let parameters = match kind {
        Some(ServiceKind::UserProvided) => None,
        Some(ServiceKind::Managed) | None => parameters_in(&mut fields),
    };
    let relationships = fields.nested("relationships", |inner| {
        let space = inner.required_one("space");
        match kind {
            Some(ServiceKind::Managed) => (space, inner.required_one("service_plan")),
            Some(ServiceKind::UserProvided) | None => (space, String::new()),
        }
    });
    if relationships.is_none() {
        fields.problem_of("relationships", "can't be blank");
    }
    let patch = fields.metadata();
    fields.finish()?;
    let (space_guid, plan) = relationships.unwrap_or_default();
    let space = call.named_space(&space_guid).await?;
    check_quota(&call, &space).await?;
    let mut service = new_service(&call, name, &space);
    provided.put(&mut service);
    match kind {
        Some(ServiceKind::Managed) => {
            let offer = named_plan(&call, &plan, &space).await?;
            make_managed(&call, (service, space), offer, (parameters, patch)).await
        }
        Some(ServiceKind::UserProvided) | None => {
            make_provided(&call, &service, (&space, &patch)).await
        }
    }
}

fn new_service(call: &Call, name: String, space: &Space) -> ServiceInstance {
    ServiceInstance {
        guid: fresh_guid(),
        name,
        space_guid: space.guid.clone(),
        kind: ServiceKind::UserProvided,
        credentials: Map::new(),
        syslog_drain_url: None,
        route_service_url: None,
        tags: Vec::new(),
        plan_guid: None,
        dashboard_url: None,
        maintenance_info: Map::new(),
        last_operation: Operation::succeeded("create", call.now),
        created_at: call.now,
        updated_at: call.now,
    }
}

async fn check_quota(call: &Call, space: &Space) -> Result<(), ApiError> {
    let limits = call.store().quota_of(&space.organization_guid).await?;
    let Some(most) = limits.total_service_instances else {
        return Ok(());
    };
    let used = call.store().usage_of(&space.organization_guid).await?;
    let words = "You have exceeded your organization's services limit.";
    quota::refuse_over(used.service_instances.saturating_add(1), most, words)
}

async fn make_provided(
    call: &Call,
    service: &ServiceInstance,
    (space, patch): (&Space, &MetadataPatch),
) -> Answer {
    let mut tx = call.store().begin().await?;
    tx.insert_service(service)
        .await
        .map_err(|error| name_taken(error, &service.name))?;
    tx.write_metadata(&service.guid, patch).await?;
    let event = call.event("audit.user_provided_service_instance.create");
    let event = event.target(
        "user_provided_service_instance",
        &service.guid,
        &service.name,
    );
    event.space(space).write(&mut tx).await?;
    tx.commit().await?;
    created(shown(call, service).await?)
}

async fn make_managed(
    call: &Call,
    (mut service, space): (ServiceInstance, Space),
    offer: Offer,
    (parameters, patch): (Option<Map<String, Value>>, MetadataPatch),
) -> Answer {
    let limits = call.store().quota_of(&space.organization_guid).await?;
    if limits.paid_services_allowed == Some(false) && !offer.plan.facts.free {
        return Err(ApiError::unprocessable(
            "The service instance cannot be created because paid service plans are not allowed.",
        ));
    }
    service.kind = ServiceKind::Managed;
    service.plan_guid = Some(offer.plan.guid.clone());
    service.maintenance_info = offer
        .plan
        .facts
        .maintenance_info
        .clone()
        .unwrap_or_default();
    service.last_operation = Operation::begun("create", call.now);
    let home = Place::of(call, space).await?;
    let order = provision(call, &offer, (&service, &home), parameters);
    let mut tx = call.store().begin().await?;
    tx.insert_service(&service)
        .await
        .map_err(|error| name_taken(error, &service.name))?;
    tx.write_metadata(&service.guid, &patch).await?;
    let event = call.event("audit.service_instance.start_create");
    let event = event.target("service_instance", &service.guid, &service.name);
    event.space(&home.space).write(&mut tx).await?;
    let job = place(call, &mut tx, order, "service_instance.create").await?;
    tx.commit().await?;
    call.api.services().nudge();
    Ok(call.accepted(&job))
}

/// Changes a service.
pub(super) async fn change(call: Call, Path(guid): Path<String>, body: Body) -> Answer {
    let service = call.service(&guid, Need::Write).await?;
    match service.kind {
        ServiceKind::Managed => change_managed(&call, service, &body).await,
        ServiceKind::UserProvided => change_provided(&call, service, &body).await,
    }
}

async fn change_provided(call: &Call, mut service: ServiceInstance, body: &Body) -> Answer {
    let mut fields = body.fields();
    let name = fields.name("name");
    let provided = read(&mut fields);
    let patch = fields.metadata();
    fields.finish()?;
    provided.put(&mut service);
    service.name = name.unwrap_or(service.name);
    service.last_operation = Operation::succeeded("update", call.now);
    service.updated_at = call.now;
    let mut tx = call.store().begin().await?;
    tx.update_service(&service)
        .await
        .map_err(|error| name_taken(error, &service.name))?;
    tx.write_metadata(&service.guid, &patch).await?;
    tx.commit().await?;
    ok(shown(call, &service).await?)
}

/// What a body says that is to change of a service that a broker takes care of.
struct Changes {
    name: Option<String>,
    tags: Option<Vec<String>>,
    plan: Option<String>,
    parameters: Option<Map<String, Value>>,
    maintenance_info: Option<Map<String, Value>>,
    patch: MetadataPatch,
}

impl Changes {
    fn read(body: &Body) -> Result<Self, ApiError> {
        let mut fields = body.fields();
        let changes = Self {
            name: fields.name("name"),
            tags: fields.texts("tags"),
            plan: fields
                .nested("relationships", |inner| inner.one("service_plan").flatten())
                .flatten(),
            parameters: parameters_in(&mut fields),
            maintenance_info: fields.nested("maintenance_info", |inner| {
                let version = inner.required_text("version");
                Map::from_iter([("version".to_owned(), json!(version))])
            }),
            patch: fields.metadata(),
        };
        fields.finish()?;
        Ok(changes)
    }
}

async fn change_managed(call: &Call, service: ServiceInstance, body: &Body) -> Answer {
    let changes = Changes::read(body)?;
    let space = call
        .space(&service.space_guid, Need::Write, "Service instance")
        .await?;
    let plan = service.plan_guid.as_deref().unwrap_or_default();
    let offer = call.store().offer(plan).await?;
    let offer = offer.ok_or_else(|| ApiError::not_found("Service plan"))?;
    let wanted = Wanted {
        plan: new_plan(call, (&offer, &space), changes.plan.as_deref()).await?,
        parameters: changes.parameters,
        maintenance_info: changes.maintenance_info,
    };
    let home = Place::of(call, space).await?;
    let mut tx = call.store().begin().await?;
    let held = tx.hold_service(&service.guid).await?;
    let mut service = held.ok_or_else(|| ApiError::not_found("Service instance"))?;
    check_idle(&mut tx, &service).await?;
    let renamed = changes
        .name
        .as_ref()
        .is_some_and(|name| *name != service.name);
    service.name = changes.name.unwrap_or(service.name);
    service.tags = changes.tags.unwrap_or(service.tags);
    let asks = wanted.plan.is_some()
        || wanted.parameters.is_some()
        || wanted.maintenance_info.is_some()
        || (renamed && offer.offering.facts.allow_context_updates);
    if asks && !service.last_operation.has_made() {
        return Err(busy(&service));
    }
    service.updated_at = call.now;
    if asks {
        service.last_operation = Operation::begun("update", call.now);
    } else if service.last_operation.has_made() {
        service.last_operation = Operation::succeeded("update", call.now);
    }
    tx.update_service(&service)
        .await
        .map_err(|error| name_taken(error, &service.name))?;
    tx.write_metadata(&service.guid, &changes.patch).await?;
    if !asks {
        tx.commit().await?;
        return ok(shown(call, &service).await?);
    }
    let order = update(call, &offer, (&service, &home), wanted);
    let job = place(call, &mut tx, order, "service_instance.update").await?;
    tx.commit().await?;
    call.api.services().nudge();
    Ok(call.accepted(&job))
}

/// The plan that a service is to be of, if that is another one.
async fn new_plan(
    call: &Call,
    (offer, space): (&Offer, &Space),
    wanted: Option<&str>,
) -> Result<Option<Offer>, ApiError> {
    let Some(wanted) = wanted.filter(|wanted| *wanted != offer.plan.guid) else {
        return Ok(None);
    };
    let plan = named_plan(call, wanted, space).await?;
    if plan.offering.guid != offer.offering.guid {
        let words = "service plan relates to a different service offering";
        return Err(ApiError::unprocessable(words));
    }
    if !offer.is_updateable() {
        let words = "The service does not support changing plans.";
        return Err(ApiError::unprocessable(words));
    }
    Ok(Some(plan))
}

/// What the broker is to know.
pub(super) fn parameters_in(fields: &mut Fields<'_>) -> Option<Map<String, Value>> {
    match fields.value("parameters") {
        None | Some(Value::Null) => None,
        Some(Value::Object(parameters)) => Some(parameters.clone()),
        Some(_) => {
            fields.problem_of("parameters", "must be an object");
            None
        }
    }
}

fn name_taken(error: StoreError, name: &str) -> ApiError {
    match error {
        StoreError::Taken => {
            ApiError::unprocessable(format!("The service instance name is taken: {name}."))
        }
        other => other.into(),
    }
}
