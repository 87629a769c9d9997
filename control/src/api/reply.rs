//! The answers that go well.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode};
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

/// An answer with a sentence that clients show beside it.
///
/// # Errors
///
/// As the answer does.
pub fn warned(answer: Answer, words: &str) -> Answer {
    // compat: clients split at commas and decode each part as a form's value (`cf` ccv3).
    let encoded: String = url::form_urlencoded::byte_serialize(words.as_bytes()).collect();
    let mut answer = answer?;
    if let Ok(value) = HeaderValue::try_from(encoded) {
        answer.headers_mut().insert(WARNINGS, value);
    }
    Ok(answer)
}

const WARNINGS: HeaderName = HeaderName::from_static("x-cf-warnings");
