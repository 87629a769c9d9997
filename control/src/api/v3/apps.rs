//! Applications: create, list, show, change, delete.

use axum::extract::Path;
use serde_json::{Map, Value, json};

use super::lifecycle::{self, LifecyclePatch};
use super::reach::fresh_guid;
use crate::api::listing::BY_NAME;
use crate::api::{
    Answer, ApiError, Base, Body, Call, Fields, Metadata, MetadataPatch, Need, Routes, created, ok,
    resource, rfc3339,
};
use crate::model::{
    App, AppState, Lifecycle, NewProcess, Process, ProcessChange, WEB, environment,
};
use crate::store::{Space, StoreError, Tx};

pub(super) fn routes() -> Routes {
    Routes::new("Apps")
        .get("/v3/apps", "Lists applications", list)
        .post("/v3/apps", "Makes an application", create)
        .get("/v3/apps/{guid}", "Shows an application", show)
        .patch("/v3/apps/{guid}", "Changes an application", change)
        .delete("/v3/apps/{guid}", "Removes an application", delete)
}

async fn list(call: Call) -> Answer {
    let mut listing = call.listing(FILTERS, BY_NAME)?;
    listing
        .query
        .check_includes(&["space", "space.organization", "org"])?;
    listing.within("names", "t.name");
    listing.within("space_guids", "t.space_guid");
    listing.within("stacks", "t.stack");
    listing.within("lifecycle_type", "t.lifecycle_type");
    listing.within_sql(
        "organization_guids",
        "t.space_guid IN (SELECT guid FROM spaces WHERE organization_guid IN ",
        ")",
    );
    call.keep_visible_spaces(&mut listing);
    let (apps, mut answer) = call.listed::<App>(&listing, |_, _| ()).await?;
    if let Some(included) = super::included::spaces_of(&call, &listing.query, &apps).await? {
        super::included::put(&mut answer, included);
    }
    ok(answer)
}

async fn create(call: Call, body: Body) -> Answer {
    let mut fields = body.fields();
    let name = fields.required_name("name");
    let lifecycle = LifecyclePatch::read(&mut fields);
    let environment = environment_in(&mut fields, "environment_variables");
    let space_guid = fields.relationship("space");
    let patch = fields.metadata();
    fields.finish()?;
    let space = call.named_space(&space_guid).await?;
    let lifecycle = lifecycle::resolve(&call, lifecycle, None).await?;
    let app = App {
        environment,
        ..new_app(&call, &space, &name, lifecycle)
    };
    let mut tx = call.store().begin().await?;
    insert(&mut tx, &app).await?;
    tx.write_metadata(&app.guid, &patch).await?;
    call.record(&mut tx, "audit.app.create", &app, json!({}))
        .await?;
    tx.commit().await?;
    call.controller().log(
        &app.guid,
        "API",
        &format!("Created app with guid {}", app.guid),
    );
    created(call.document(&app).await?)
}

async fn show(call: Call, Path(guid): Path<String>) -> Answer {
    let query = call.query(&["include"])?;
    query.check_includes(&["space", "space.organization", "org"])?;
    let app = call.app(&guid, Need::Read).await?;
    let mut answer = call.document(&app).await?;
    let apps = std::slice::from_ref(&app);
    if let Some(included) = super::included::spaces_of(&call, &query, apps).await? {
        super::included::put(&mut answer, included);
    }
    ok(answer)
}

async fn change(call: Call, Path(guid): Path<String>, body: Body) -> Answer {
    let mut fields = body.fields();
    let name = fields.name("name");
    let lifecycle = LifecyclePatch::read(&mut fields);
    let patch = fields.metadata();
    fields.finish()?;
    let mut app = call.app(&guid, Need::Write).await?;
    if lifecycle.is_some() {
        app.lifecycle = lifecycle::resolve(&call, lifecycle, Some(&app.lifecycle)).await?;
    }
    let before = app.name.clone();
    app.name = name.unwrap_or(app.name);
    app.updated_at = call.now;
    let mut tx = call.store().begin().await?;
    tx.update_app(&app)
        .await
        .map_err(|error| name_taken(error, &app.name))?;
    tx.write_metadata(&app.guid, &patch).await?;
    let data = json!({ "request": { "name": app.name } });
    call.record(&mut tx, "audit.app.update", &app, data).await?;
    tx.commit().await?;
    if before != app.name {
        call.controller().app_changed(&app.guid);
    }
    ok(call.document(&app).await?)
}

async fn delete(call: Call, Path(guid): Path<String>) -> Answer {
    let app = call.app(&guid, Need::Write).await?;
    let mut tx = call.store().begin().await?;
    super::service_leftovers::of_app(&call, &mut tx, &app.guid).await?;
    tx.delete_app(&app.guid).await?;
    tx.delete_metadata(&app.guid).await?;
    let data = json!({ "request": { "recursive": true } });
    call.record(&mut tx, "audit.app.delete-request", &app, data)
        .await?;
    tx.commit().await?;
    call.controller().app_changed(&app.guid);
    call.api.services().nudge();
    call.job("app.delete").await
}

/// An application of a space, stopped and without a droplet.
pub(super) fn new_app(call: &Call, space: &Space, name: &str, lifecycle: Lifecycle) -> App {
    App {
        guid: fresh_guid(),
        name: name.to_owned(),
        space_guid: space.guid.clone(),
        state: AppState::Stopped,
        lifecycle,
        environment: Map::new(),
        features: Map::new(),
        droplet_guid: None,
        created_at: call.now,
        updated_at: call.now,
    }
}

/// Writes a new application with its `web` process, which has the application's guid.
pub(super) async fn insert(tx: &mut Tx, app: &App) -> Result<(), ApiError> {
    tx.insert_app(app)
        .await
        .map_err(|error| name_taken(error, &app.name))?;
    let web = Process::new(NewProcess {
        guid: app.guid.clone(),
        app_guid: &app.guid,
        process_type: WEB,
        version: fresh_guid(),
        now: app.created_at,
    });
    tx.insert_process(&web).await?;
    Ok(())
}

/// Makes a change to a process and writes it.
pub(super) async fn write_process(
    tx: &mut Tx,
    app: &App,
    process: &mut Process,
    change: ProcessChange,
) -> Result<(), ApiError> {
    process.change(change, app.state, fresh_guid());
    process.updated_at = app.updated_at;
    Ok(tx.update_process(process).await?)
}

fn name_taken(error: StoreError, name: &str) -> ApiError {
    match error {
        StoreError::Taken => {
            ApiError::unprocessable(format!("App with the name '{name}' already exists."))
        }
        other => other.into(),
    }
}

/// Reads variables that a user may set; `null` stays, as the order to remove one.
pub(super) fn environment_in(fields: &mut Fields<'_>, name: &'static str) -> Map<String, Value> {
    let Some(value) = fields.value(name) else {
        return Map::new();
    };
    let Value::Object(variables) = value else {
        if !value.is_null() {
            fields.problem_of(name, "must be an object");
        }
        return Map::new();
    };
    for (variable, value) in variables {
        if let Some(problem) = environment::refusal(variable) {
            fields.problem_of(name, problem);
        }
        if value.is_array() || value.is_object() {
            let problem = format!("Non-string value in environment variable for key '{variable}'");
            fields.problem(problem);
        }
    }
    variables.clone()
}

resource!(App, document);

pub(super) fn document(base: &Base, app: &App, marks: &Metadata) -> Value {
    let own = format!("/v3/apps/{}", app.guid);
    let link = |rest: &str| base.link(&format!("{own}{rest}"));
    let act = |rest: &str, method| base.link_with(&format!("{own}{rest}"), method);
    json!({
        "guid": app.guid,
        "name": app.name,
        "state": app.state.as_str(),
        "created_at": rfc3339(app.created_at),
        "updated_at": rfc3339(app.updated_at),
        "lifecycle": lifecycle::document(&app.lifecycle),
        "relationships": {
            "space": { "data": { "guid": app.space_guid } },
            "current_droplet": { "data": app.droplet_guid.as_ref().map(|guid| json!({ "guid": guid })) },
        },
        "metadata": marks.document(),
        "links": {
            "self": link(""),
            "environment_variables": link("/environment_variables"),
            "space": base.link(&format!("/v3/spaces/{}", app.space_guid)),
            "processes": link("/processes"),
            "packages": link("/packages"),
            "current_droplet": link("/droplets/current"),
            "droplets": link("/droplets"),
            "tasks": link("/tasks"),
            "features": link("/features"),
            "start": act("/actions/start", "POST"),
            "stop": act("/actions/stop", "POST"),
        },
    })
}

/// Labels and annotations that a manifest sets.
pub(super) fn marks_of(manifest: &crate::model::manifest::AppManifest) -> MetadataPatch {
    MetadataPatch {
        labels: manifest.labels.clone(),
        annotations: manifest.annotations.clone(),
    }
}

const FILTERS: &[&str] = &[
    "names",
    "space_guids",
    "organization_guids",
    "stacks",
    "lifecycle_type",
    "include",
];
