//! The answers that go well.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::Value;

use super::ApiError;

/// What a route's function gives.
pub type Answer = Result<Response, ApiError>;

/// 200 and a document.
///
/// # Errors
///
/// Never; it is the end of a route's function.
pub fn ok(document: Value) -> Answer {
    Ok(Json(document).into_response())
}

/// 201 and a document.
///
/// # Errors
///
/// Never; it is the end of a route's function.
pub fn created(document: Value) -> Answer {
    Ok((StatusCode::CREATED, Json(document)).into_response())
}

/// 204 and nothing.
///
/// # Errors
///
/// Never; it is the end of a route's function.
pub fn no_content() -> Answer {
    Ok(StatusCode::NO_CONTENT.into_response())
}
