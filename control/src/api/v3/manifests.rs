//! Manifests: applied in one transaction, compared, and written.

use axum::extract::{Path, Request};
use axum::response::IntoResponse;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::manifest_apply::Applying;
use crate::api::{Answer, ApiError, Call, Code, JobOutcome, Need, Routes, body, created};
use crate::model::manifest::{BadManifest, Described, Manifest, diff, render, to_yaml};
use crate::model::{App, Package, PackageKind, Sidecar};
use crate::store::{Direction, Filter, ListQuery, Order};

pub(super) fn routes() -> Routes {
    Routes::new("Manifests")
        .post(
            "/v3/spaces/{guid}/actions/apply_manifest",
            "Makes applications what a manifest says, all or none",
            apply,
        )
        .post(
            "/v3/spaces/{guid}/manifest_diff",
            "Tells what a manifest would change",
            difference,
        )
        .get(
            "/v3/apps/{guid}/manifest",
            "Writes the manifest of an application",
            show,
        )
}

async fn apply(call: Call, Path(guid): Path<String>, request: Request) -> Answer {
    let space = call.space(&guid, Need::Write, "Space").await?;
    let manifest = read(request).await?;
    let mut tx = call.store().begin().await?;
    let mut touched = Vec::new();
    let job = call.guid();
    for wanted in &manifest.applications {
        let applied = Applying::begin(&call, &mut tx, (&space, wanted), &job).await;
        let applied = match applied {
            Ok(applying) => applying.finish().await,
            Err(error) => Err(error),
        };
        touched.push(applied.map_err(|error| about(&wanted.name, &error))?);
    }
    let outcome = if touched.iter().any(|applied| applied.waits) {
        JobOutcome::Processing
    } else {
        JobOutcome::Complete
    };
    outcome
        .write(&mut tx, &job, "space.apply_manifest", call.now)
        .await?;
    tx.commit().await?;
    call.api.services().nudge();
    for applied in &touched {
        call.controller().app_changed(&applied.guid);
        let verb = if applied.is_new { "Created" } else { "Updated" };
        let line = format!("{verb} app with guid {}", applied.guid);
        call.controller().log(&applied.guid, "API", &line);
    }
    Ok(call.accepted(&job))
}

async fn difference(call: Call, Path(guid): Path<String>, request: Request) -> Answer {
    let space = call.space(&guid, Need::Read, "Space").await?;
    let manifest = read(request).await?;
    let names = manifest.applications.iter().map(|wanted| &wanted.name);
    let apps: Vec<App> = call
        .store()
        .all(vec![
            Filter::equals("t.space_guid", &space.guid),
            Filter::within("t.name", names),
        ])
        .await?;
    let mut current = Vec::new();
    for app in apps {
        current.push(render(&describe(&call, app).await?));
    }
    created(json!({ "diff": diff(&manifest.written, &current) }))
}

async fn show(call: Call, Path(guid): Path<String>) -> Answer {
    let app = call.app(&guid, Need::Write).await?;
    let entry = render(&describe(&call, app).await?);
    let document: Value = json!({ "applications": [entry] });
    Ok(([(CONTENT_TYPE, "application/x-yaml")], to_yaml(&document)).into_response())
}

async fn read(request: Request) -> Result<Manifest, ApiError> {
    let kind = request.headers().get(CONTENT_TYPE);
    let kind = kind
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_owned();
    if !YAML.contains(&kind.as_str()) {
        let detail = "Bad request: Content-Type must be yaml";
        return Err(ApiError::new(Code::BadRequest, detail));
    }
    let bytes = body::read(request, MAX_MANIFEST_BYTES).await?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| ApiError::unparsable("the manifest is not UTF-8"))?;
    if text.contains('\0') {
        return Err(ApiError::unparsable("a string holds the character U+0000"));
    }
    Manifest::parse(text).map_err(|bad| match bad {
        BadManifest::NotYaml(problem) => ApiError::unparsable(&problem),
        BadManifest::Wrong(problems) => ApiError::unprocessable(problems.join(", ")),
    })
}

async fn describe(call: &Call, app: App) -> Result<Described, ApiError> {
    let store = call.store();
    let routes = store.routes_to(&app.guid).await?;
    let bound = store.bound_services(&app.guid).await?;
    let marks = store.metadata_of(&[&app.guid]).await?;
    let marks = super::reach::metadata_in(&marks, &app.guid);
    let of_app = || vec![Filter::equals("t.app_guid", &app.guid)];
    let sidecars: Vec<Sidecar> = store.all(of_app()).await?;
    let newest = ListQuery {
        order: Order {
            column: "t.created_at",
            direction: Direction::Descending,
        },
        per_page: 1,
        ..ListQuery::all(of_app())
    };
    let newest = newest.and(Filter::equals("t.type", PackageKind::Docker.as_str()));
    let packages = store.page::<Package>(&newest).await?;
    Ok(Described {
        processes: store.processes_of(&app.guid).await?,
        sidecars,
        routes: routes.iter().map(crate::model::Route::url).collect(),
        services: bound.into_iter().map(|bound| bound.instance.name).collect(),
        package: packages.items.into_iter().next(),
        labels: marks.labels,
        annotations: marks.annotations,
        app,
    })
}

/// The refusal with the application that it is about.
fn about(name: &str, error: &ApiError) -> ApiError {
    if error.code() == Code::UnprocessableEntity {
        ApiError::unprocessable(format!("For application '{name}': {}", error.detail()))
    } else {
        error.clone()
    }
}

const YAML: [&str; 5] = [
    "application/x-yaml",
    "application/yaml",
    "text/x-yaml",
    "text/yaml",
    "text/vnd.yaml",
];

const MAX_MANIFEST_BYTES: usize = 1 << 20;
