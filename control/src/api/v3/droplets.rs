//! Droplets: what instances run.

use axum::extract::Path;
use serde_json::{Map, Value, json};

use super::reach::fresh_guid;
use crate::api::listing::BY_TIME;
use crate::api::{
    Answer, ApiError, Base, Body, Call, Fields, Listing, Metadata, Need, Routes, created, ok,
    resource, rfc3339,
};
use crate::model::{App, Droplet, DropletState};
use crate::store::Filter;

pub(super) fn routes() -> Routes {
    Routes::new("Droplets")
        .get("/v3/droplets", "Lists droplets", list)
        .post(
            "/v3/droplets",
            "Makes a droplet to be uploaded, or copies one",
            create,
        )
        .get("/v3/droplets/{guid}", "Shows a droplet", show)
        .patch(
            "/v3/droplets/{guid}",
            "Changes the marks of a droplet",
            change,
        )
        .delete("/v3/droplets/{guid}", "Removes a droplet", delete)
        .get(
            "/v3/droplets/{guid}/download",
            "Gives the bits of a droplet",
            download,
        )
        .get(
            "/v3/apps/{guid}/droplets",
            "Lists the droplets of an application",
            list_of_app,
        )
        .get(
            "/v3/apps/{guid}/droplets/current",
            "Shows what an application runs",
            current,
        )
        .get(
            "/v3/packages/{guid}/droplets",
            "Lists the droplets of a package",
            list_of_package,
        )
}

async fn list(call: Call) -> Answer {
    let mut listing = call.listing(&["app_guids", "space_guids", "states"], BY_TIME)?;
    call.keep_of_apps(&mut listing);
    listed(&call, listing).await
}

async fn list_of_app(call: Call, Path(guid): Path<String>) -> Answer {
    let mut listing = call.listing(&["states", "current"], BY_TIME)?;
    let app = call.app(&guid, Need::Read).await?;
    listing.keep(Filter::equals("t.app_guid", &app.guid));
    if listing.query.flag("current")? == Some(true) {
        let current = app.droplet_guid.unwrap_or_default();
        listing.keep(Filter::equals("t.guid", current));
    }
    listed(&call, listing).await
}

async fn list_of_package(call: Call, Path(guid): Path<String>) -> Answer {
    let mut listing = call.listing(&["states"], BY_TIME)?;
    let (_, package) = call.package(&guid, Need::Read).await?;
    listing.keep(Filter::equals("t.package_guid", &package.guid));
    listed(&call, listing).await
}

async fn listed(call: &Call, mut listing: Listing) -> Answer {
    listing.within("states", "t.state");
    let hide = |_: &Droplet, shown: &mut Value| hide_commands(shown);
    let (_, whole) = call.listed(&listing, hide).await?;
    ok(whole)
}

async fn create(call: Call, body: Body) -> Answer {
    let query = call.query(&["source_guid"])?;
    let mut fields = body.fields();
    let process_types = commands(&mut fields);
    let app_guid = fields.relationship("app");
    fields.finish()?;
    let app = call.named_app(&app_guid).await?;
    let droplet = match query.text("source_guid") {
        Some(source) => copy(&call, &app, source).await?,
        None => awaiting(&call, &app, process_types),
    };
    let mut tx = call.store().begin().await?;
    tx.insert_droplet(&droplet).await?;
    let data = json!({ "droplet_guid": droplet.guid });
    call.record(&mut tx, "audit.app.droplet.create", &app, data)
        .await?;
    tx.commit().await?;
    created(call.document(&droplet).await?)
}

fn commands(fields: &mut Fields<'_>) -> Map<String, Value> {
    match fields.value("process_types") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(commands)) if commands.values().all(Value::is_string) => {
            commands.clone()
        }
        Some(_) => {
            fields.problem_of("process_types", "must be an object with string values");
            Map::new()
        }
    }
}

fn awaiting(call: &Call, app: &App, process_types: Map<String, Value>) -> Droplet {
    let stack = app.lifecycle.stack();
    Droplet {
        guid: fresh_guid(),
        app_guid: app.guid.clone(),
        package_guid: None,
        state: DropletState::AwaitingUpload,
        error: None,
        sha1: None,
        sha256: None,
        size_bytes: None,
        process_types,
        buildpacks: Vec::new(),
        execution_metadata: String::new(),
        stack: (!stack.is_empty()).then(|| stack.to_owned()),
        image: None,
        created_at: call.now,
        updated_at: call.now,
    }
}

async fn copy(call: &Call, app: &App, source: &str) -> Result<Droplet, ApiError> {
    match call.droplet(source, Need::Write).await {
        Ok((_, source)) => Ok(Droplet {
            guid: fresh_guid(),
            app_guid: app.guid.clone(),
            package_guid: None,
            created_at: call.now,
            updated_at: call.now,
            ..source
        }),
        Err(_) => Err(ApiError::unprocessable("Source droplet not found")),
    }
}

async fn show(call: Call, Path(guid): Path<String>) -> Answer {
    let (_, droplet) = call.droplet(&guid, Need::Read).await?;
    ok(call.document(&droplet).await?)
}

async fn current(call: Call, Path(guid): Path<String>) -> Answer {
    let app = call.app(&guid, Need::Read).await?;
    let droplet = match &app.droplet_guid {
        Some(guid) => call.store().droplet(guid).await?,
        None => None,
    };
    let droplet = droplet.ok_or_else(|| ApiError::not_found("Droplet"))?;
    ok(call.document(&droplet).await?)
}

async fn change(call: Call, Path(guid): Path<String>, body: Body) -> Answer {
    let (_, droplet) = call.droplet(&guid, Need::Write).await?;
    call.mark(&droplet, &body).await
}

async fn delete(call: Call, Path(guid): Path<String>) -> Answer {
    let (app, droplet) = call.droplet(&guid, Need::Write).await?;
    if app.droplet_guid.as_deref() == Some(&droplet.guid) {
        return Err(ApiError::unprocessable(
            "Unable to delete the current droplet of an app. Assign another droplet first.",
        ));
    }
    let mut tx = call.store().begin().await?;
    tx.delete_droplet(&droplet.guid).await?;
    tx.delete_metadata(&droplet.guid).await?;
    let data = json!({ "droplet_guid": droplet.guid });
    call.record(&mut tx, "audit.app.droplet.delete", &app, data)
        .await?;
    tx.commit().await?;
    call.job("droplet.delete").await
}

async fn download(call: Call, Path(guid): Path<String>) -> Answer {
    let (_, droplet) = call.droplet(&guid, Need::Write).await?;
    let sha256 = droplet.sha256.as_deref();
    super::packages::blob(&call, sha256, "application/gzip").await
}

resource!(Droplet, document);

fn document(base: &Base, droplet: &Droplet, marks: &Metadata) -> Value {
    let own = format!("/v3/droplets/{}", droplet.guid);
    let app = format!("/v3/apps/{}", droplet.app_guid);
    let kind = if droplet.image.is_some() {
        "docker"
    } else {
        "buildpack"
    };
    let package = droplet.package_guid.as_ref();
    json!({
        "guid": droplet.guid,
        "state": droplet.state.as_str(),
        "error": droplet.error,
        "lifecycle": { "type": kind, "data": {} },
        "execution_metadata": droplet.execution_metadata,
        "process_types": droplet.process_types,
        "checksum": droplet.sha256.as_ref().map(|value| json!({ "type": "sha256", "value": value })),
        "buildpacks": droplet.buildpacks,
        "stack": droplet.stack,
        "image": droplet.image,
        "created_at": rfc3339(droplet.created_at),
        "updated_at": rfc3339(droplet.updated_at),
        "relationships": { "app": { "data": { "guid": droplet.app_guid } } },
        "metadata": marks.document(),
        "links": {
            "self": base.link(&own),
            "app": base.link(&app),
            "package": package.map(|guid| base.link(&format!("/v3/packages/{guid}"))),
            "assign_current_droplet":
                base.link_with(&format!("{app}/relationships/current_droplet"), "PATCH"),
            "download": base.link(&format!("{own}/download")),
            "upload": base.link_with(&format!("{own}/upload"), "POST"),
        },
    })
}

// compat: a list does not tell commands; the single droplet does.
fn hide_commands(shown: &mut Value) {
    if let Some(fields) = shown.as_object_mut() {
        let hidden = json!({ "redacted_message": "[PRIVATE DATA HIDDEN IN LISTS]" });
        fields.insert("process_types".to_owned(), hidden);
        fields.insert(
            "execution_metadata".to_owned(),
            json!("[PRIVATE DATA HIDDEN IN LISTS]"),
        );
    }
}
