//! Processes: list, show, change, scale; and their sidecars.

use axum::extract::Path;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::apps::write_process;
use super::{flags, quota, stats};
use crate::api::listing::BY_TIME;
use crate::api::{
    Answer, ApiError, Base, Body, Call, Fields, Listing, Metadata, MetadataPatch, Need, Routes, ok,
    resource, rfc3339,
};
use crate::model::{App, HealthCheck, Process, ProcessChange, Sidecar, WEB};
use crate::store::{Filter, Page};

pub(super) fn routes() -> Routes {
    Routes::new("Processes")
        .get("/v3/processes", "Lists processes", list)
        .get("/v3/processes/{guid}", "Shows a process", show)
        .patch("/v3/processes/{guid}", "Changes a process", change)
        .post(
            "/v3/processes/{guid}/actions/scale",
            "Scales a process",
            scale,
        )
        .get(
            "/v3/processes/{guid}/sidecars",
            "Lists the sidecars of a process",
            sidecars,
        )
        .get(
            "/v3/apps/{guid}/processes",
            "Lists the processes of an application",
            list_of_app,
        )
        .get(
            "/v3/apps/{guid}/processes/{type}",
            "Shows a process by its type",
            show_of_app,
        )
        .patch(
            "/v3/apps/{guid}/processes/{type}",
            "Changes a process by its type",
            change_of_app,
        )
        .post(
            "/v3/apps/{guid}/processes/{type}/actions/scale",
            "Scales a process by its type",
            scale_of_app,
        )
        .get(
            "/v3/apps/{guid}/sidecars",
            "Lists the sidecars of an application",
            sidecars_of_app,
        )
}

async fn list(call: Call) -> Answer {
    let mut listing = call.listing(FILTERS, BY_TIME)?;
    listing.within_sql(
        "organization_guids",
        "t.app_guid IN (SELECT a.guid FROM apps a JOIN spaces s ON s.guid = a.space_guid \
         WHERE s.organization_guid IN ",
        ")",
    );
    listing.within("types", "t.type");
    call.keep_of_apps(&mut listing);
    listed(&call, &listing).await
}

async fn list_of_app(call: Call, Path(guid): Path<String>) -> Answer {
    let mut listing = call.listing(&["types", "embed"], BY_TIME)?;
    let app = call.app(&guid, Need::Read).await?;
    listing.within("types", "t.type");
    listing.keep(Filter::equals("t.app_guid", &app.guid));
    listed(&call, &listing).await
}

async fn listed(call: &Call, listing: &Listing) -> Answer {
    let embed = match listing.query.text("embed") {
        None => false,
        Some("process_instances") => true,
        Some(_) => {
            let words =
                "Invalid embedded resource. Valid embedded resources are: 'process_instances'";
            return Err(ApiError::bad_query(words));
        }
    };
    let touch = |process: &Process, shown: &mut Value| {
        if let Some(fields) = shown.as_object_mut() {
            hide_command(fields);
            if embed {
                let instances = stats::embedded(call, process);
                fields.insert("process_instances".to_owned(), instances);
            }
        }
    };
    let (_, whole) = call.listed(listing, touch).await?;
    ok(whole)
}

async fn show(call: Call, Path(guid): Path<String>) -> Answer {
    let (_, process) = call.process(&guid, Need::Read).await?;
    ok(call.document(&process).await?)
}

async fn show_of_app(call: Call, Path((guid, kind)): Path<(String, String)>) -> Answer {
    let (_, process) = call.process_of(&guid, &kind, Need::Read).await?;
    ok(call.document(&process).await?)
}

async fn change(call: Call, Path(guid): Path<String>, body: Body) -> Answer {
    let (app, process) = call.process(&guid, Need::Write).await?;
    changed(&call, app, process, &body).await
}

async fn change_of_app(
    call: Call,
    Path((guid, kind)): Path<(String, String)>,
    body: Body,
) -> Answer {
    let (app, process) = call.process_of(&guid, &kind, Need::Write).await?;
    changed(&call, app, process, &body).await
}

async fn changed(call: &Call, app: App, process: Process, body: &Body) -> Answer {
    let mut fields = body.fields();
    let change = ProcessChange {
        command: fields.nullable_text("command"),
        health_check: check(&mut fields, "health_check", &process.health_check),
        readiness: check(&mut fields, "readiness_health_check", &process.readiness),
        ..ProcessChange::default()
    };
    let patch = fields.metadata();
    fields.finish()?;
    let written = apply(call, app, process, change, &patch).await?;
    ok(call.document(&written).await?)
}

async fn scale(call: Call, Path(guid): Path<String>, body: Body) -> Answer {
    let (app, process) = call.process(&guid, Need::Operate).await?;
    scaled(&call, app, process, &body).await
}

async fn scale_of_app(
    call: Call,
    Path((guid, kind)): Path<(String, String)>,
    body: Body,
) -> Answer {
    let (app, process) = call.process_of(&guid, &kind, Need::Operate).await?;
    scaled(&call, app, process, &body).await
}

async fn scaled(call: &Call, app: App, process: Process, body: &Body) -> Answer {
    flags::need(call, "app_scaling").await?;
    let mut fields = body.fields();
    let change = ProcessChange {
        instances: small(fields.integer("instances", 0..=LARGEST)),
        memory_mb: small(fields.integer("memory_in_mb", 1..=LARGEST)),
        disk_mb: small(fields.integer("disk_in_mb", 1..=LARGEST)),
        log_rate_limit: fields.integer("log_rate_limit_in_bytes_per_second", -1..=i64::MAX),
        ..ProcessChange::default()
    };
    fields.finish()?;
    let written = apply(call, app, process, change, &MetadataPatch::default()).await?;
    let document = call.document(&written).await?;
    Ok(axum::response::IntoResponse::into_response((
        StatusCode::ACCEPTED,
        axum::Json(document),
    )))
}

async fn apply(
    call: &Call,
    mut app: App,
    mut process: Process,
    change: ProcessChange,
    patch: &MetadataPatch,
) -> Result<Process, ApiError> {
    app.updated_at = call.now;
    let event = if change
        .instances
        .or(change.memory_mb)
        .or(change.disk_mb)
        .is_some()
    {
        SCALED
    } else {
        "audit.app.process.update"
    };
    let mut after = process.clone();
    after.change(change.clone(), app.state, String::new());
    quota::check_processes(call, &app, &beside(call, &app, &after).await?).await?;
    let mut tx = call.store().begin().await?;
    if event == SCALED && process.process_type == WEB {
        let going_on = tx.active_deployments(&app.guid).await?;
        if !going_on.is_empty() {
            let words = "Cannot scale this process while a deployment is in flight.";
            return Err(ApiError::unprocessable(words));
        }
    }
    write_process(&mut tx, &app, &mut process, change).await?;
    tx.write_metadata(&process.guid, patch).await?;
    let data = json!({ "process_guid": process.guid, "process_type": process.process_type,
        "instances": process.instances, "memory_in_mb": process.memory_mb });
    call.record(&mut tx, event, &app, data).await?;
    tx.commit().await?;
    call.controller().app_changed(&app.guid);
    Ok(process)
}

/// All processes of the application, one of them as it will be.
async fn beside(call: &Call, app: &App, after: &Process) -> Result<Vec<Process>, ApiError> {
    let processes = call.store().processes_of(&app.guid).await?;
    let replaced = processes.into_iter().map(|process| {
        if process.guid == after.guid {
            after.clone()
        } else {
            process
        }
    });
    Ok(replaced.collect())
}

async fn sidecars(call: Call, Path(guid): Path<String>) -> Answer {
    let listing = call.listing(&[], BY_TIME)?;
    let (app, process) = call.process(&guid, Need::Read).await?;
    let all: Vec<Sidecar> = call
        .store()
        .all(vec![Filter::equals("t.app_guid", &app.guid)])
        .await?;
    let items: Vec<Sidecar> = all
        .into_iter()
        .filter(|sidecar| sidecar.process_types.contains(&process.process_type))
        .collect();
    let total = items.len() as u64;
    ok(listing.document(&call.base, &Page { items, total }, sidecar_document))
}

async fn sidecars_of_app(call: Call, Path(guid): Path<String>) -> Answer {
    let mut listing = call.listing(&[], BY_TIME)?;
    let app = call.app(&guid, Need::Read).await?;
    listing.keep(Filter::equals("t.app_guid", &app.guid));
    let page: Page<Sidecar> = call.page(&listing).await?;
    ok(listing.document(&call.base, &page, sidecar_document))
}

fn check(fields: &mut Fields<'_>, name: &'static str, base: &HealthCheck) -> Option<HealthCheck> {
    let value = fields.value(name).filter(|value| !value.is_null())?;
    match HealthCheck::read(value, base) {
        Ok(check) => Some(check),
        Err(problems) => {
            for problem in problems {
                fields.problem_of(name, &problem);
            }
            None
        }
    }
}

resource!(Process, document);

fn document(base: &Base, process: &Process, marks: &Metadata) -> Value {
    let own = format!("/v3/processes/{}", process.guid);
    let app = format!("/v3/apps/{}", process.app_guid);
    json!({
        "guid": process.guid,
        "type": process.process_type,
        "command": process.command,
        "instances": process.instances,
        "memory_in_mb": process.memory_mb,
        "disk_in_mb": process.disk_mb,
        "log_rate_limit_in_bytes_per_second": process.log_rate_limit,
        "health_check": process.health_check.to_json(),
        "readiness_health_check": process.readiness.to_json(),
        "version": process.version,
        "user": null,
        "created_at": rfc3339(process.created_at),
        "updated_at": rfc3339(process.updated_at),
        "relationships": {
            "app": { "data": { "guid": process.app_guid } },
            "revision": null,
        },
        "metadata": marks.document(),
        "links": {
            "self": base.link(&own),
            "scale": base.link_with(&format!("{own}/actions/scale"), "POST"),
            "app": base.link(&app),
            "stats": base.link(&format!("{own}/stats")),
            "process_instances": base.link(&format!("{own}/process_instances")),
        },
    })
}

// compat: a list does not tell commands, which may hold secrets; the single process does.
fn hide_command(fields: &mut Map<String, Value>) {
    if fields
        .get("command")
        .is_some_and(|command| !command.is_null())
    {
        fields.insert(
            "command".to_owned(),
            json!("[PRIVATE DATA HIDDEN IN LISTS]"),
        );
    }
}

fn sidecar_document(sidecar: &Sidecar) -> Value {
    json!({
        "guid": sidecar.guid,
        "name": sidecar.name,
        "command": sidecar.command,
        "process_types": sidecar.process_types,
        "memory_in_mb": sidecar.memory_mb,
        "origin": "user",
        "created_at": rfc3339(sidecar.created_at),
        "updated_at": rfc3339(sidecar.updated_at),
        "relationships": { "app": { "data": { "guid": sidecar.app_guid } } },
    })
}

/// A number whose range was checked.
fn small(number: Option<i64>) -> Option<u32> {
    number.and_then(|number| u32::try_from(number).ok())
}

const FILTERS: &[&str] = &[
    "app_guids",
    "embed",
    "organization_guids",
    "space_guids",
    "types",
];

const LARGEST: i64 = i32::MAX as i64;
const SCALED: &str = "audit.app.process.scale";
