//! What follows from an answer: how an operation goes on, or how it ends.

use std::time::Duration;

use serde_json::{Map, Value};

use super::ServiceSettings;
use super::answer::{Meaning, incomplete};
use super::fault::BrokerFault;
use crate::model::{Micros, OperationKind, Phase, ServiceOperation};

/// How an operation goes on.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// It is over.
    End {
        /// What the broker gave, or why it gave nothing.
        outcome: Result<Map<String, Value>, BrokerFault>,
        /// Whether something may be left at the broker that must be taken away.
        mend: bool,
    },
    /// It goes on.
    Go {
        /// As what.
        phase: Phase,
        /// When.
        due: Micros,
        /// The broker's words, if it said anything new.
        description: Option<String>,
        /// What came with a 202.
        accepted: Option<Map<String, Value>>,
    },
}

/// Decides how an operation goes on after its request at `now` had this meaning.
pub(super) fn decide(
    operation: &ServiceOperation,
    meaning: Meaning,
    now: Micros,
    settings: &ServiceSettings,
) -> Step {
    let decision = Decision {
        operation,
        now,
        settings,
    };
    match operation.phase {
        Phase::Asking | Phase::Fetching => decision.asked(meaning),
        Phase::Mending => decision.mended(meaning),
        Phase::MendingPolling => decision.mending_polled(meaning),
        Phase::Polling => decision.polled(meaning),
    }
}

struct Decision<'a> {
    operation: &'a ServiceOperation,
    now: Micros,
    settings: &'a ServiceSettings,
}

impl Decision<'_> {
    fn asked(&self, meaning: Meaning) -> Step {
        match meaning {
            Meaning::Accepted(body) => Step::Go {
                phase: Phase::Polling,
                due: self.now.after(self.settings.poll_every),
                description: None,
                accepted: Some(body),
            },
            Meaning::Done(body) => end(Ok(body), false),
            Meaning::Unsent(_) | Meaning::Later { .. }
                if self.operation.tries < self.settings.tries =>
            {
                self.again(self.settings.retry_after)
            }
            Meaning::Unsent(fault) => {
                // What an earlier try has sent is not known.
                end(Err(fault), self.makes() && self.is_repeated())
            }
            Meaning::Failed { fault, leaves } => {
                let doubtful = leaves || self.operation.phase == Phase::Fetching;
                // After a restart the same request is sent again; a refusal of the second says
                // nothing about the first.
                end(Err(fault), self.makes() && (doubtful || self.is_repeated()))
            }
            Meaning::Later { .. } => end(Err(self.too_long()), self.makes()),
        }
    }

    fn polled(&self, meaning: Meaning) -> Step {
        match meaning {
            Meaning::Accepted(body) | Meaning::Done(body) => {
                if self.operation.kind == OperationKind::Bind {
                    return Step::Go {
                        phase: Phase::Fetching,
                        due: self.now,
                        description: None,
                        accepted: None,
                    };
                }
                end(Ok(body), false)
            }
            Meaning::Failed { fault, .. } => end(Err(fault), self.makes()),
            Meaning::Later { .. } | Meaning::Unsent(_) if self.is_overdue() => {
                end(Err(self.too_long()), self.makes())
            }
            Meaning::Later { description, wait } => Step::Go {
                phase: Phase::Polling,
                due: self.next_poll(wait),
                description,
                accepted: None,
            },
            Meaning::Unsent(_) => self.again(self.settings.poll_every),
        }
    }

    fn mended(&self, meaning: Meaning) -> Step {
        match meaning {
            Meaning::Accepted(body) => Step::Go {
                phase: Phase::MendingPolling,
                due: self.now.after(self.settings.poll_every),
                description: None,
                accepted: Some(body),
            },
            Meaning::Done(body) => end(Ok(body), false),
            Meaning::Failed { fault, .. } | Meaning::Unsent(fault) => self.mend_again(fault),
            Meaning::Later { .. } => self.mend_again(self.too_long()),
        }
    }

    fn mending_polled(&self, meaning: Meaning) -> Step {
        match meaning {
            Meaning::Accepted(body) | Meaning::Done(body) => end(Ok(body), false),
            Meaning::Failed { fault, .. } => self.mend_again(fault),
            Meaning::Later { .. } | Meaning::Unsent(_) if self.is_overdue() => {
                end(Err(self.too_long()), false)
            }
            Meaning::Later { wait, .. } => Step::Go {
                phase: Phase::MendingPolling,
                due: self.next_poll(wait),
                description: None,
                accepted: None,
            },
            Meaning::Unsent(_) => self.again(self.settings.poll_every),
        }
    }

    /// The pause doubles, up to an hour.
    fn mend_again(&self, fault: BrokerFault) -> Step {
        if self.is_overdue() {
            return end(Err(fault), false);
        }
        let doublings = self.operation.tries.saturating_sub(1).min(16);
        let pause = self.settings.mend_every.saturating_mul(1 << doublings);
        Step::Go {
            phase: Phase::Mending,
            due: self.now.after(pause.min(LONGEST_PAUSE)),
            description: None,
            accepted: None,
        }
    }

    fn again(&self, pause: Duration) -> Step {
        Step::Go {
            phase: self.operation.phase,
            due: self.now.after(pause),
            description: None,
            accepted: None,
        }
    }

    fn next_poll(&self, wait: Option<Duration>) -> Micros {
        let pause = match wait {
            Some(wait) => wait.clamp(self.settings.poll_least, LONGEST_WAIT),
            None => self.settings.poll_every,
        };
        self.now.after(pause)
    }

    fn is_overdue(&self) -> bool {
        self.now >= self.operation.deadline
    }

    fn is_repeated(&self) -> bool {
        self.operation.tries > 1
    }

    /// Whether a failure may leave something at the broker.
    fn makes(&self) -> bool {
        matches!(
            self.operation.kind,
            OperationKind::Bind | OperationKind::Provision
        )
    }

    fn too_long(&self) -> BrokerFault {
        let done = match self.operation.kind {
            OperationKind::Bind => "bind",
            OperationKind::Deprovision => "deprovision",
            OperationKind::Provision => "provision",
            OperationKind::Synchronize => "answer",
            OperationKind::Unbind => "unbind",
            OperationKind::Update => "update",
        };
        let words = format!("Service Broker failed to {done} within the required time.");
        incomplete(self.operation.kind, &words)
    }
}

fn end(outcome: Result<Map<String, Value>, BrokerFault>, mend: bool) -> Step {
    Step::End { outcome, mend }
}

const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

#[cfg(test)]
#[path = "decisions.rs"]
mod tests;
