//! What can go wrong between us and a broker, and how clients are told.

use serde_json::{Value, json};

/// Why a broker did not do what it was asked.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BrokerFault {
    /// The plan can only be had asynchronously.
    #[error("This service plan requires client support for asynchronous service operations.")]
    AsyncRequired,
    /// The answer was an error of the broker's own.
    #[error("{0}")]
    BadResponse(String),
    /// The catalogue is not what it should be.
    #[error("Service broker catalog is invalid: \n{0}")]
    CatalogInvalid(String),
    /// The broker does something else with the same service.
    #[error(
        "The service broker could not perform this operation in parallel with other running operations"
    )]
    Concurrency,
    /// The same id has other attributes.
    #[error("{0}")]
    Conflict(String),
    /// The operation was begun and failed.
    #[error("{operation} could not be completed: {description}")]
    Failed {
        /// `create`, `update` or `delete`; `bind` and `unbind` for bindings.
        operation: String,
        /// The broker's own words.
        description: String,
    },
    /// The version that was asked for is not the catalogue's.
    #[error(
        "maintenance_info.version requested is invalid. Please ensure the catalog is up to date \
         and you are providing a version supported by this service plan."
    )]
    MaintenanceInfoConflict,
    /// A success without what belongs to it.
    #[error("The service broker returned an invalid response for the request to {url}: {problem}")]
    Malformed {
        /// Where.
        url: String,
        /// What is wrong; never what was answered, which may hold credentials.
        problem: String,
    },
    /// Too many requests.
    #[error("The service broker refuses requests because there are too many: {0}")]
    RateLimited(String),
    /// The request was refused.
    #[error("{0}")]
    Rejected(String),
    /// Credentials are for applications only.
    #[error("This service supports generation of credentials through binding an application only.")]
    RequiresApp,
    /// No answer in time.
    #[error("The request to the service broker timed out: {0}")]
    Silent(String),
    /// Our name or password is wrong.
    #[error(
        "Authentication with the service broker failed. Double-check that the username and \
         password are correct: {0}"
    )]
    Unauthorized(String),
    /// There is no connection, or it broke.
    #[error("The service broker could not be reached: {0}")]
    Unreachable(String),
}

impl BrokerFault {
    /// One entry of a job's `errors`.
    #[must_use]
    pub fn entry(&self) -> Value {
        let (code, title) = self.name();
        json!({ "code": code, "title": title, "detail": self.to_string() })
    }

    const fn name(&self) -> (u32, &'static str) {
        match self {
            Self::AsyncRequired => (10001, "CF-AsyncRequired"),
            Self::BadResponse(_) => (10001, "CF-ServiceBrokerBadResponse"),
            Self::CatalogInvalid(_) => (270_012, "CF-ServiceBrokerCatalogInvalid"),
            Self::Concurrency => (10001, "CF-ConcurrencyError"),
            Self::Conflict(_) => (10001, "CF-ServiceBrokerConflict"),
            Self::Failed { .. } => (10009, "CF-UnableToPerform"),
            Self::MaintenanceInfoConflict => (390_003, "CF-MaintenanceInfoConflict"),
            Self::Malformed { .. } => (10001, "CF-ServiceBrokerResponseMalformed"),
            Self::RateLimited(_) => (10016, "CF-ServiceBrokerRateLimitExceeded"),
            Self::Rejected(_) => (10001, "CF-ServiceBrokerRequestRejected"),
            Self::RequiresApp => (10001, "CF-AppRequired"),
            Self::Silent(_) => (10001, "CF-ServiceBrokerApiTimeout"),
            Self::Unauthorized(_) => (10001, "CF-ServiceBrokerApiAuthenticationFailed"),
            Self::Unreachable(_) => (10001, "CF-ServiceBrokerApiUnreachable"),
        }
    }
}
