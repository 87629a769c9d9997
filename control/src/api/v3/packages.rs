//! Packages: what was pushed, before it is staged.

use axum::body::Body as Stream;
use axum::extract::Path;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use serde_json::{Value, json};

use super::flags;
use super::reach::fresh_guid;
use crate::api::listing::BY_TIME;
use crate::api::{
    Answer, ApiError, Base, Body, Call, Fields, Listing, Metadata, Need, Routes, created, ok,
    resource, rfc3339,
};
use crate::blobs::{BlobError, Digest};
use crate::model::{App, Package, PackageKind, PackageState};
use crate::store::Filter;

pub(super) fn routes() -> Routes {
    Routes::new("Packages")
        .get("/v3/packages", "Lists packages", list)
        .post("/v3/packages", "Makes a package, or copies one", create)
        .get("/v3/packages/{guid}", "Shows a package", show)
        .patch(
            "/v3/packages/{guid}",
            "Changes the marks of a package",
            change,
        )
        .delete("/v3/packages/{guid}", "Removes a package", delete)
        .get(
            "/v3/packages/{guid}/download",
            "Gives the bits of a package",
            download,
        )
        .get(
            "/v3/apps/{guid}/packages",
            "Lists the packages of an application",
            list_of_app,
        )
        .post(
            "/v3/resource_matches",
            "Names the files that need no upload",
            resource_matches,
        )
}

async fn list(call: Call) -> Answer {
    let mut listing = call.listing(FILTERS, BY_TIME)?;
    call.keep_of_apps(&mut listing);
    listed(&call, listing).await
}

async fn list_of_app(call: Call, Path(guid): Path<String>) -> Answer {
    let mut listing = call.listing(FILTERS, BY_TIME)?;
    let app = call.app(&guid, Need::Read).await?;
    listing.keep(Filter::equals("t.app_guid", &app.guid));
    listed(&call, listing).await
}

async fn listed(call: &Call, mut listing: Listing) -> Answer {
    listing.within("states", "t.state");
    listing.within("types", "t.type");
    call.list::<Package>(&listing).await
}

async fn create(call: Call, body: Body) -> Answer {
    let query = call.query(&["source_guid"])?;
    let mut fields = body.fields();
    let source = query.text("source_guid");
    let wanted = match source {
        None => read(&mut fields),
        Some(_) => Wanted::default(),
    };
    let app_guid = fields.relationship("app");
    let patch = fields.metadata();
    fields.finish()?;
    let app = call.named_app(&app_guid).await?;
    if wanted.image.is_some() {
        flags::need(&call, "diego_docker").await?;
    }
    let package = match source {
        Some(source) => copy(&call, &app, source).await?,
        None => wanted.package(&call, &app),
    };
    let mut tx = call.store().begin().await?;
    tx.insert_package(&package).await?;
    tx.write_metadata(&package.guid, &patch).await?;
    let data = json!({ "package_guid": package.guid });
    call.record(&mut tx, "audit.app.package.create", &app, data)
        .await?;
    tx.commit().await?;
    created(call.document(&package).await?)
}

/// What a body says about a new package.
#[derive(Default)]
struct Wanted {
    image: Option<String>,
    username: Option<String>,
    password: Option<String>,
}

fn read(fields: &mut Fields<'_>) -> Wanted {
    let kind = fields.required_text("type");
    let image = fields
        .nested("data", |data| Wanted {
            image: data.text("image"),
            username: data.text("username"),
            password: data.text("password"),
        })
        .unwrap_or_default();
    match PackageKind::parse(&kind) {
        Some(PackageKind::Docker) if image.image.as_deref().is_none_or(str::is_empty) => {
            fields.problem("Data Image required");
        }
        Some(PackageKind::Bits) if image.image.is_some() => {
            fields.problem("Data must be empty if provided for bits packages");
        }
        None if !kind.is_empty() => fields.problem("Type must be one of 'bits, docker'"),
        Some(PackageKind::Docker | PackageKind::Bits) | None => {}
    }
    image
}

impl Wanted {
    fn package(self, call: &Call, app: &App) -> Package {
        let (kind, state) = if self.image.is_some() {
            (PackageKind::Docker, PackageState::Ready)
        } else {
            (PackageKind::Bits, PackageState::AwaitingUpload)
        };
        Package {
            guid: fresh_guid(),
            app_guid: app.guid.clone(),
            kind,
            state,
            error: None,
            sha256: None,
            size_bytes: None,
            image: self.image,
            image_username: self.username,
            image_password: self.password,
            created_at: call.now,
            updated_at: call.now,
        }
    }
}

async fn copy(call: &Call, app: &App, source: &str) -> Result<Package, ApiError> {
    match call.package(source, Need::Write).await {
        Ok((_, source)) => Ok(Package {
            guid: fresh_guid(),
            app_guid: app.guid.clone(),
            created_at: call.now,
            updated_at: call.now,
            ..source
        }),
        Err(_) => Err(ApiError::unprocessable("Source package not found")),
    }
}

async fn show(call: Call, Path(guid): Path<String>) -> Answer {
    let (_, package) = call.package(&guid, Need::Read).await?;
    ok(call.document(&package).await?)
}

async fn change(call: Call, Path(guid): Path<String>, body: Body) -> Answer {
    let (_, package) = call.package(&guid, Need::Write).await?;
    call.mark(&package, &body).await
}

async fn delete(call: Call, Path(guid): Path<String>) -> Answer {
    let (app, package) = call.package(&guid, Need::Write).await?;
    let mut tx = call.store().begin().await?;
    tx.delete_package(&package.guid).await?;
    tx.delete_metadata(&package.guid).await?;
    let data = json!({ "package_guid": package.guid });
    call.record(&mut tx, "audit.app.package.delete", &app, data)
        .await?;
    tx.commit().await?;
    call.job("package.delete").await
}

async fn download(call: Call, Path(guid): Path<String>) -> Answer {
    let (_, package) = call.package(&guid, Need::Write).await?;
    if package.kind != PackageKind::Bits {
        let words = "Package type must be bits.";
        return Err(ApiError::unprocessable(words));
    }
    blob(&call, package.sha256.as_deref(), "application/zip").await
}

/// Streams a blob that a row names; one that has no bits yet is told.
pub(super) async fn blob(call: &Call, sha256: Option<&str>, content_type: &str) -> Answer {
    let digest: Option<Digest> = sha256.and_then(|text| text.parse().ok());
    let Some(digest) = digest else {
        return Err(ApiError::unprocessable("Package has no bits to download."));
    };
    let reader = call.api.blobs().open(&digest).await;
    let reader = reader.map_err(|error| match error {
        BlobError::Missing => ApiError::not_found("Bits"),
        other => ApiError::fault(&other),
    })?;
    http::Response::builder()
        .header(CONTENT_TYPE, content_type)
        .header(CONTENT_LENGTH, reader.size_bytes())
        .body(Stream::from_stream(reader))
        .map_err(|error| ApiError::fault(&error))
}

/// Nothing is ever matched: an upload is streamed and stored once whatever it holds, and the
/// search for matches was what made pushes of many files slow.
async fn resource_matches(call: Call, body: Body) -> Answer {
    call.query(&[])?;
    let mut fields = body.fields();
    if !fields.value("resources").is_some_and(Value::is_array) {
        fields.problem_of("resources", "is not an array");
    }
    fields.finish()?;
    created(json!({ "resources": [] }))
}

resource!(Package, document);

fn document(base: &Base, package: &Package, marks: &Metadata) -> Value {
    let own = format!("/v3/packages/{}", package.guid);
    let data = match package.kind {
        PackageKind::Bits => json!({
            "error": package.error,
            "checksum": { "type": "sha256", "value": package.sha256 },
        }),
        PackageKind::Docker => json!({
            "image": package.image,
            "username": package.image_username,
            "password": package.image_password.as_ref().map(|_| "***"),
        }),
    };
    json!({
        "guid": package.guid,
        "type": package.kind.as_str(),
        "state": package.state.as_str(),
        "data": data,
        "created_at": rfc3339(package.created_at),
        "updated_at": rfc3339(package.updated_at),
        "relationships": { "app": { "data": { "guid": package.app_guid } } },
        "metadata": marks.document(),
        "links": {
            "self": base.link(&own),
            "upload": base.link_with(&format!("{own}/upload"), "POST"),
            "download": base.link(&format!("{own}/download")),
            "app": base.link(&format!("/v3/apps/{}", package.app_guid)),
        },
    })
}

const FILTERS: &[&str] = &["app_guids", "space_guids", "states", "types"];
