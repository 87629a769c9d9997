//! Serving: all routes on one listener, until told to stop.

use std::future::Future;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;

use super::{Api, ApiError, Routes, audit, front, internal, jobs, log_cache, openapi, uaa, v3};
use crate::serve::ServeLimits;

/// Serves the API, and any routes beside it, until `stop` is done; then requests in flight have two
/// seconds to end.
pub async fn serve(
    listener: TcpListener,
    api: Api,
    beside: Routes,
    stop: impl Future<Output = ()>,
) {
    let service = TowerToHyperService::new(router(api, beside));
    crate::serve::serve(listener, service, ServeLimits::new(DRAIN), stop).await;
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

/// What does not end by then is cut: a client that reads slowly must not hold us.
const DRAIN: Duration = Duration::from_secs(2);
