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
    /// The plan that it is of, when a broker takes care of it.
    pub plan_guid: Option<String>,
    /// Where its broker shows it to people.
    pub dashboard_url: Option<String>,
    /// Which version of it its broker has made: `{"version": …}`.
    pub maintenance_info: Map<String, Value>,
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
    /// When it began.
    pub started_at: Micros,
}

impl Operation {
    /// One that was done at once.
    #[must_use]
    pub fn succeeded(kind: &str, now: Micros) -> Self {
        Self {
            kind: kind.to_owned(),
            state: "succeeded".to_owned(),
            description: format!("{kind} succeeded"),
            started_at: now,
        }
    }

    /// One that begins now.
    #[must_use]
    pub fn begun(kind: &str, now: Micros) -> Self {
        Self {
            kind: kind.to_owned(),
            state: "in progress".to_owned(),
            description: String::new(),
            started_at: now,
        }
    }

    /// The same, at its end.
    #[must_use]
    pub fn ended(&self, outcome: Result<(), String>) -> Self {
        let (state, description) = match outcome {
            Ok(()) => ("succeeded", format!("{} succeeded", self.kind)),
            Err(why) => ("failed", why),
        };
        Self {
            kind: self.kind.clone(),
            state: state.to_owned(),
            description,
            started_at: self.started_at,
        }
    }

    /// Whether it goes on.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.state == "in progress"
    }

    /// Whether it was an attempt to make something, and there is nothing.
    #[must_use]
    pub fn made_nothing(&self) -> bool {
        self.kind == "create" && self.state == "failed"
    }

    /// Whether there is something that can be used: it was made once.
    #[must_use]
    pub fn has_made(&self) -> bool {
        self.kind != "create" || self.state == "succeeded"
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
    /// File systems that the application is to find.
    pub volume_mounts: Vec<Value>,
    /// What happened to it last.
    pub last_operation: Operation,
    /// When it was made.
    pub created_at: Micros,
    /// When it was last changed.
    pub updated_at: Micros,
}
