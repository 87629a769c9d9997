//! What the API answers when it does not do what it was asked.

use std::fmt;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;
use tracing::{error, warn};

use crate::services::BrokerFault;
use crate::store::StoreError;

/// A refusal, with the number that clients look for and the sentence that people read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ApiError {
    code: Code,
    detail: String,
}

/// The catalogue of refusals.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Code {
    /// Another operation on the same service instance goes on.
    AsyncServiceInstanceOperationInProgress,
    /// The request makes no sense in the present state.
    BadRequest,
    /// A query parameter is unknown or ill-formed.
    BadQueryParameter,
    /// A buildpack's compile step failed.
    BuildpackCompileFailed,
    /// A buildpack's release step failed.
    BuildpackReleaseFailed,
    /// The operator has switched it off.
    FeatureDisabled,
    /// No node has room for an instance.
    InsufficientRunningResources,
    /// No node has room for staging.
    InsufficientStagingResources,
    /// The token is expired or not ours.
    InvalidAuthToken,
    /// The body is not JSON.
    MessageParseError,
    /// No buildpack takes the application.
    NoAppDetected,
    /// There are no buildpacks.
    NoBuildpacksFound,
    /// No token was sent.
    NotAuthenticated,
    /// The caller may see it and may not do it.
    NotAuthorized,
    /// No such route.
    NotFound,
    /// A broker or its offering does not tell parameters.
    ParametersNotSupported,
    /// Too many requests.
    RateLimitExceeded,
    /// The body is larger than allowed.
    RequestTooLarge,
    /// No such object, or none that the caller may see.
    ResourceNotFound,
    /// A fault of ours.
    ServerError,
    /// A broker did not do what it was asked.
    ServiceBrokerFault,
    /// There are services of the broker's plans.
    ServiceBrokerNotRemovable,
    /// What is needed for it is away now.
    ServiceUnavailable,
    /// There is no such stack.
    StackNotFound,
    /// Staging failed.
    StagingError,
    /// Staging took too long.
    StagingTimeExpired,
    /// No agent could tell any numbers.
    StatsUnavailable,
    /// The body is JSON and does not say what it should.
    UnprocessableEntity,
}

impl Code {
    /// Number, title and status, as clients know them.
    #[must_use]
    pub const fn row(self) -> (u32, &'static str, StatusCode) {
        let (number, title) = self.name();
        (number, title, self.status())
    }

    const fn name(self) -> (u32, &'static str) {
        match self {
            Self::AsyncServiceInstanceOperationInProgress => {
                (60016, "CF-AsyncServiceInstanceOperationInProgress")
            }
            Self::BadRequest | Self::RequestTooLarge => (1004, "CF-BadRequest"),
            Self::BadQueryParameter => (10005, "CF-BadQueryParameter"),
            Self::BuildpackCompileFailed => (170_004, "CF-BuildpackCompileFailed"),
            Self::BuildpackReleaseFailed => (170_005, "CF-BuildpackReleaseFailed"),
            Self::FeatureDisabled => (330_002, "CF-FeatureDisabled"),
            Self::InsufficientRunningResources => {
                (150_003, "CF-InsufficientRunningResourcesAvailable")
            }
            Self::InsufficientStagingResources => (170_008, "CF-InsufficientResources"),
            Self::InvalidAuthToken => (1000, "CF-InvalidAuthToken"),
            Self::MessageParseError => (1001, "CF-MessageParseError"),
            Self::NoAppDetected => (170_003, "CF-NoAppDetectedError"),
            Self::NoBuildpacksFound => (170_006, "CF-NoBuildpacksFound"),
            Self::NotAuthenticated => (10002, "CF-NotAuthenticated"),
            Self::NotAuthorized => (10003, "CF-NotAuthorized"),
            Self::NotFound => (10000, "CF-NotFound"),
            Self::ParametersNotSupported => {
                (120_004, "CF-ServiceFetchInstanceParametersNotSupported")
            }
            Self::RateLimitExceeded => (10013, "CF-RateLimitExceeded"),
            Self::ResourceNotFound => (10010, "CF-ResourceNotFound"),
            Self::ServerError => (10001, "CF-ServerError"),
            Self::ServiceBrokerFault => (10001, "CF-ServiceBrokerBadResponse"),
            Self::ServiceBrokerNotRemovable => (270_010, "CF-ServiceBrokerNotRemovable"),
            Self::ServiceUnavailable => (10015, "CF-ServiceUnavailable"),
            Self::StackNotFound => (250_003, "CF-StackNotFound"),
            Self::StagingError => (170_001, "CF-StagingError"),
            Self::StagingTimeExpired => (170_007, "CF-StagingTimeExpired"),
            Self::StatsUnavailable => (200_002, "CF-StatsUnavailable"),
            Self::UnprocessableEntity => (10008, "CF-UnprocessableEntity"),
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::BadRequest
            | Self::BadQueryParameter
            | Self::BuildpackCompileFailed
            | Self::BuildpackReleaseFailed
            | Self::InsufficientStagingResources
            | Self::MessageParseError
            | Self::NoAppDetected
            | Self::NoBuildpacksFound
            | Self::ParametersNotSupported
            | Self::StagingError => StatusCode::BAD_REQUEST,
            Self::InvalidAuthToken | Self::NotAuthenticated => StatusCode::UNAUTHORIZED,
            Self::FeatureDisabled | Self::NotAuthorized => StatusCode::FORBIDDEN,
            Self::NotFound | Self::ResourceNotFound | Self::StackNotFound => StatusCode::NOT_FOUND,
            Self::AsyncServiceInstanceOperationInProgress => StatusCode::CONFLICT,
            Self::RequestTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::ServiceBrokerNotRemovable | Self::UnprocessableEntity => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::ServiceBrokerFault => StatusCode::BAD_GATEWAY,
            Self::RateLimitExceeded => StatusCode::TOO_MANY_REQUESTS,
            Self::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
            Self::InsufficientRunningResources
            | Self::ServiceUnavailable
            | Self::StatsUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::StagingTimeExpired => StatusCode::GATEWAY_TIMEOUT,
        }
    }
}

impl ApiError {
    /// A refusal with a sentence of its own.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
        }
    }

    /// There is no such object, or none that the caller may see; `what` as in `App`.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(Code::ResourceNotFound, format!("{what} not found"))
    }

    /// The caller may see it and may not do it.
    #[must_use]
    pub fn not_authorized() -> Self {
        let detail = "You are not authorized to perform the requested action";
        Self::new(Code::NotAuthorized, detail)
    }

    /// No token was sent.
    #[must_use]
    pub fn not_authenticated() -> Self {
        Self::new(Code::NotAuthenticated, "Authentication error")
    }

    /// The token is expired or not ours.
    #[must_use]
    pub fn invalid_token() -> Self {
        Self::new(Code::InvalidAuthToken, "Invalid Auth Token")
    }

    /// The body does not say what it should.
    #[must_use]
    pub fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(Code::UnprocessableEntity, detail)
    }

    /// A query parameter is unknown or ill-formed.
    #[must_use]
    pub fn bad_query(problem: &str) -> Self {
        let detail = format!("The query parameter is invalid: {problem}");
        Self::new(Code::BadQueryParameter, detail)
    }

    /// No such route.
    #[must_use]
    pub fn unknown_request() -> Self {
        Self::new(Code::NotFound, "Unknown request")
    }

    /// A broker did not do what it was asked while a client waits.
    #[must_use]
    pub fn broker(fault: &BrokerFault) -> Self {
        Self::new(Code::ServiceBrokerFault, fault.to_string())
    }

    /// The body is not JSON.
    #[must_use]
    pub fn unparsable(problem: &str) -> Self {
        let detail = format!("Request invalid due to parse error: {problem}");
        Self::new(Code::MessageParseError, detail)
    }

    /// The body is larger than `limit_bytes`.
    #[must_use]
    pub fn too_large(limit_bytes: u64) -> Self {
        let detail = format!("The request body is larger than {limit_bytes} bytes");
        Self::new(Code::RequestTooLarge, detail)
    }

    /// What is needed for it is away now.
    #[must_use]
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(Code::ServiceUnavailable, detail)
    }

    /// A fault of ours; the cause goes to the log and not to the client.
    #[must_use]
    pub fn fault(cause: &dyn std::error::Error) -> Self {
        error!(error = %chain(cause), "api-fault");
        let detail =
            "The request failed because of a fault of the platform; its log names the cause";
        Self::new(Code::ServerError, detail)
    }

    /// The refusal's kind.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The sentence that people read.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// One entry of an `errors` list, as in answers and jobs.
    #[must_use]
    pub fn entry(&self) -> serde_json::Value {
        let (number, title, _) = self.code.row();
        json!({"code": number, "title": title, "detail": self.detail})
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for ApiError {}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (_, _, status) = self.code.row();
        (status, Json(json!({"errors": [self.entry()]}))).into_response()
    }
}

impl From<StoreError> for ApiError {
    fn from(fault: StoreError) -> Self {
        match fault {
            StoreError::Unavailable(_) => {
                warn!(error = %chain(&fault), "store-unavailable");
                Self::unavailable("The database is away or too busy; try again later")
            }
            StoreError::Named => Self::unprocessable(
                "Something that the request names has gone, or is still in use by something else",
            ),
            StoreError::Taken => Self::unprocessable("An object of this name already exists"),
            StoreError::Garbled { .. }
            | StoreError::LeaseLost
            | StoreError::Migrate(_)
            | StoreError::Open(_)
            | StoreError::Refused(_) => Self::fault(&fault),
        }
    }
}

/// An error and its causes in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        next = cause.source();
    }
    line
}
