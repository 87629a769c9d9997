//! What an application is told to do: start, stop, restart, run another droplet.

use axum::extract::Path;
use serde_json::json;

use super::apps::write_process;
use super::reach::fresh_guid;
use super::{quota, room};
use crate::api::{Answer, ApiError, Body, Call, Need, Routes, ok};
use crate::model::{App, AppState, Droplet, DropletState, NewProcess, Process, ProcessChange};
use crate::store::Tx;

pub(super) fn routes() -> Routes {
    Routes::new("Apps")
        .post(
            "/v3/apps/{guid}/actions/start",
            "Starts an application",
            start,
        )
        .post("/v3/apps/{guid}/actions/stop", "Stops an application", stop)
        .post(
            "/v3/apps/{guid}/actions/restart",
            "Restarts an application",
            restart,
        )
        .get(
            "/v3/apps/{guid}/relationships/current_droplet",
            "Names the droplet that an application runs",
            current_droplet,
        )
        .patch(
            "/v3/apps/{guid}/relationships/current_droplet",
            "Lets an application run another droplet from its next start on",
            assign_droplet,
        )
}

async fn start(call: Call, Path(guid): Path<String>) -> Answer {
    let app = call.app(&guid, Need::Operate).await?;
    if app.state == AppState::Started {
        return ok(call.document(&app).await?);
    }
    let app = run(&call, app, "audit.app.start").await?;
    call.controller().log(
        &app.guid,
        "API",
        &format!("Starting app with guid {}", app.guid),
    );
    ok(call.document(&app).await?)
}

async fn restart(call: Call, Path(guid): Path<String>) -> Answer {
    let app = call.app(&guid, Need::Operate).await?;
    let app = run(&call, app, "audit.app.restart").await?;
    call.controller().log(
        &app.guid,
        "API",
        &format!("Restarting app with guid {}", app.guid),
    );
    ok(call.document(&app).await?)
}

async fn stop(call: Call, Path(guid): Path<String>) -> Answer {
    let mut app = call.app(&guid, Need::Operate).await?;
    app.state = AppState::Stopped;
    app.updated_at = call.now;
    let mut tx = call.store().begin().await?;
    tx.update_app(&app).await?;
    call.record(&mut tx, "audit.app.stop", &app, json!({}))
        .await?;
    tx.commit().await?;
    call.controller().app_changed(&app.guid);
    call.controller().log(
        &app.guid,
        "API",
        &format!("Stopping app with guid {}", app.guid),
    );
    ok(call.document(&app).await?)
}

/// Starts all processes in a fresh version with the application's droplet.
async fn run(call: &Call, mut app: App, event: &'static str) -> Result<App, ApiError> {
    let Some(droplet) = app.droplet_guid.clone() else {
        return Err(ApiError::unprocessable(
            "Assign a droplet before starting this app.",
        ));
    };
    quota::check_start(call, &app).await?;
    if app.state == AppState::Stopped {
        room::check_start(call, &app).await?;
    }
    app.state = AppState::Started;
    app.updated_at = call.now;
    let mut tx = call.store().begin().await?;
    tx.update_app(&app).await?;
    for mut process in tx.processes_of(&app.guid).await? {
        process.version = fresh_guid();
        let change = ProcessChange {
            droplet_guid: Some(droplet.clone()),
            ..ProcessChange::default()
        };
        write_process(&mut tx, &app, &mut process, change).await?;
    }
    call.record(&mut tx, event, &app, json!({})).await?;
    tx.commit().await?;
    call.controller().app_changed(&app.guid);
    Ok(app)
}

async fn current_droplet(call: Call, Path(guid): Path<String>) -> Answer {
    let app = call.app(&guid, Need::Read).await?;
    let Some(droplet) = &app.droplet_guid else {
        return Err(ApiError::not_found("Droplet"));
    };
    ok(relationship(&call, &app, droplet))
}

async fn assign_droplet(call: Call, Path(guid): Path<String>, body: Body) -> Answer {
    let mut fields = body.fields();
    let wanted = fields.value("data").and_then(|data| data.get("guid"));
    let wanted = wanted.and_then(|guid| guid.as_str()).map(str::to_owned);
    fields.finish()?;
    let mut app = call.app(&guid, Need::Write).await?;
    let mut tx = call.store().begin().await?;
    let droplet = match &wanted {
        Some(wanted) => tx.droplet(wanted).await?,
        None => None,
    };
    let Some(droplet) = droplet.filter(|d| d.app_guid == app.guid) else {
        return Err(ApiError::unprocessable(
            "Unable to assign current droplet. Ensure the droplet exists and belongs to this app.",
        ));
    };
    if droplet.state != DropletState::Staged {
        return Err(ApiError::unprocessable(
            "Unable to assign current droplet. Ensure the droplet is staged.",
        ));
    }
    app.droplet_guid = Some(droplet.guid.clone());
    app.updated_at = call.now;
    tx.update_app(&app).await?;
    add_processes(&mut tx, &app, &droplet).await?;
    let data = json!({ "request": { "droplet_guid": droplet.guid } });
    call.record(&mut tx, "audit.app.droplet.mapped", &app, data)
        .await?;
    tx.commit().await?;
    ok(relationship(&call, &app, &droplet.guid))
}

/// Makes the processes that a droplet has a command for and the application does not have yet. What
/// runs goes on with the droplet that it was started with.
async fn add_processes(tx: &mut Tx, app: &App, droplet: &Droplet) -> Result<(), ApiError> {
    let known = tx.processes_of(&app.guid).await?;
    for process_type in droplet.process_types.keys() {
        if known.iter().any(|p| p.process_type == *process_type) {
            continue;
        }
        let made = Process::new(NewProcess {
            guid: fresh_guid(),
            app_guid: &app.guid,
            process_type,
            version: fresh_guid(),
            now: app.updated_at,
        });
        tx.insert_process(&made).await?;
    }
    Ok(())
}

fn relationship(call: &Call, app: &App, droplet: &str) -> serde_json::Value {
    let own = format!("/v3/apps/{}", app.guid);
    json!({
        "data": { "guid": droplet },
        "links": {
            "self": call.base.link(&format!("{own}/relationships/current_droplet")),
            "related": call.base.link(&format!("{own}/droplets/current")),
        },
    })
}
