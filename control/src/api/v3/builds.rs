//! Builds: making a droplet out of a package.

use std::time::Duration;

use axum::extract::Path;
use serde_json::{Map, Value, json};

use super::lifecycle::{self, LifecyclePatch};
use super::reach::fresh_guid;
use crate::api::listing::BY_TIME;
use crate::api::{
    Answer, ApiError, Base, Body, Call, Code, Listing, Metadata, Need, Routes, created, ok,
    resource, rfc3339, warned,
};
use crate::model::{
    App, Build, BuildState, Droplet, DropletState, Lifecycle, Package, PackageKind, PackageState,
    StackState, WEB,
};
use crate::store::{Filter, Stack, Tx};

pub(super) fn routes() -> Routes {
    Routes::new("Builds")
        .get("/v3/builds", "Lists builds", list)
        .post("/v3/builds", "Stages a package", create)
        .get("/v3/builds/{guid}", "Shows a build", show)
        .patch("/v3/builds/{guid}", "Changes the marks of a build", change)
        .get(
            "/v3/apps/{guid}/builds",
            "Lists the builds of an application",
            list_of_app,
        )
}

async fn list(call: Call) -> Answer {
    let mut listing = call.listing(&["app_guids", "package_guids", "states"], BY_TIME)?;
    call.keep_of_apps(&mut listing);
    listed(&call, listing).await
}

async fn list_of_app(call: Call, Path(guid): Path<String>) -> Answer {
    let mut listing = call.listing(&["package_guids", "states"], BY_TIME)?;
    let app = call.app(&guid, Need::Read).await?;
    listing.keep(Filter::equals("t.app_guid", &app.guid));
    listed(&call, listing).await
}

async fn listed(call: &Call, mut listing: Listing) -> Answer {
    listing.within("package_guids", "t.package_guid");
    listing.within("states", "t.state");
    call.list::<Build>(&listing).await
}

async fn create(call: Call, body: Body) -> Answer {
    let mut fields = body.fields();
    let package_guid = fields.nested("package", |package| package.required_text("guid"));
    if package_guid.is_none() {
        fields.problem_of("package", "can't be blank");
    }
    let patch = LifecyclePatch::read(&mut fields);
    let memory = fields.integer("staging_memory_in_mb", 1..=i64::from(i32::MAX));
    let disk = fields.integer("staging_disk_in_mb", 1..=i64::from(i32::MAX));
    let _rate = fields.integer("staging_log_rate_limit_bytes_per_second", -1..=i64::MAX);
    let marks = fields.metadata();
    fields.finish()?;
    let (app, package) = stageable(&call, &package_guid.unwrap_or_default()).await?;
    let web = call.store().processes_of(&app.guid).await?;
    let web = web.iter().find(|process| process.process_type == WEB);
    let least = web.map_or(MIN_MEMORY_MB, |web| web.memory_mb.max(MIN_MEMORY_MB));
    let own = |given: Option<i64>| given.and_then(|mb| u32::try_from(mb).ok());
    let lifecycle = lifecycle::resolve(&call, patch, Some(&app.lifecycle)).await?;
    let warning = check_stack(&call, &app, &lifecycle).await?;
    let build = Build {
        guid: fresh_guid(),
        app_guid: app.guid.clone(),
        package_guid: package.guid.clone(),
        droplet_guid: None,
        state: BuildState::Staging,
        error: None,
        lifecycle,
        memory_mb: own(memory).unwrap_or(least),
        disk_mb: own(disk).unwrap_or(DISK_MB),
        stager: None,
        deadline: call.now.after(DEADLINE),
        created_by_guid: call.caller.guid().to_owned(),
        created_by_name: call.caller.actor.name().to_owned(),
        created_at: call.now,
        updated_at: call.now,
    };
    let mut tx = call.store().begin().await?;
    replace_older(&mut tx, &build).await?;
    let build = insert(&mut tx, build, &package).await?;
    tx.write_metadata(&build.guid, &marks).await?;
    let data = json!({ "build_guid": build.guid, "package_guid": package.guid });
    call.record(&mut tx, "audit.app.build.create", &app, data)
        .await?;
    tx.commit().await?;
    if build.state == BuildState::Staging {
        call.controller().stage(&build.guid);
    }
    let answer = created(call.document(&build).await?);
    let Some(words) = warning else {
        return answer;
    };
    call.controller()
        .log(&app.guid, "STG", &format!("WARNING: {words}"));
    warned(answer, &words)
}

/// Whether the stack lets the application be staged, and what is to be told of it.
async fn check_stack(
    call: &Call,
    app: &App,
    lifecycle: &Lifecycle,
) -> Result<Option<String>, ApiError> {
    let stack: Option<Stack> = call
        .store()
        .first(vec![Filter::equals("t.name", lifecycle.stack())])
        .await?;
    let Some(stack) = stack.filter(|stack| stack.state != StackState::Active) else {
        return Ok(None);
    };
    let staged = vec![
        Filter::equals("t.app_guid", &app.guid),
        Filter::equals("t.state", DropletState::Staged.as_str()),
    ];
    let before: Option<Droplet> = call.store().first(staged).await?;
    let reason = stack.state_reason.as_deref();
    match stack.state.refusal(&stack.name, reason, before.is_some()) {
        Some(words) => Err(ApiError::unprocessable(words)),
        None => Ok(stack.state.warning(&stack.name, reason)),
    }
}

async fn stageable(call: &Call, guid: &str) -> Result<(App, Package), ApiError> {
    let (app, package) = match call.package(guid, Need::Write).await {
        Err(refused) if refused.code() == Code::ResourceNotFound => {
            return Err(ApiError::unprocessable(
                "Unable to use package. Ensure that the package exists and you have access to it.",
            ));
        }
        other => other?,
    };
    if package.state != PackageState::Ready {
        return Err(ApiError::new(
            Code::BadRequest,
            "Bad request: Cannot stage package whose state is not ready.",
        ));
    }
    Ok((app, package))
}

/// A new build takes the place of those that still run.
async fn replace_older(tx: &mut Tx, newer: &Build) -> Result<(), ApiError> {
    let running: Vec<Build> = tx
        .all(vec![
            Filter::equals("t.app_guid", &newer.app_guid),
            Filter::equals("t.state", BuildState::Staging.as_str()),
        ])
        .await?;
    for older in running {
        tx.update_build(&Build {
            state: BuildState::Failed,
            error: Some(REPLACED.to_owned()),
            updated_at: newer.created_at,
            ..older
        })
        .await?;
    }
    Ok(())
}

/// Writes a build; an image needs no staging and is a droplet at once.
async fn insert(tx: &mut Tx, build: Build, package: &Package) -> Result<Build, ApiError> {
    if package.kind == PackageKind::Bits {
        tx.insert_build(&build).await?;
        return Ok(build);
    }
    let mut process_types = Map::new();
    process_types.insert(WEB.to_owned(), json!(""));
    let droplet = Droplet {
        guid: fresh_guid(),
        app_guid: build.app_guid.clone(),
        package_guid: Some(package.guid.clone()),
        state: DropletState::Staged,
        error: None,
        sha1: None,
        sha256: None,
        size_bytes: None,
        process_types,
        buildpacks: Vec::new(),
        execution_metadata: String::new(),
        stack: None,
        image: package.image.clone(),
        created_at: build.created_at,
        updated_at: build.created_at,
    };
    tx.insert_droplet(&droplet).await?;
    let build = Build {
        state: BuildState::Staged,
        droplet_guid: Some(droplet.guid),
        lifecycle: Lifecycle::Docker,
        ..build
    };
    tx.insert_build(&build).await?;
    Ok(build)
}

async fn show(call: Call, Path(guid): Path<String>) -> Answer {
    let (_, build) = call.build(&guid, Need::Read).await?;
    ok(call.document(&build).await?)
}

async fn change(call: Call, Path(guid): Path<String>, body: Body) -> Answer {
    let (_, build) = call.build(&guid, Need::Write).await?;
    call.mark(&build, &body).await
}

resource!(Build, document);

fn document(base: &Base, build: &Build, marks: &Metadata) -> Value {
    let mut links = json!({
        "self": base.link(&format!("/v3/builds/{}", build.guid)),
        "app": base.link(&format!("/v3/apps/{}", build.app_guid)),
    });
    if let (Some(droplet), Some(links)) = (&build.droplet_guid, links.as_object_mut()) {
        let link = base.link(&format!("/v3/droplets/{droplet}"));
        links.insert("droplet".to_owned(), link);
    }
    json!({
        "guid": build.guid,
        "state": build.state.as_str(),
        "error": build.error,
        "staging_memory_in_mb": build.memory_mb,
        "staging_disk_in_mb": build.disk_mb,
        "staging_log_rate_limit_bytes_per_second": -1,
        "lifecycle": lifecycle::document(&build.lifecycle),
        "package": { "guid": build.package_guid },
        "droplet": build.droplet_guid.as_ref().map(|guid| json!({ "guid": guid })),
        "created_by": {
            "guid": build.created_by_guid,
            "name": build.created_by_name,
            "email": build.created_by_name,
        },
        "created_at": rfc3339(build.created_at),
        "updated_at": rfc3339(build.updated_at),
        "relationships": { "app": { "data": { "guid": build.app_guid } } },
        "metadata": marks.document(),
        "links": links,
    })
}

const REPLACED: &str = "StagingError - another staging request was initiated";

const MIN_MEMORY_MB: u32 = 1024;
const DISK_MB: u32 = 4096;
const DEADLINE: Duration = Duration::from_secs(900);
