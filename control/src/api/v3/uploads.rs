//! Uploads: the bits of packages and droplets, streamed to the blobs.

use std::fs::File;

use axum::extract::multipart::{Field, Multipart};
use axum::extract::{DefaultBodyLimit, FromRequest, Path, Request};
use bytes::Bytes;
use futures_util::{Stream, stream};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

use super::{flags, package_zip};
use crate::api::{Answer, ApiError, Call, Need, Routes, ok};
use crate::blobs::{BlobError, Stored};
use crate::model::{Droplet, DropletState, PackageKind, PackageState};

pub(super) fn routes() -> Routes {
    Routes::new("Packages")
        .post(
            "/v3/packages/{guid}/upload",
            "Stores the bits of a package",
            package,
        )
        .post(
            "/v3/droplets/{guid}/upload",
            "Stores the bits of a droplet",
            droplet,
        )
}

async fn package(call: Call, Path(guid): Path<String>, request: Request) -> Answer {
    let (app, mut package) = call.package(&guid, Need::Write).await?;
    flags::need(&call, "app_bits_upload").await?;
    if package.kind != PackageKind::Bits {
        return Err(ApiError::unprocessable("Package type must be bits."));
    }
    let mut tx = call.store().begin().await?;
    if !tx.claim_upload(&package.guid).await? {
        return Err(taken());
    }
    tx.commit().await?;
    let stored = stored_package(&call, request).await;
    package.updated_at = crate::api::now();
    let mut tx = call.store().begin().await?;
    // invariant: bits that were taken stay; an upload that broke off may end after its successor.
    if !tx.claim_upload(&package.guid).await? {
        return Err(stored.err().unwrap_or_else(taken));
    }
    match &stored {
        Ok(stored) => {
            package.state = PackageState::Ready;
            package.sha256 = Some(stored.digest.to_string());
            package.size_bytes = Some(stored.size_bytes);
            let data = json!({ "package_guid": package.guid });
            call.record(&mut tx, "audit.app.package.upload", &app, data)
                .await?;
        }
        // The client may try again with the same package.
        Err(_) => package.state = PackageState::AwaitingUpload,
    }
    tx.update_package(&package).await?;
    tx.commit().await?;
    stored?;
    ok(call.document(&package).await?)
}

fn taken() -> ApiError {
    ApiError::unprocessable("Bits already uploaded")
}

/// Stores the `bits` part once it is known to be a harmless zip.
async fn stored_package(call: &Call, request: Request) -> Result<Stored, ApiError> {
    let mut parts = multipart(call, request).await?;
    while let Some(part) = parts.next_field().await.map_err(broken)? {
        if part.name() != Some("bits") {
            skip(part).await?;
            continue;
        }
        let file = spool(part, MAX_PACKAGE_BYTES).await?;
        let checked = tokio::task::spawn_blocking(move || {
            let problem = package_zip::check(&file);
            (file, problem)
        });
        let (file, problem) = checked.await.map_err(|error| ApiError::fault(&error))?;
        problem.map_err(|problem| {
            ApiError::unprocessable(format!("The bits are not a usable zip file: {problem}"))
        })?;
        let source = chunks(tokio::fs::File::from_std(file)).await?;
        let stored = call.api.blobs().put_stream(source, MAX_PACKAGE_BYTES).await;
        return stored.map_err(refused);
    }
    Err(ApiError::unprocessable("Upload must include bits"))
}

async fn droplet(call: Call, Path(guid): Path<String>, request: Request) -> Answer {
    let (_, mut droplet) = call.droplet(&guid, Need::Write).await?;
    if droplet.state != DropletState::AwaitingUpload {
        return Err(only_once());
    }
    let mut parts = multipart(&call, request).await?;
    while let Some(part) = parts.next_field().await.map_err(broken)? {
        if part.name() != Some("bits") {
            skip(part).await?;
            continue;
        }
        let stored = call.api.blobs().put_stream(part, MAX_PACKAGE_BYTES).await;
        take(&call, &mut droplet, stored.map_err(refused)?).await?;
        return call.job("droplet.upload").await;
    }
    Err(ApiError::unprocessable("Upload must include bits"))
}

async fn take(call: &Call, droplet: &mut Droplet, stored: Stored) -> Result<(), ApiError> {
    droplet.state = DropletState::Staged;
    droplet.sha1 = Some(stored.sha1);
    droplet.sha256 = Some(stored.digest.to_string());
    droplet.size_bytes = Some(stored.size_bytes);
    droplet.updated_at = crate::api::now();
    let mut tx = call.store().begin().await?;
    // Another upload may have ended meanwhile.
    if !tx.claim_droplet(&droplet.guid).await? {
        return Err(only_once());
    }
    tx.update_droplet(droplet).await?;
    Ok(tx.commit().await?)
}

fn only_once() -> ApiError {
    ApiError::unprocessable(
        "Droplet may be uploaded only once. Create a new droplet to upload bits.",
    )
}

async fn multipart(call: &Call, mut request: Request) -> Result<Multipart, ApiError> {
    // Each part has a limit of its own.
    DefaultBodyLimit::disable().apply(&mut request);
    let read = Multipart::from_request(request, &call.api).await;
    read.map_err(|_| ApiError::unparsable("the body must be multipart/form-data with a boundary"))
}

async fn skip(mut part: Field<'_>) -> Result<(), ApiError> {
    let mut left = MAX_OTHER_BYTES;
    while let Some(chunk) = part.chunk().await.map_err(broken)? {
        left = left
            .checked_sub(chunk.len())
            .ok_or_else(|| ApiError::too_large(MAX_OTHER_BYTES as u64))?;
    }
    Ok(())
}

/// Writes a part to a file without a name: a zip is read from its end.
async fn spool(mut part: Field<'_>, max_bytes: u64) -> Result<File, ApiError> {
    let file = tempfile::tempfile().map_err(|error| ApiError::fault(&error))?;
    let mut file = tokio::fs::File::from_std(file);
    let mut size: u64 = 0;
    while let Some(chunk) = part.chunk().await.map_err(broken)? {
        size = size.saturating_add(chunk.len() as u64);
        if size > max_bytes {
            return Err(ApiError::too_large(max_bytes));
        }
        file.write_all(&chunk)
            .await
            .map_err(|error| ApiError::fault(&error))?;
    }
    file.flush()
        .await
        .map_err(|error| ApiError::fault(&error))?;
    Ok(file.into_std().await)
}

/// The bytes of a file from its beginning.
async fn chunks(
    mut file: tokio::fs::File,
) -> Result<impl Stream<Item = std::io::Result<Bytes>>, ApiError> {
    file.rewind()
        .await
        .map_err(|error| ApiError::fault(&error))?;
    Ok(stream::try_unfold(file, |mut file| async move {
        let mut chunk = vec![0; CHUNK_BYTES];
        let length = file.read(&mut chunk).await?;
        chunk.truncate(length);
        Ok((length > 0).then(|| (Bytes::from(chunk), file)))
    }))
}

#[expect(clippy::needless_pass_by_value, reason = "it ends a `map_err`")]
fn broken(error: axum::extract::multipart::MultipartError) -> ApiError {
    ApiError::unparsable(&error.body_text())
}

fn refused(error: BlobError) -> ApiError {
    match error {
        BlobError::TooLarge { max_bytes } => ApiError::too_large(max_bytes),
        BlobError::Source(problem) => ApiError::unparsable(&problem),
        other => ApiError::fault(&other),
    }
}

const MAX_PACKAGE_BYTES: u64 = 1 << 30;
const MAX_OTHER_BYTES: usize = 64 << 20;
const CHUNK_BYTES: usize = 256 * 1024;
