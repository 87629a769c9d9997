//! JSON bodies: read whole, within their limit, and an object.

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::{Map, Value};

use super::{Api, ApiError, Fields};
use crate::model::holds_nul;

/// A request's JSON object; a body that is empty counts as `{}`.
#[derive(Clone, Debug, Default)]
pub struct Body(Map<String, Value>);

impl Body {
    /// The body's fields, to be read one by one.
    #[must_use]
    pub fn fields(&self) -> Fields<'_> {
        Fields::of(&self.0)
    }

    /// Reads a body from its bytes.
    ///
    /// # Errors
    ///
    /// 1001 when it is not a JSON object.
    pub fn parse(bytes: &[u8]) -> Result<Self, ApiError> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        match serde_json::from_slice::<Value>(bytes) {
            Ok(value) if holds_nul(&value) => {
                Err(ApiError::unparsable("a string holds the character U+0000"))
            }
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(ApiError::unparsable("the body is not a JSON object")),
            Err(error) => Err(ApiError::unparsable(&error.to_string())),
        }
    }
}

impl FromRequest<Api> for Body {
    type Rejection = ApiError;

    async fn from_request(request: Request, _api: &Api) -> Result<Self, Self::Rejection> {
        Self::parse(&read(request, MAX_JSON_BYTES).await?)
    }
}

/// Reads a body of at most `limit` bytes.
///
/// # Errors
///
/// 413 when it is larger, 1001 when it ends early.
pub(super) async fn read(request: Request, limit: usize) -> Result<Bytes, ApiError> {
    let limited = Limited::new(request.into_body(), limit);
    match limited.collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(ApiError::too_large(limit as u64)),
        Err(_) => Err(ApiError::unparsable("the body ended early")),
    }
}

const MAX_JSON_BYTES: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Code;

    #[test]
    fn what_is_no_object_is_a_parse_error() {
        for body in [
            "{",
            "[]",
            "1",
            "\"a\"",
            "{\"a\":\"\\u0000\"}",
            "{\"a\":\"\\ud800\"}",
        ] {
            let refused = Body::parse(body.as_bytes()).unwrap_err();
            assert_eq!(refused.code(), Code::MessageParseError, "{body}");
        }
    }

    #[test]
    fn nothing_counts_as_an_empty_object() {
        assert!(Body::parse(b" \n").unwrap().fields().finish().is_ok());
    }
}
