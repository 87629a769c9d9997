//! Operations at brokers: what is asked, how far it is, until when it may go on.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Micros;
use super::words::words;

words! {
    /// What a broker is asked for.
    OperationKind {
        /// To give an application what it needs of a service.
        Bind = "bind",
        /// To take a service away.
        Deprovision = "deprovision",
        /// To make a service.
        Provision = "provision",
        /// To say what it offers.
        Synchronize = "synchronize",
        /// To take a binding back.
        Unbind = "unbind",
        /// To change a service.
        Update = "update",
    }
}

words! {
    /// How far an operation is.
    Phase {
        /// The request is sent, or about to be.
        Asking = "asking",
        /// A binding that was made in the meantime is fetched.
        Fetching = "fetching",
        /// What may have been left behind is taken away.
        Mending = "mending",
        /// The broker takes away what may have been left behind.
        MendingPolling = "mending-polling",
        /// The broker works on it and is asked how far it is.
        Polling = "polling",
    }
}

impl Phase {
    /// Whether somebody waits for it; what is mended is nobody's any more.
    #[must_use]
    pub const fn is_awaited(self) -> bool {
        match self {
            Self::Asking | Self::Fetching | Self::Polling => true,
            Self::Mending | Self::MendingPolling => false,
        }
    }
}

/// One operation at a broker.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceOperation {
    /// Its guid.
    pub guid: String,
    /// What is asked for.
    pub kind: OperationKind,
    /// How far it is.
    pub phase: Phase,
    /// Who is asked.
    pub broker_guid: String,
    /// The service that it is about; empty for a catalogue.
    pub instance_guid: String,
    /// The binding that it is about; empty when it is about none.
    pub binding_guid: String,
    /// The job that waits for it; empty when none does.
    pub job_guid: String,
    /// What to say.
    pub facts: OperationFacts,
    /// How often this phase's request was sent.
    pub tries: u32,
    /// When something is to be done.
    pub due_at: Micros,
    /// When it has taken too long.
    pub deadline: Micros,
    /// Since when it is known.
    pub created_at: Micros,
    /// Since when it is as it is.
    pub updated_at: Micros,
}

/// What the requests of an operation say.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct OperationFacts {
    /// The guid of the user in whose name it is done.
    pub user_guid: String,
    /// The name of that user.
    pub user_name: String,
    /// The offering's id with the broker.
    pub service_id: String,
    /// The plan's id with the broker.
    pub plan_id: String,
    /// The body of the first request.
    pub body: Map<String, Value>,
    /// The broker's word for what it works on.
    pub operation: Option<String>,
    /// What an update makes of the service, once the broker has done it.
    pub then: Change,
}

/// What changes of a service with its broker's consent.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Change {
    /// Its plan.
    pub plan_guid: Option<String>,
    /// Its version.
    pub maintenance_info: Option<Map<String, Value>>,
}

impl ServiceOperation {
    /// What takes away what this operation may have left at its broker; it must be written to count.
    ///
    /// `None` for what leaves nothing.
    #[must_use]
    pub fn mending(&self, guid: String, now: Micros, until: Micros) -> Option<Self> {
        let kind = match self.kind {
            OperationKind::Bind | OperationKind::Unbind => OperationKind::Unbind,
            OperationKind::Deprovision | OperationKind::Provision => OperationKind::Deprovision,
            OperationKind::Synchronize | OperationKind::Update => return None,
        };
        Some(Self {
            guid,
            kind,
            phase: Phase::Mending,
            job_guid: String::new(),
            facts: OperationFacts {
                body: Map::new(),
                operation: None,
                ..self.facts.clone()
            },
            tries: 0,
            due_at: now,
            deadline: until,
            created_at: now,
            updated_at: now,
            ..self.clone()
        })
    }
}
