//! The handle through which the API speaks to those who carry operations out.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::Notify;

use super::exchange::{self, Told, url_of};
use super::fault::BrokerFault;
use super::{answer, ask};
use crate::dial::Trust;
use crate::model::{Micros, PlanFacts, ServiceBroker};

/// How long brokers are waited for, how often they are asked, and whom we take for one.
#[derive(Clone, Debug)]
pub struct ServiceSettings {
    /// How long a connection may take.
    pub connect_within: Duration,
    /// How long an answer may take.
    pub answer_within: Duration,
    /// How often a request is made whose broker cannot be reached.
    pub tries: u32,
    /// The pause between two of these.
    pub retry_after: Duration,
    /// The pause between two questions for an operation, where the broker names none.
    pub poll_every: Duration,
    /// The shortest pause that a broker may name.
    pub poll_least: Duration,
    /// The first pause between two tries to take away what was left behind; it doubles.
    pub mend_every: Duration,
    /// How long an operation may go on, where its plan allows no less.
    pub give_up_after: Duration,
    /// How often it is looked for what is due.
    pub look_every: Duration,
    /// The authorities that brokers with `https://` addresses prove themselves with.
    pub trust: Trust,
}

impl Default for ServiceSettings {
    fn default() -> Self {
        Self {
            connect_within: Duration::from_secs(5),
            answer_within: Duration::from_secs(60),
            tries: 3,
            retry_after: Duration::from_millis(500),
            poll_every: Duration::from_secs(60),
            poll_least: Duration::from_secs(1),
            mend_every: Duration::from_secs(10),
            give_up_after: Duration::from_secs(7 * 24 * 3600),
            look_every: Duration::from_secs(1),
            trust: Trust::default(),
        }
    }
}

/// Where operations are announced. Clones share it.
#[derive(Clone, Debug)]
pub struct Services {
    settings: Arc<ServiceSettings>,
    nudges: Arc<Notify>,
}

/// What a broker says of a service or a binding that it keeps.
pub type Parameters = Map<String, Value>;

impl Services {
    /// A handle with these settings.
    #[must_use]
    pub fn new(settings: ServiceSettings) -> Self {
        Self {
            settings: Arc::new(settings),
            nudges: Arc::new(Notify::new()),
        }
    }

    /// Says that an operation was written.
    pub fn nudge(&self) {
        self.nudges.notify_one();
    }

    /// Until when an operation that begins now may go on.
    #[must_use]
    pub fn deadline(&self, now: Micros, plan: Option<&PlanFacts>) -> Micros {
        let most = self.settings.give_up_after;
        let allowed = plan.and_then(|plan| plan.maximum_polling_duration);
        now.after(allowed.map_or(most, |seconds| most.min(Duration::from_secs(seconds))))
    }

    /// Asks a broker for the parameters of a service, or of one of its bindings.
    ///
    /// # Errors
    ///
    /// Fails when the broker gives none within 25 s.
    pub async fn parameters(
        &self,
        broker: &ServiceBroker,
        (instance, binding): (&str, Option<&str>),
        user: &str,
    ) -> Result<Parameters, BrokerFault> {
        let question = ask::retrieval(instance, binding, user);
        let settings = ServiceSettings {
            answer_within: self.settings.answer_within.min(ANSWER_AT_ONCE),
            ..ServiceSettings::clone(&self.settings)
        };
        let url = url_of(broker, &question);
        match exchange::ask(&settings, broker, &question).await {
            Told::Answer(reply) => answer::parameters(reply, &url),
            Told::Silent => Err(BrokerFault::Silent(url)),
            Told::Broken | Told::Unreachable => Err(BrokerFault::Unreachable(url)),
        }
    }

    pub(super) fn settings(&self) -> &ServiceSettings {
        &self.settings
    }

    pub(super) async fn nudged(&self) {
        self.nudges.notified().await;
    }
}

/// What a client waits for must not take as long as what a job waits for.
const ANSWER_AT_ONCE: Duration = Duration::from_secs(20);
