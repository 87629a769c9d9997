//! Buildpacks of the operator.

use axum::extract::multipart::MultipartRejection;
use axum::extract::{Multipart, Path};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use http::StatusCode;
use serde_json::{Value, json};

use crate::api::{
    Answer, ApiError, Base, Body, Call, JobOutcome, Metadata, Orders, Routes, created, ok,
    resource, rfc3339,
};
use crate::blobs::BlobError;
use crate::store::{Buildpack, Filter, Stack, StoreError};

pub(super) fn routes() -> Routes {
    Routes::new("Buildpacks")
        .get("/v3/buildpacks", "Lists buildpacks", list)
        .post("/v3/buildpacks", "Makes a buildpack", create)
        .get("/v3/buildpacks/{guid}", "Shows a buildpack", show)
        .patch("/v3/buildpacks/{guid}", "Changes a buildpack", update)
        .delete("/v3/buildpacks/{guid}", "Takes a buildpack away", delete)
        .upload(
            "/v3/buildpacks/{guid}/upload",
            "Stores the bits of a buildpack",
            upload,
        )
}

const ORDERS: Orders = &[
    ("position", "t.position"),
    ("created_at", "t.created_at"),
    ("updated_at", "t.updated_at"),
    ("name", "t.name"),
];

async fn list(call: Call) -> Answer {
    let mut listing = call.listing(&["names", "stacks", "lifecycle"], ORDERS)?;
    listing.within("names", "t.name");
    listing.within("stacks", "t.stack");
    let lifecycles = listing.query.values("lifecycle");
    if lifecycles.is_some_and(|words| !words.iter().any(|word| word == "buildpack")) {
        listing.keep(Filter::sql("1 = 0"));
    }
    call.list::<Buildpack>(&listing).await
}

async fn show(call: Call, Path(guid): Path<String>) -> Answer {
    call.query(&[])?;
    let buildpack = found(&call, &guid).await?;
    ok(call.document(&buildpack).await?)
}

async fn create(call: Call, body: Body) -> Answer {
    call.need_admin()?;
    let mut fields = body.fields();
    let name = fields.required_name("name");
    let stack = fields.text("stack");
    let position = fields.integer("position", 1..=MAX_POSITION).unwrap_or(1);
    let enabled = fields.flag("enabled").unwrap_or(true);
    let locked = fields.flag("locked").unwrap_or(false);
    if fields
        .text("lifecycle")
        .is_some_and(|word| word != "buildpack")
    {
        fields.problem("Lifecycle must be 'buildpack'");
    }
    let metadata = fields.metadata();
    fields.finish()?;
    check_stack(&call, stack.as_deref()).await?;
    let buildpack = Buildpack {
        guid: call.guid(),
        name,
        stack,
        position,
        enabled,
        locked,
        filename: None,
        sha256: None,
        created_at: call.now,
        updated_at: call.now,
    };
    write(&call, &buildpack, &metadata).await?;
    created(call.document(&buildpack).await?)
}

async fn update(call: Call, Path(guid): Path<String>, body: Body) -> Answer {
    let mut buildpack = found(&call, &guid).await?;
    call.need_admin()?;
    let mut fields = body.fields();
    let name = fields.name("name");
    let stack = fields.text("stack");
    let position = fields.integer("position", 1..=MAX_POSITION);
    let enabled = fields.flag("enabled");
    let locked = fields.flag("locked");
    let metadata = fields.metadata();
    fields.finish()?;
    check_stack(&call, stack.as_deref()).await?;
    buildpack.name = name.unwrap_or(buildpack.name);
    buildpack.stack = stack.or(buildpack.stack);
    buildpack.position = position.unwrap_or(buildpack.position);
    buildpack.enabled = enabled.unwrap_or(buildpack.enabled);
    buildpack.locked = locked.unwrap_or(buildpack.locked);
    buildpack.updated_at = call.now;
    write(&call, &buildpack, &metadata).await?;
    ok(call.document(&buildpack).await?)
}

async fn delete(call: Call, Path(guid): Path<String>) -> Answer {
    let buildpack = found(&call, &guid).await?;
    call.need_admin()?;
    let job = call.guid();
    let mut tx = call.store().begin().await?;
    tx.delete_buildpack(&buildpack.guid).await?;
    JobOutcome::Complete
        .write(&mut tx, &job, "buildpack.delete", call.now)
        .await?;
    tx.commit().await?;
    Ok(call.accepted(&job))
}

async fn upload(
    call: Call,
    Path(guid): Path<String>,
    parts: Result<Multipart, MultipartRejection>,
) -> Answer {
    let mut buildpack = found(&call, &guid).await?;
    call.need_admin()?;
    if buildpack.locked {
        return Err(ApiError::unprocessable("Buildpack is locked"));
    }
    let parts = parts.map_err(|_| ApiError::unparsable("the body is not multipart/form-data"))?;
    let (filename, digest) = stored(&call, parts).await?;
    buildpack.filename = Some(filename);
    buildpack.sha256 = Some(digest);
    buildpack.updated_at = call.now;
    let job = call.guid();
    let mut tx = call.store().begin().await?;
    tx.write_buildpack(&buildpack).await?;
    JobOutcome::Complete
        .write(&mut tx, &job, "buildpack.upload", call.now)
        .await?;
    tx.commit().await?;
    let location = call.base.url(&format!("/v3/jobs/{job}"));
    let shown = call.document(&buildpack).await?;
    let fields = [(http::header::LOCATION, location)];
    let response: Response = (StatusCode::ACCEPTED, fields, axum::Json(shown)).into_response();
    Ok(response)
}

/// Streams the part `bits` into the blobs; gives its file's name and digest.
async fn stored(call: &Call, mut parts: Multipart) -> Result<(String, String), ApiError> {
    let unreadable = |_| ApiError::unparsable("the form could not be read");
    while let Some(part) = parts.next_field().await.map_err(unreadable)? {
        if part.name() != Some("bits") {
            continue;
        }
        let filename = part.file_name().unwrap_or("buildpack.zip").to_owned();
        let chunks = stream::unfold(part, |mut part| async move {
            part.chunk().await.transpose().map(|chunk| (chunk, part))
        });
        let kept = call.api.blobs().put_stream(chunks, MAX_BITS_BYTES).await;
        return match kept {
            Ok(kept) => Ok((filename, kept.digest.to_string())),
            Err(BlobError::TooLarge { max_bytes }) => Err(ApiError::too_large(max_bytes)),
            Err(BlobError::Source(_)) => Err(ApiError::unparsable("the upload broke off")),
            Err(error) => Err(ApiError::fault(&error)),
        };
    }
    Err(ApiError::unprocessable(
        "Uploaded bits are required: the form has no part 'bits'",
    ))
}

async fn check_stack(call: &Call, stack: Option<&str>) -> Result<(), ApiError> {
    let Some(name) = stack else {
        return Ok(());
    };
    let known: Option<Stack> = call
        .store()
        .first(vec![Filter::equals("t.name", name)])
        .await?;
    match known {
        Some(_) => Ok(()),
        None => Err(ApiError::unprocessable(format!(
            "Stack '{name}' does not exist"
        ))),
    }
}

async fn write(
    call: &Call,
    buildpack: &Buildpack,
    metadata: &crate::api::MetadataPatch,
) -> Result<(), ApiError> {
    let mut tx = call.store().begin().await?;
    match tx.write_buildpack(buildpack).await {
        Err(StoreError::Taken) => {
            let name = &buildpack.name;
            let detail = match &buildpack.stack {
                Some(stack) => {
                    format!("Buildpack with name '{name}' and stack '{stack}' already exists")
                }
                None => {
                    format!("Buildpack with name '{name}' and an unassigned stack already exists")
                }
            };
            return Err(ApiError::unprocessable(detail));
        }
        other => other?,
    }
    tx.write_metadata(&buildpack.guid, metadata).await?;
    Ok(tx.commit().await?)
}

async fn found(call: &Call, guid: &str) -> Result<Buildpack, ApiError> {
    let buildpack = call.store().buildpack(guid).await?;
    buildpack.ok_or_else(|| ApiError::not_found("Buildpack"))
}

resource!(Buildpack, document);

fn document(base: &Base, buildpack: &Buildpack, marks: &Metadata) -> Value {
    let own = format!("/v3/buildpacks/{}", buildpack.guid);
    json!({
        "guid": buildpack.guid,
        "created_at": rfc3339(buildpack.created_at),
        "updated_at": rfc3339(buildpack.updated_at),
        "name": buildpack.name,
        "stack": buildpack.stack,
        "position": buildpack.position,
        "enabled": buildpack.enabled,
        "locked": buildpack.locked,
        "state": buildpack.state(),
        "filename": buildpack.filename,
        "lifecycle": "buildpack",
        "metadata": marks.document(),
        "links": {
            "self": base.link(&own),
            "upload": base.link_with(&format!("{own}/upload"), "POST"),
        },
    })
}

const MAX_POSITION: i64 = 1_000_000;
const MAX_BITS_BYTES: u64 = 2 * 1024 * 1024 * 1024;
