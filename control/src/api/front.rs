//! What every request passes first and every answer last: ids, deadline, slashes, faults.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Uri};
use tower::Service as _;
use tracing::error;

use super::{ApiError, Code, state};

/// Serves every request by `inner`, with what belongs around each.
pub(super) fn around(inner: Router) -> Router {
    Router::new().fallback(move |request: Request| serve(inner.clone(), request))
}

async fn serve(inner: Router, mut request: Request) -> Response {
    let id = request_id(&request);
    let mut response = if names_nothing(request.uri()) {
        ApiError::unknown_request().into_response()
    } else {
        if let Some(uri) = without_trailing_slash(request.uri()) {
            *request.uri_mut() = uri;
        }
        within_deadline(inner, request).await
    };
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

async fn within_deadline(inner: Router, request: Request) -> Response {
    let deadline = deadline_of(request.uri().path());
    match tokio::time::timeout(deadline, unharmed(inner, request)).await {
        Ok(response) => response,
        Err(_) => {
            let seconds = deadline.as_secs();
            let detail = format!("The request was not answered within {seconds} s");
            ApiError::unavailable(detail).into_response()
        }
    }
}

/// A panic ends one request and no more.
async fn unharmed(mut inner: Router, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    match AssertUnwindSafe(inner.call(request)).catch_unwind().await {
        Ok(Ok(response)) => response,
        Ok(Err(never)) => match never {},
        Err(_) => {
            error!(path, "api-panic");
            let detail = "The request failed because of a fault of the platform";
            ApiError::new(Code::ServerError, detail).into_response()
        }
    }
}

/// Uploads and downloads may take as long as large ones do on a slow line.
fn deadline_of(path: &str) -> Duration {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["", "internal", ..]
        | [
            "",
            "v3",
            "buildpacks" | "droplets" | "packages",
            _,
            "download" | "upload",
        ] => TRANSFER_DEADLINE,
        _ => DEADLINE,
    }
}

/// A path that holds U+0000 or is no text leads nowhere, and no database would take it as a value.
fn names_nothing(uri: &Uri) -> bool {
    let decoded = percent_decoded(uri.path());
    decoded.contains(&0) || std::str::from_utf8(&decoded).is_err()
}

fn percent_decoded(path: &str) -> Vec<u8> {
    let mut rest = path.as_bytes();
    let mut decoded = Vec::with_capacity(rest.len());
    while let Some((byte, after)) = rest.split_first() {
        let pair = after
            .get(..2)
            .and_then(|pair| std::str::from_utf8(pair).ok());
        let value = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match value.filter(|_| *byte == b'%') {
            Some(value) => {
                decoded.push(value);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                decoded.push(*byte);
                rest = after;
            }
        }
    }
    decoded
}

// compat: clients send `DELETE /v3/organizations/:guid/` and `POST /v3/buildpacks/`.
fn without_trailing_slash(uri: &Uri) -> Option<Uri> {
    let path = uri
        .path()
        .strip_suffix('/')
        .filter(|path| !path.is_empty())?;
    let path = path.trim_end_matches('/');
    let whole = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(whole).ok()?);
    Uri::from_parts(parts).ok()
}

/// The id that came with the request, when it is one, else a new one.
fn request_id(request: &Request) -> HeaderValue {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"-:_".contains(byte);
    let came = request
        .headers()
        .get(REQUEST_ID)
        .filter(|id| (1..=100).contains(&id.len()) && id.as_bytes().iter().all(fits));
    let came = came.cloned();
    came.or_else(|| HeaderValue::try_from(state::guid()).ok())
        .unwrap_or_else(|| HeaderValue::from_static("unknown"))
}

const DEADLINE: Duration = Duration::from_secs(30);
/// A gigabyte at 2.4 Mbit/s; one that stalls ends some time, and gives its place back.
const TRANSFER_DEADLINE: Duration = Duration::from_secs(3600);
const REQUEST_ID: HeaderName = HeaderName::from_static("x-vcap-request-id");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_leads_nowhere() {
        for bad in ["/v3/a%00", "/v3/%ff", "/v3/%c3"] {
            assert!(names_nothing(&Uri::from_static(bad)), "{bad}");
        }
        for good in ["/v3/%c3%a4", "/v3/100%", "/v3/%2F", "/v3/%zz"] {
            assert!(!names_nothing(&Uri::from_static(good)), "{good}");
        }
    }

    #[test]
    fn only_files_have_longer_than_other_requests() {
        for path in [
            "/internal/apps/a/buildpack_cache",
            "/v3/buildpacks/a/upload",
            "/v3/droplets/a/download",
            "/v3/packages/a/upload",
        ] {
            assert_eq!(deadline_of(path), TRANSFER_DEADLINE, "{path}");
        }
        for path in [
            "/v3/apps/a/processes/download",
            "/v3/apps/a/processes/upload",
            "/v3/packages",
            "/internals/a/upload",
        ] {
            assert_eq!(deadline_of(path), DEADLINE, "{path}");
        }
    }

    #[test]
    fn a_trailing_slash_is_taken_away() {
        let trimmed = |uri: &'static str| {
            without_trailing_slash(&Uri::from_static(uri)).map(|uri| uri.to_string())
        };
        assert_eq!(trimmed("/v3/orgs/?a=b/").as_deref(), Some("/v3/orgs?a=b/"));
        assert_eq!(trimmed("/v3/orgs"), None);
        assert_eq!(trimmed("/"), None);
    }
}
