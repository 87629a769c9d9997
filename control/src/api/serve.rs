//! Serving: all routes on one listener, until told to stop.

use std::future::Future;
use std::io;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use tokio::net::TcpListener;

use super::{Api, ApiError, Routes, audit, front, internal, jobs, log_cache, openapi, uaa, v3};

/// Serves the API, and any routes beside it, until `stop` is done; requests in flight are finished.
///
/// # Errors
///
/// Fails when the listener does.
pub async fn serve(
    listener: TcpListener,
    api: Api,
    beside: Routes,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(listener, router(api, beside))
        .with_graceful_shutdown(stop)
        .await
}

fn router(api: Api, beside: Routes) -> Router {
    let routes = Routes::new("API")
        .get("/openapi.json", "Describes this API", description)
        .merge(v3::routes())
        .merge(audit::routes())
        .merge(jobs::routes())
        .merge(log_cache::routes())
        .merge(uaa::routes())
        .merge(internal::routes())
        .merge(beside);
    let (router, described) = routes.split();
    let description = openapi::describe(&described);
    let inner = router
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .layer(axum::Extension(std::sync::Arc::new(description)))
        .with_state(api);
    front::around(inner)
}

async fn description(
    State(_api): State<Api>,
    axum::Extension(described): axum::Extension<std::sync::Arc<serde_json::Value>>,
) -> Response {
    Json(&*described).into_response()
}

async fn unknown() -> ApiError {
    ApiError::unknown_request()
}
