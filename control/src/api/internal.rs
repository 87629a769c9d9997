//! Files for agents: packages, droplets, caches and buildpacks, at signed addresses.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{OriginalUri, Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;
use tracing::{info, warn};

use super::{Api, Routes, now};
use crate::blobs::{BlobError, Digest, Stored, Verb, build_cache};
use crate::store::{Bits, StoreError};

/// Why an agent gets nothing.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("the bits could not be kept or read")]
    Blob(#[from] BlobError),
    #[error("this address is not signed, or no longer")]
    Forbidden,
    #[error("the upload took longer than {} s", UPLOAD_DEADLINE.as_secs())]
    Late,
    #[error("there is no such file")]
    Missing,
    #[error("the store does not answer")]
    Store(#[from] StoreError),
}

/// The routes under `/internal`.
pub(super) fn routes() -> Routes {
    Routes::new("Internal")
        .get("/internal/packages/{guid}", "Gives a package", package)
        .get("/internal/droplets/{guid}", "Gives a droplet", droplet)
        .get(
            "/internal/buildpacks/{guid}",
            "Gives a buildpack",
            buildpack,
        )
        .put(
            "/internal/builds/{guid}/droplet",
            "Takes the droplet of a build",
            put_droplet,
        )
        .get(
            "/internal/apps/{guid}/buildpack_cache",
            "Gives the cache of an application's builds",
            cache,
        )
        .put(
            "/internal/apps/{guid}/buildpack_cache",
            "Takes the cache of an application's builds",
            put_cache,
        )
}

type Guid = Path<String>;

async fn package(
    State(api): State<Api>,
    OriginalUri(uri): OriginalUri,
    Path(guid): Guid,
) -> Result<Response, Refused> {
    check(&api, Verb::Get, &uri)?;
    send_bits(&api, Bits::Package(&guid)).await
}

async fn droplet(
    State(api): State<Api>,
    OriginalUri(uri): OriginalUri,
    Path(guid): Guid,
) -> Result<Response, Refused> {
    check(&api, Verb::Get, &uri)?;
    send_bits(&api, Bits::Droplet(&guid)).await
}

async fn buildpack(
    State(api): State<Api>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    Path(guid): Guid,
) -> Result<Response, Refused> {
    check(&api, Verb::Get, &uri)?;
    let digest = digest_of(&api, Bits::Buildpack(&guid)).await?;
    // Agents keep buildpacks, and ask whether theirs is still the one.
    let known = headers.get(header::IF_NONE_MATCH);
    if known.is_some_and(|known| known.as_bytes() == tag(&digest).as_bytes()) {
        return Ok(StatusCode::NOT_MODIFIED.into_response());
    }
    send(&api, &digest).await
}

async fn cache(
    State(api): State<Api>,
    OriginalUri(uri): OriginalUri,
    Path(app): Guid,
) -> Result<Response, Refused> {
    check(&api, Verb::Get, &uri)?;
    let digest = api.blobs().named(&build_cache(&app)).await?;
    send(&api, &digest.ok_or(Refused::Missing)?).await
}

async fn put_droplet(
    State(api): State<Api>,
    OriginalUri(uri): OriginalUri,
    Path(build): Guid,
    body: Body,
) -> Result<Response, Refused> {
    check(&api, Verb::Put, &uri)?;
    let stored = take(&api, body).await?;
    info!(build, digest = %stored.digest, bytes = stored.size_bytes, "droplet-stored");
    Ok(told(&stored))
}

async fn put_cache(
    State(api): State<Api>,
    OriginalUri(uri): OriginalUri,
    Path(app): Guid,
    body: Body,
) -> Result<Response, Refused> {
    check(&api, Verb::Put, &uri)?;
    let name = build_cache(&app);
    let stored = take(&api, body).await?;
    api.blobs().name(&name, &stored.digest).await?;
    Ok(told(&stored))
}

fn check(api: &Api, verb: Verb, uri: &Uri) -> Result<(), Refused> {
    let query = uri.query().unwrap_or_default();
    let checked = api.signer().check(verb, uri.path(), query, now());
    checked.map_err(|_| Refused::Forbidden)
}

async fn send_bits(api: &Api, bits: Bits<'_>) -> Result<Response, Refused> {
    let digest = digest_of(api, bits).await?;
    send(api, &digest).await
}

async fn digest_of(api: &Api, bits: Bits<'_>) -> Result<Digest, Refused> {
    let digest = api.store().bits(bits).await?.ok_or(Refused::Missing)?;
    digest.parse().map_err(|_| Refused::Missing)
}

fn tag(digest: &Digest) -> String {
    format!("\"{digest}\"")
}

async fn send(api: &Api, digest: &Digest) -> Result<Response, Refused> {
    let reader = api.blobs().open(digest).await?;
    let length = reader.size_bytes();
    let head = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
        (header::ETAG, tag(digest)),
    ];
    // A damaged blob ends the body early, which the other side notices by its length.
    Ok((head, Body::from_stream(reader)).into_response())
}

async fn take(api: &Api, body: Body) -> Result<Stored, Refused> {
    let stream = body.into_data_stream();
    let stored = timeout(UPLOAD_DEADLINE, api.blobs().put_stream(stream, MAX_BYTES));
    Ok(stored.await.map_err(|_| Refused::Late)??)
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Blob(BlobError::Missing) | Self::Missing => StatusCode::NOT_FOUND,
            Self::Blob(BlobError::TooLarge { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Blob(BlobError::Source(_)) => StatusCode::BAD_REQUEST,
            Self::Late => StatusCode::REQUEST_TIMEOUT,
            Self::Blob(BlobError::Corrupt(_) | BlobError::Directory(_) | BlobError::Place(_)) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
            Self::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        if status.is_server_error() {
            warn!(error = ?self, "internal-file-refused");
        }
        let reason = match &self {
            Self::Blob(error) => error.to_string(),
            other => other.to_string(),
        };
        (status, reason + "\n").into_response()
    }
}

fn told(stored: &Stored) -> Response {
    let Stored {
        digest,
        sha1,
        size_bytes,
    } = stored;
    let body = serde_json::json!({
        "sha256": digest.to_string(),
        "sha1": sha1,
        "size_bytes": size_bytes,
    });
    (StatusCode::CREATED, axum::Json(body)).into_response()
}

/// The longest droplet or cache that is taken.
const MAX_BYTES: u64 = 4 << 30;
const UPLOAD_DEADLINE: Duration = Duration::from_secs(900);
