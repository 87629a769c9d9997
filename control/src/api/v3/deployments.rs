//! Deployments: a new `web` process takes the place of the running one without a gap.

use std::time::Duration;

use axum::extract::Path;
use serde_json::{Map, Value, json};

use super::apps::write_process;
use super::deployment_body::{Wanted, read};
use super::quota;
use super::reach::fresh_guid;
use super::room;
use crate::api::listing::BY_TIME;
use crate::api::{
    Answer, ApiError, Base, Body, Call, Metadata, Need, Routes, created, ok, resource, rfc3339,
};
use crate::model::{
    App, AppState, Deployment, DeploymentState, DropletState, Process, ProcessChange, WEB,
    canary_pauses,
};
use crate::store::Tx;

pub(super) fn routes() -> Routes {
    Routes::new("Deployments")
        .get("/v3/deployments", "Lists deployments", list)
        .post("/v3/deployments", "Deploys a droplet without a gap", create)
        .get("/v3/deployments/{guid}", "Shows a deployment", show)
        .patch(
            "/v3/deployments/{guid}",
            "Changes the marks of a deployment",
            change,
        )
        .post(
            "/v3/deployments/{guid}/actions/cancel",
            "Brings the old droplet back",
            cancel,
        )
        .post(
            "/v3/deployments/{guid}/actions/continue",
            "Goes on after a pause",
            proceed,
        )
}

async fn list(call: Call) -> Answer {
    let mut listing = call.listing(FILTERS, BY_TIME)?;
    listing.within("states", "t.state");
    listing.within("status_values", "t.status_value");
    listing.within("status_reasons", "t.status_reason");
    call.keep_of_apps(&mut listing);
    call.list::<Deployment>(&listing).await
}

async fn create(call: Call, body: Body) -> Answer {
    let mut fields = body.fields();
    let wanted = read(&mut fields);
    let app_guid = fields.relationship("app");
    let patch = fields.metadata();
    if fields
        .value("revision")
        .is_some_and(|revision| !revision.is_null())
    {
        fields.problem("The revision does not exist");
    }
    fields.finish()?;
    let app = call.named_app(&app_guid).await?;
    let droplet = droplet_for(&call, &app, wanted.droplet.as_deref()).await?;
    quota::check_start(&call, &app).await?;
    room::check_deployment(&call, &app, &wanted.options.change).await?;
    let mut tx = call.store().begin().await?;
    let deployment = begin(&call, &mut tx, (app, droplet), wanted).await?;
    tx.write_metadata(&deployment.guid, &patch).await?;
    tx.commit().await?;
    call.controller().deployment_changed(&deployment.guid);
    call.controller().app_changed(&deployment.app_guid);
    created(call.document(&deployment).await?)
}

async fn droplet_for(call: &Call, app: &App, named: Option<&str>) -> Result<String, ApiError> {
    let Some(guid) = named.or(app.droplet_guid.as_deref()) else {
        return Err(ApiError::unprocessable(
            "Invalid droplet. Please specify a droplet in the request or set a current droplet \
             for the app.",
        ));
    };
    let droplet = call.store().droplet(guid).await?;
    let usable = droplet.filter(|d| d.app_guid == app.guid && d.state == DropletState::Staged);
    usable.map(|droplet| droplet.guid).ok_or_else(|| {
        ApiError::unprocessable(
            "Unable to assign current droplet. Ensure the droplet exists and belongs to this app.",
        )
    })
}

/// Writes a deployment and its process, which begins with no instance; of a stopped application the
/// process itself is changed, and the deployment is over.
async fn begin(
    call: &Call,
    tx: &mut Tx,
    (mut app, droplet): (App, String),
    wanted: Wanted,
) -> Result<Deployment, ApiError> {
    let processes = tx.processes_of(&app.guid).await?;
    let web = processes
        .iter()
        .rfind(|process| process.process_type == WEB);
    let web = web.cloned().ok_or_else(|| ApiError::not_found("Process"))?;
    let older = tx.active_deployments(&app.guid).await?;
    let mut made = new_deployment(call, &app, &web, &wanted);
    made.droplet_guid.clone_from(&droplet);
    if let Some(older) = older.first() {
        made.previous_process_guid
            .clone_from(&older.previous_process_guid);
        made.original_instances = older.original_instances;
        let goal = wanted.options.change.instances;
        made.desired_instances = goal.unwrap_or(older.desired_instances);
    }
    for mut older in older {
        older.state = DeploymentState::Superseded;
        older.updated_at = call.now;
        tx.update_deployment(&older).await?;
    }
    app.droplet_guid = Some(droplet.clone());
    app.updated_at = call.now;
    let change = ProcessChange {
        droplet_guid: Some(droplet),
        ..wanted.options.change
    };
    if app.state == AppState::Stopped {
        made.state = DeploymentState::Deployed;
        made.process_guid.clone_from(&web.guid);
        app.state = AppState::Started;
        for mut process in processes {
            process.version = fresh_guid();
            write_process(tx, &app, &mut process, change.clone()).await?;
        }
    } else {
        tx.insert_process(&new_process(&made, web, change)).await?;
    }
    tx.update_app(&app).await?;
    tx.insert_deployment(&made).await?;
    let data = json!({ "deployment_guid": made.guid, "droplet_guid": made.droplet_guid,
        "strategy": made.strategy.as_str() });
    call.record(tx, "audit.app.deployment.create", &app, data)
        .await?;
    Ok(made)
}

fn new_deployment(call: &Call, app: &App, web: &Process, wanted: &Wanted) -> Deployment {
    let goal = wanted.options.change.instances.unwrap_or(web.instances);
    Deployment {
        guid: fresh_guid(),
        app_guid: app.guid.clone(),
        state: DeploymentState::Deploying,
        strategy: wanted.strategy,
        max_in_flight: wanted.options.max_in_flight.unwrap_or(1),
        canary_steps: wanted.options.canary_steps.clone().unwrap_or_default(),
        canaries_ran: 0,
        droplet_guid: String::new(),
        previous_droplet_guid: app.droplet_guid.clone(),
        process_guid: fresh_guid(),
        previous_process_guid: web.guid.clone(),
        original_instances: web.instances,
        desired_instances: goal,
        deadline: call.now.after(DEADLINE),
        created_at: call.now,
        updated_at: call.now,
    }
}

fn new_process(made: &Deployment, web: Process, change: ProcessChange) -> Process {
    let mut process = Process {
        guid: made.process_guid.clone(),
        deployment_guid: Some(made.guid.clone()),
        version: fresh_guid(),
        created_at: made.created_at,
        updated_at: made.created_at,
        ..web
    };
    process.change(change, AppState::Stopped, String::new());
    // The controller raises it step by step.
    process.instances = 0;
    process
}

async fn show(call: Call, Path(guid): Path<String>) -> Answer {
    let (_, deployment) = call.deployment(&guid, Need::Read).await?;
    ok(call.document(&deployment).await?)
}

async fn change(call: Call, Path(guid): Path<String>, body: Body) -> Answer {
    let (_, deployment) = call.deployment(&guid, Need::Write).await?;
    call.mark(&deployment, &body).await
}

async fn cancel(call: Call, Path(guid): Path<String>) -> Answer {
    let (mut app, deployment) = call.deployment(&guid, Need::Operate).await?;
    let mut tx = call.store().begin().await?;
    let moved = step(&mut tx, &deployment.guid, DeploymentState::Canceling, &call).await?;
    let Some(moved) = moved else {
        let value = deployment.state.status_value();
        let reason = deployment.state.status_reason();
        return Err(ApiError::unprocessable(format!(
            "Cannot cancel a deployment with status: {value} and reason: {reason}"
        )));
    };
    if moved.previous_droplet_guid.is_some() {
        app.droplet_guid.clone_from(&moved.previous_droplet_guid);
        app.updated_at = call.now;
        tx.update_app(&app).await?;
    }
    let data = json!({ "deployment_guid": moved.guid, "droplet_guid": moved.droplet_guid });
    call.record(&mut tx, "audit.app.deployment.cancel", &app, data)
        .await?;
    tx.commit().await?;
    call.controller().deployment_changed(&moved.guid);
    ok(call.document(&moved).await?)
}

async fn proceed(call: Call, Path(guid): Path<String>) -> Answer {
    let (app, deployment) = call.deployment(&guid, Need::Operate).await?;
    let mut tx = call.store().begin().await?;
    let moved = step(&mut tx, &deployment.guid, DeploymentState::Deploying, &call).await?;
    let Some(moved) = moved else {
        let value = deployment.state.status_value();
        let reason = deployment.state.status_reason();
        return Err(ApiError::unprocessable(format!(
            "Cannot continue a deployment with status: {value} and reason: {reason}"
        )));
    };
    let data = json!({ "deployment_guid": moved.guid });
    call.record(&mut tx, "audit.app.deployment.continue", &app, data)
        .await?;
    tx.commit().await?;
    call.controller().deployment_changed(&moved.guid);
    ok(call.document(&moved).await?)
}

/// Moves a deployment on if it may go there from where it is now.
async fn step(
    tx: &mut Tx,
    guid: &str,
    next: DeploymentState,
    call: &Call,
) -> Result<Option<Deployment>, ApiError> {
    let found = tx.deployment(guid).await?;
    let Some(mut deployment) = found.filter(|now| now.state.may_become(next)) else {
        return Ok(None);
    };
    deployment.state = next;
    deployment.updated_at = call.now;
    deployment.deadline = call.now.after(DEADLINE);
    tx.update_deployment(&deployment).await?;
    Ok(Some(deployment))
}

resource!(Deployment, document);

fn document(base: &Base, deployment: &Deployment, marks: &Metadata) -> Value {
    let own = format!("/v3/deployments/{}", deployment.guid);
    let state = deployment.state;
    let new = json!({ "guid": deployment.process_guid, "type": WEB });
    let (status, options) = progress(deployment);
    json!({
        "guid": deployment.guid,
        "state": state.as_str(),
        "status": status,
        "strategy": deployment.strategy.as_str(),
        "options": options,
        "droplet": { "guid": deployment.droplet_guid },
        "previous_droplet": { "guid": deployment.previous_droplet_guid },
        "new_processes": [new],
        "revision": null,
        "created_at": rfc3339(deployment.created_at),
        "updated_at": rfc3339(deployment.updated_at),
        "relationships": { "app": { "data": { "guid": deployment.app_guid } } },
        "metadata": marks.document(),
        "links": {
            "self": base.link(&own),
            "app": base.link(&format!("/v3/apps/{}", deployment.app_guid)),
            "cancel": base.link_with(&format!("{own}/actions/cancel"), "POST"),
            "continue": base.link_with(&format!("{own}/actions/continue"), "POST"),
        },
    })
}

/// How far it is, and how it was asked to go on.
fn progress(deployment: &Deployment) -> (Map<String, Value>, Map<String, Value>) {
    let state = deployment.state;
    let changed = rfc3339(deployment.updated_at);
    let mut status = Map::new();
    status.insert("value".to_owned(), json!(state.status_value()));
    status.insert("reason".to_owned(), json!(state.status_reason()));
    let details = json!({ "last_successful_healthcheck": changed, "last_status_change": changed });
    status.insert("details".to_owned(), details);
    let mut options = Map::new();
    let max_in_flight = json!(deployment.max_in_flight);
    options.insert("max_in_flight".to_owned(), max_in_flight);
    let steps = &deployment.canary_steps;
    let total = canary_pauses(deployment.strategy, steps);
    if total > 0 {
        let on_its_way = u32::from(state != DeploymentState::Paused);
        let current = (deployment.canaries_ran + on_its_way).clamp(1, total);
        let steps_at = json!({ "steps": { "current": current, "total": total } });
        status.insert("canary".to_owned(), steps_at);
    }
    if !steps.is_empty() {
        let weight = |weight: &u32| json!({ "instance_weight": weight });
        let steps: Vec<Value> = steps.iter().map(weight).collect();
        options.insert("canary".to_owned(), json!({ "steps": steps }));
    }
    (status, options)
}

const FILTERS: &[&str] = &["app_guids", "states", "status_reasons", "status_values"];

/// How long nothing may happen before the controller gives up.
const DEADLINE: Duration = Duration::from_secs(600);
