//! Brokers and what they offer: offerings, their plans, and who may see them.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Micros;
use super::words::words;

words! {
    /// How well a broker's catalogue is known.
    BrokerState {
        /// It was read.
        Available = "AVAILABLE",
        /// It could not be read.
        Failed = "SYNCHRONIZATION_FAILED",
        /// It is being read.
        Synchronizing = "SYNCHRONIZING",
    }
}

words! {
    /// Who may make services of a plan.
    Visibility {
        /// Nobody; only administrators see it.
        Admin = "admin",
        /// The organizations that are named.
        Organization = "organization",
        /// Everybody.
        Public = "public",
        /// The space that its broker belongs to.
        Space = "space",
    }
}

/// A text that no log shows.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

/// Who makes and keeps services.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServiceBroker {
    /// Its guid.
    pub guid: String,
    /// Unique.
    pub name: String,
    /// Where it listens, as in `https://broker.example.com`.
    pub url: String,
    /// Who we are to it.
    pub username: String,
    /// What proves it.
    pub password: Secret,
    /// The one space that it serves; `None` for all.
    pub space_guid: Option<String>,
    /// How well its catalogue is known.
    pub state: BrokerState,
    /// When it was made.
    pub created_at: Micros,
    /// When it was last changed.
    pub updated_at: Micros,
}

/// A kind of service that a broker offers.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceOffering {
    /// Its guid with us.
    pub guid: String,
    /// Whose it is.
    pub broker_guid: String,
    /// Its id with the broker.
    pub catalog_id: String,
    /// Its name, under which applications find it.
    pub name: String,
    /// For people.
    pub description: String,
    /// Whether the broker's catalogue still has it.
    pub available: bool,
    /// What else the catalogue says.
    pub facts: OfferingFacts,
    /// When it was first seen.
    pub created_at: Micros,
    /// When it was last seen to change.
    pub updated_at: Micros,
}

/// What a catalogue says about an offering.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct OfferingFacts {
    /// Whether applications can be bound to it.
    pub bindable: bool,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// What its bindings may ask of the platform, as in `syslog_drain`.
    pub requires: Vec<String>,
    /// Whether its services can change their plan.
    pub plan_updateable: bool,
    /// Whether the parameters of its services can be asked for.
    pub instances_retrievable: bool,
    /// Whether its bindings can be asked for.
    pub bindings_retrievable: bool,
    /// Whether it wants to know when a service gets another name.
    pub allow_context_updates: bool,
    /// For people and their tools.
    pub metadata: Map<String, Value>,
}

/// One way to have an offering.
#[derive(Clone, Debug, PartialEq)]
pub struct ServicePlan {
    /// Its guid with us.
    pub guid: String,
    /// What it is a plan of.
    pub offering_guid: String,
    /// Its id with the broker.
    pub catalog_id: String,
    /// Unique in its offering.
    pub name: String,
    /// For people.
    pub description: String,
    /// Whether the broker's catalogue still has it.
    pub available: bool,
    /// Who may make services of it.
    pub visibility: Visibility,
    /// What else the catalogue says.
    pub facts: PlanFacts,
    /// When it was first seen.
    pub created_at: Micros,
    /// When it was last seen to change.
    pub updated_at: Micros,
}

/// What a catalogue says about a plan.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct PlanFacts {
    /// Whether it costs nothing.
    pub free: bool,
    /// Whether applications can be bound to it, where it differs from its offering.
    pub bindable: Option<bool>,
    /// Whether its services can change their plan, where it differs from its offering.
    pub plan_updateable: Option<bool>,
    /// How long an operation may go on, in seconds.
    pub maximum_polling_duration: Option<u64>,
    /// Which version of the service it makes: `{"version": …}`.
    pub maintenance_info: Option<Map<String, Value>>,
    /// JSON schemas of parameters.
    pub schemas: Map<String, Value>,
    /// For people and their tools.
    pub metadata: Map<String, Value>,
}

/// All that a broker offers, as it says itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalog {
    /// Its offerings, none of them twice.
    pub offerings: Vec<ListedOffering>,
}

/// One offering of a catalogue.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedOffering {
    /// Its id with the broker.
    pub id: String,
    /// Its name.
    pub name: String,
    /// For people.
    pub description: String,
    /// What else is said.
    pub facts: OfferingFacts,
    /// At least one.
    pub plans: Vec<ListedPlan>,
}

/// One plan of a catalogue.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedPlan {
    /// Its id with the broker.
    pub id: String,
    /// Its name.
    pub name: String,
    /// For people.
    pub description: String,
    /// What else is said.
    pub facts: PlanFacts,
}

/// A plan, what it is a plan of, and who keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// The plan.
    pub plan: ServicePlan,
    /// Its offering.
    pub offering: ServiceOffering,
    /// The offering's broker.
    pub broker: ServiceBroker,
}

impl Offer {
    /// Whether applications can be bound to services of this plan.
    #[must_use]
    pub fn is_bindable(&self) -> bool {
        let own = self.plan.facts.bindable;
        own.unwrap_or(self.offering.facts.bindable)
    }

    /// Whether services of this plan can change to another.
    #[must_use]
    pub fn is_updateable(&self) -> bool {
        let own = self.plan.facts.plan_updateable;
        own.unwrap_or(self.offering.facts.plan_updateable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_in_no_log() {
        assert_eq!(format!("{:?}", Secret("x".to_owned())), "[hidden]");
    }
}
