//! Services: what applications are bound to, and with which credentials.

use serde_json::{Map, Value};

use super::Micros;
use super::words::words;

words! {
    /// Who takes care of a service.
    ServiceKind {
        /// A broker.
        Managed = "managed",
        /// The user, who only tells us the credentials.
        UserProvided = "user-provided",
    }
}

/// One service.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceInstance {
    /// Its guid.
    pub guid: String,
    /// Unique in its space.
    pub name: String,
    /// The space that it lives in.
    pub space_guid: String,
    /// Who takes care of it.
    pub kind: ServiceKind,
    /// What applications get, when the user provides it.
    pub credentials: Map<String, Value>,
    /// Where the logs of bound applications go.
    pub syslog_drain_url: Option<String>,
    /// Through what the requests of bound routes go.
    pub route_service_url: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// What happened to it last.
    pub last_operation: Operation,
    /// When it was made.
    pub created_at: Micros,
    /// When it was last changed.
    pub updated_at: Micros,
}

/// What happened last to a service or a binding.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Operation {
    /// `create`, `update` or `delete`.
    pub kind: String,
    /// `initial`, `in progress`, `succeeded` or `failed`.
    pub state: String,
    /// For people.
    pub description: String,
}

impl Operation {
    /// One that was done at once.
    #[must_use]
    pub fn succeeded(kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            state: "succeeded".to_owned(),
            description: format!("{kind} succeeded"),
        }
    }
}

words! {
    /// Whom a binding is for.
    BindingKind {
        /// An application.
        App = "app",
        /// Nobody in particular.
        Key = "key",
    }
}

/// The credentials that one application, or one key, has for a service.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceBinding {
    /// Its guid.
    pub guid: String,
    /// Whom it is for.
    pub kind: BindingKind,
    /// Required for a key.
    pub name: Option<String>,
    /// The service.
    pub instance_guid: String,
    /// The application; `None` for a key.
    pub app_guid: Option<String>,
    /// What its holder gets.
    pub credentials: Map<String, Value>,
    /// Where the application's logs go.
    pub syslog_drain_url: Option<String>,
    /// What happened to it last.
    pub last_operation: Operation,
    /// When it was made.
    pub created_at: Micros,
    /// When it was last changed.
    pub updated_at: Micros,
}
