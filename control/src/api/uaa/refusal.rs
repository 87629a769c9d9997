//! Refusals of the login server, which have a form of their own.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::WWW_AUTHENTICATE;
use serde_json::json;

use crate::api::{ApiError, Code};
use crate::store::StoreError;

/// Why there is no token, or no user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Refusal {
    /// A user, name or value that is not there or cannot be.
    Invalid(String),
    /// The program's id or secret is wrong.
    InvalidClient,
    /// The refresh token is wrong, or has ended.
    InvalidGrant(String),
    /// The form lacks something.
    InvalidRequest(String),
    /// The access token is wrong, or has ended.
    InvalidToken,
    /// Too many failed logins.
    Locked,
    /// No such user.
    NoSuchUser(String),
    /// The store or a hash failed.
    Platform(ApiError),
    /// Name or password is wrong.
    Unauthorized,
    /// A grant that is not served.
    UnsupportedGrant(String),
    /// The caller may not do it.
    Forbidden,
    /// The name is somebody's.
    UserExists(String),
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::Invalid(_) | Self::InvalidRequest(_) | Self::UnsupportedGrant(_) => {
                StatusCode::BAD_REQUEST
            }
            Self::InvalidClient
            | Self::InvalidGrant(_)
            | Self::InvalidToken
            | Self::Locked
            | Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::NoSuchUser(_) => StatusCode::NOT_FOUND,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::UserExists(_) => StatusCode::CONFLICT,
            Self::Platform(error) => error.code().row().2,
        }
    }

    const fn word(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid_scim_resource",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant(_) => "invalid_grant",
            Self::InvalidRequest(_) => "invalid_request",
            Self::InvalidToken => "invalid_token",
            Self::Locked | Self::Unauthorized => "unauthorized",
            Self::NoSuchUser(_) => "scim_resource_not_found",
            Self::Platform(_) => "server_error",
            Self::UnsupportedGrant(_) => "unsupported_grant_type",
            Self::Forbidden => "insufficient_scope",
            Self::UserExists(_) => "scim_resource_already_exists",
        }
    }

    fn description(&self) -> String {
        match self {
            Self::Invalid(text) | Self::InvalidGrant(text) | Self::InvalidRequest(text) => {
                text.clone()
            }
            Self::InvalidClient | Self::Unauthorized => "Bad credentials".to_owned(),
            Self::InvalidToken => "The token expired, was revoked, or is none of ours".to_owned(),
            // compat: `cf` knows a locked account by this sentence only.
            Self::Locked => {
                "Your account has been locked because of too many failed attempts to login."
                    .to_owned()
            }
            Self::NoSuchUser(guid) => format!("User {guid} does not exist"),
            Self::Platform(error) => error.detail().to_owned(),
            Self::UnsupportedGrant(grant) => format!("Unsupported grant type: {grant}"),
            Self::Forbidden => "Insufficient scope for this resource".to_owned(),
            Self::UserExists(name) => format!("Username already in use: {name}"),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({"error": self.word(), "error_description": self.description()});
        let mut response = (self.status(), Json(body)).into_response();
        if self.status() == StatusCode::UNAUTHORIZED {
            let realm = http::HeaderValue::from_static("Basic realm=\"UAA/client\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, realm);
        }
        response
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Platform(error.into())
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        match error.code() {
            Code::InvalidAuthToken | Code::NotAuthenticated => Self::InvalidToken,
            Code::NotAuthorized => Self::Forbidden,
            _ => Self::Platform(error),
        }
    }
}
