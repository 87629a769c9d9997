//! Brokers: register, show, change, remove; their catalogues are read by a job.

use axum::extract::Path;
use serde_json::{Map, Value, json};

use super::reach::{fresh_guid, metadata_in};
use super::service_leftovers;
use super::service_orders::{begin, place};
use crate::api::listing::BY_NAME;
use crate::api::{
    Answer, ApiError, Base, Body, Call, Code, Fields, JobOutcome, Metadata, Need, Routes, ok,
    rfc3339,
};
use crate::model::{BrokerState, OperationKind, Secret, ServiceBroker, ServiceInstance};
use crate::store::{Filter, StoreError, Tx};

pub(super) fn routes() -> Routes {
    Routes::new("Services")
        .get("/v3/service_brokers", "Lists brokers", list)
        .post("/v3/service_brokers", "Registers a broker", create)
        .get("/v3/service_brokers/{guid}", "Shows a broker", show)
        .patch("/v3/service_brokers/{guid}", "Changes a broker", change)
        .delete("/v3/service_brokers/{guid}", "Removes a broker", delete)
}

async fn list(call: Call) -> Answer {
    let mut listing = call.listing(&["names", "space_guids"], BY_NAME)?;
    listing.within("names", "t.name");
    listing.within("space_guids", "t.space_guid");
    if let Some(filter) = call.caller.space_filter("t.space_guid") {
        listing.keep(filter);
    }
    let page = call.page::<ServiceBroker>(&listing).await?;
    let guids: Vec<&str> = page.items.iter().map(|broker| &*broker.guid).collect();
    let marks = call.store().metadata_of(&guids).await?;
    ok(listing.document(&call.base, &page, |broker| {
        document(&call.base, broker, &metadata_in(&marks, &broker.guid))
    }))
}

async fn show(call: Call, Path(guid): Path<String>) -> Answer {
    let broker = broker(&call, &guid, Need::Read).await?;
    let marks = call.store().metadata_of(&[&guid]).await?;
    ok(document(&call.base, &broker, &metadata_in(&marks, &guid)))
}

async fn create(call: Call, body: Body) -> Answer {
    let mut fields = body.fields();
    let name = fields.required_name("name");
    let url = url_in(&mut fields, true).unwrap_or_default();
    let credentials = credentials_in(&mut fields);
    if credentials.is_none() {
        fields.problem_of("authentication", "must be an object");
    }
    let space = fields.nested("relationships", |inner| inner.one("space").flatten());
    let patch = fields.metadata();
    fields.finish()?;
    let space_guid = match space.flatten() {
        Some(guid) => Some(call.named_space(&guid).await?.guid),
        None => {
            call.need_admin()?;
            None
        }
    };
    let (username, password) = credentials.unwrap_or_default();
    let broker = ServiceBroker {
        guid: fresh_guid(),
        name,
        url,
        username,
        password: Secret(password),
        space_guid,
        state: BrokerState::Synchronizing,
        created_at: call.now,
        updated_at: call.now,
    };
    let mut tx = call.store().begin().await?;
    tx.insert_broker(&broker).await.map_err(name_taken)?;
    tx.write_metadata(&broker.guid, &patch).await?;
    record(&call, &mut tx, ("audit.service_broker.create", &broker)).await?;
    synchronize(&call, tx, &broker).await
}

async fn change(call: Call, Path(guid): Path<String>, body: Body) -> Answer {
    let mut fields = body.fields();
    let name = fields.name("name");
    let url = url_in(&mut fields, false);
    let credentials = credentials_in(&mut fields);
    let patch = fields.metadata();
    fields.finish()?;
    let mut broker = broker(&call, &guid, Need::Write).await?;
    let only_marks = name.is_none() && url.is_none() && credentials.is_none();
    broker.name = name.unwrap_or(broker.name);
    broker.url = url.unwrap_or(broker.url);
    if let Some((username, password)) = credentials {
        broker.username = username;
        broker.password = Secret(password);
    }
    let mut tx = call.store().begin().await?;
    tx.write_metadata(&guid, &patch).await?;
    if only_marks {
        tx.commit().await?;
        let marks = call.store().metadata_of(&[&guid]).await?;
        return ok(document(&call.base, &broker, &metadata_in(&marks, &guid)));
    }
    if broker.state == BrokerState::Synchronizing {
        return Err(ApiError::unprocessable(
            "Cannot update a broker when other operation is already in progress",
        ));
    }
    broker.state = BrokerState::Synchronizing;
    broker.updated_at = call.now;
    tx.update_broker(&broker).await.map_err(name_taken)?;
    record(&call, &mut tx, ("audit.service_broker.update", &broker)).await?;
    synchronize(&call, tx, &broker).await
}

/// Ends the transaction with a job that reads the broker's catalogue.
async fn synchronize(call: &Call, mut tx: Tx, broker: &ServiceBroker) -> Answer {
    let order = begin(call, broker, (OperationKind::Synchronize, None));
    let job = place(call, &mut tx, order, "service_broker.catalog.synchronize").await?;
    tx.commit().await?;
    call.api.services().nudge();
    Ok(call.accepted(&job))
}

async fn delete(call: Call, Path(guid): Path<String>) -> Answer {
    let broker = broker(&call, &guid, Need::Write).await?;
    let mut tx = call.store().begin().await?;
    let of_broker = Filter::sql(
        "t.plan_guid IN (SELECT p.guid FROM service_plans p \
         JOIN service_offerings o ON o.guid = p.offering_guid WHERE o.broker_guid = ",
    )
    .value(&broker.guid)
    .then(")");
    let services: Vec<ServiceInstance> = tx.all(vec![of_broker]).await?;
    if !services.is_empty() {
        return Err(not_removable(&broker));
    }
    service_leftovers::forget(&call, &mut tx, ("broker", &guid)).await?;
    tx.delete_broker(&guid).await.map_err(|error| match error {
        StoreError::Named => not_removable(&broker),
        other => other.into(),
    })?;
    tx.delete_metadata(&guid).await?;
    record(&call, &mut tx, ("audit.service_broker.delete", &broker)).await?;
    let job = call.guid();
    let done = JobOutcome::Complete;
    done.write(&mut tx, &job, "service_broker.delete", call.now)
        .await?;
    tx.commit().await?;
    Ok(call.accepted(&job))
}

fn not_removable(broker: &ServiceBroker) -> ApiError {
    let words = format!(
        "Can not remove brokers that have associated service instances: {}",
        broker.name
    );
    ApiError::new(Code::ServiceBrokerNotRemovable, words)
}

async fn broker(call: &Call, guid: &str, need: Need) -> Result<ServiceBroker, ApiError> {
    let found: Option<ServiceBroker> = call
        .store()
        .first(vec![Filter::equals("t.guid", guid)])
        .await?;
    let missing = || ApiError::not_found("Service broker");
    let broker = found.ok_or_else(missing)?;
    match &broker.space_guid {
        _ if call.caller.is_admin => {}
        Some(space) => {
            call.space(space, need, "Service broker").await?;
        }
        None => return Err(missing()),
    }
    Ok(broker)
}

async fn record(
    call: &Call,
    tx: &mut Tx,
    (kind, broker): (&str, &ServiceBroker),
) -> Result<(), ApiError> {
    let event = call.event(kind);
    let event = event.target("service_broker", &broker.guid, &broker.name);
    event
        .data(json!({ "request": { "url": broker.url } }))
        .write(tx)
        .await
}

fn name_taken(error: StoreError) -> ApiError {
    match error {
        StoreError::Taken => ApiError::unprocessable("Name must be unique"),
        other => other.into(),
    }
}

fn url_in(fields: &mut Fields<'_>, required: bool) -> Option<String> {
    if !required {
        fields.value("url")?;
    }
    let text = fields.required_text("url");
    if text.is_empty() {
        return None;
    }
    let parsed = url::Url::parse(&text).ok();
    let Some(parsed) = parsed.filter(|url| url.host_str().is_some()) else {
        fields.problem_of("url", "must be a valid url");
        return None;
    };
    match parsed.scheme() {
        "http" | "https" => {}
        _ => fields.problem_of("url", "must be a valid url"),
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        fields.problem_of("url", "must not contain authentication");
    }
    if parsed.query().is_some() || parsed.fragment().is_some() {
        fields.problem_of("url", "must have neither a query nor a fragment");
    }
    Some(text)
}

/// `{"type": "basic", "credentials": {"username", "password"}}`
fn credentials_in(fields: &mut Fields<'_>) -> Option<(String, String)> {
    fields.nested("authentication", |inner| {
        let kind = inner.required_text("type");
        if !kind.is_empty() && kind != "basic" {
            inner.problem_of("type", "must be one of 'basic'");
        }
        let pair = inner.nested("credentials", |pair| {
            (
                pair.required_text("username"),
                pair.required_text("password"),
            )
        });
        if pair.is_none() {
            inner.problem_of("credentials", "must be an object");
        }
        pair.unwrap_or_default()
    })
}

fn document(base: &Base, broker: &ServiceBroker, marks: &Metadata) -> Value {
    let own = format!("/v3/service_brokers/{}", broker.guid);
    let offerings = format!("/v3/service_offerings?service_broker_guids={}", broker.guid);
    let mut relationships = Map::new();
    let mut links = Map::new();
    links.insert("self".to_owned(), base.link(&own));
    links.insert("service_offerings".to_owned(), base.link(&offerings));
    if let Some(space) = &broker.space_guid {
        let named = json!({ "data": { "guid": space } });
        relationships.insert("space".to_owned(), named);
        links.insert(
            "space".to_owned(),
            base.link(&format!("/v3/spaces/{space}")),
        );
    }
    json!({
        "guid": broker.guid,
        "name": broker.name,
        "url": broker.url,
        "created_at": rfc3339(broker.created_at),
        "updated_at": rfc3339(broker.updated_at),
        "relationships": relationships,
        "metadata": marks.document(),
        "links": links,
    })
}
