//! What an answer of a broker means: one table for requests, one for `last_operation`.

use std::time::Duration;

use serde_json::{Map, Value};

use super::exchange::{Reply, Told};
use super::fault::BrokerFault;
use crate::model::{OperationKind, Phase, ServiceOperation};

/// What a broker's answer means for an operation.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Meaning {
    /// It works on it.
    Accepted(Map<String, Value>),
    /// It is done.
    Done(Map<String, Value>),
    /// It is not done.
    Failed {
        /// Why.
        fault: BrokerFault,
        /// Whether something may have been made nevertheless.
        leaves: bool,
    },
    /// It is not over, or nothing was learnt.
    Later {
        /// The broker's words.
        description: Option<String>,
        /// How long it wants to be left alone.
        wait: Option<Duration>,
    },
    /// Nothing was sent.
    Unsent(BrokerFault),
}

/// Reads what became of an operation's request.
pub(super) fn read(operation: &ServiceOperation, told: Told, url: &str) -> Meaning {
    match operation.phase {
        Phase::Asking | Phase::Fetching | Phase::Mending => first(operation, told, url),
        Phase::MendingPolling | Phase::Polling => last_operation(operation, told),
    }
}

fn first(operation: &ServiceOperation, told: Told, url: &str) -> Meaning {
    let takes_away = matches!(
        operation.kind,
        OperationKind::Deprovision | OperationKind::Unbind
    );
    let leaves = |fault| Meaning::Failed {
        fault,
        leaves: true,
    };
    let reply = match told {
        Told::Answer(reply) => reply,
        Told::Broken => return leaves(BrokerFault::Unreachable(url.to_owned())),
        Told::Silent => return leaves(BrokerFault::Silent(url.to_owned())),
        Told::Unreachable => return Meaning::Unsent(BrokerFault::Unreachable(url.to_owned())),
    };
    match (reply.status, reply.body) {
        (200, body) if takes_away => Meaning::Done(body.unwrap_or_default()),
        (410, _) if takes_away => Meaning::Done(Map::new()),
        (200, Some(body)) => done(operation, body, url),
        (201, Some(body)) if !takes_away => done(operation, body, url),
        (202, Some(body)) if can_wait(operation) => accepted(body, url),
        (status @ 200..=299, body) => {
            let problem = match body {
                Some(_) => format!("status {status} is not among those that it may answer with"),
                None => "a JSON object is expected".to_owned(),
            };
            leaves(malformed(url, problem))
        }
        (status, body) => Meaning::Failed {
            fault: refused(status, body, url),
            leaves: status == 408 || status >= 500,
        },
    }
}

/// A catalogue and a binding that is fetched are there or not.
fn can_wait(operation: &ServiceOperation) -> bool {
    operation.kind != OperationKind::Synchronize && operation.phase != Phase::Fetching
}

fn accepted(body: Map<String, Value>, url: &str) -> Meaning {
    let is_word = |value: &Value| {
        value
            .as_str()
            .is_some_and(|word| word.len() <= MAX_OPERATION_BYTES)
    };
    match body.get("operation") {
        None | Some(Value::Null) => Meaning::Accepted(body),
        Some(word) if is_word(word) => Meaning::Accepted(body),
        Some(_) => Meaning::Failed {
            fault: malformed(url, "operation must be a short string".to_owned()),
            leaves: true,
        },
    }
}

fn done(operation: &ServiceOperation, body: Map<String, Value>, url: &str) -> Meaning {
    let wrong = match operation.kind {
        OperationKind::Bind => binding_problem(&body),
        OperationKind::Provision | OperationKind::Update => text_problem(&body, "dashboard_url"),
        OperationKind::Deprovision | OperationKind::Synchronize | OperationKind::Unbind => None,
    };
    match wrong {
        None => Meaning::Done(body),
        Some(problem) => Meaning::Failed {
            fault: malformed(url, problem),
            leaves: true,
        },
    }
}

fn binding_problem(body: &Map<String, Value>) -> Option<String> {
    let is = |name: &str, fits: fn(&Value) -> bool| {
        body.get(name).is_none_or(|v| v.is_null() || fits(v))
    };
    if !is("credentials", Value::is_object) {
        return Some("credentials must be an object".to_owned());
    }
    if !is("volume_mounts", Value::is_array) {
        return Some("volume_mounts must be a list".to_owned());
    }
    text_problem(body, "syslog_drain_url")
}

fn text_problem(body: &Map<String, Value>, name: &str) -> Option<String> {
    match body.get(name) {
        None | Some(Value::Null | Value::String(_)) => None,
        Some(_) => Some(format!("{name} must be a string")),
    }
}

fn last_operation(operation: &ServiceOperation, told: Told) -> Meaning {
    let takes_away = matches!(
        operation.kind,
        OperationKind::Deprovision | OperationKind::Unbind
    );
    let later = |description, wait| Meaning::Later { description, wait };
    let Told::Answer(Reply {
        status,
        body,
        retry_after,
    }) = told
    else {
        return later(None, None);
    };
    let body = body.unwrap_or_default();
    let description = description(&body);
    match (status, body.get("state").and_then(Value::as_str)) {
        (410, _) if takes_away => Meaning::Done(Map::new()),
        (200, Some("succeeded")) => Meaning::Done(Map::new()),
        (200, Some("failed")) => failed(operation, description.unwrap_or_default()),
        (200, Some("in progress")) => later(description, retry_after),
        (400 | 410, _) => {
            let words = description.unwrap_or_else(|| {
                format!("the service broker does not know the operation (status {status})")
            });
            failed(operation, words)
        }
        // A broker that is away, or talks nonsense, may come to its senses before the deadline.
        _ => later(None, retry_after),
    }
}

fn failed(operation: &ServiceOperation, description: String) -> Meaning {
    Meaning::Failed {
        fault: incomplete(operation.kind, &description),
        leaves: true,
    }
}

/// What was begun and not done.
pub(super) fn incomplete(kind: OperationKind, description: &str) -> BrokerFault {
    let operation = match kind {
        OperationKind::Bind => "bind",
        OperationKind::Deprovision => "delete",
        OperationKind::Provision => "create",
        OperationKind::Synchronize => "synchronize",
        OperationKind::Unbind => "unbind",
        OperationKind::Update => "update",
    };
    BrokerFault::Failed {
        operation: operation.to_owned(),
        description: short(description),
    }
}

fn refused(status: u16, body: Option<Map<String, Value>>, url: &str) -> BrokerFault {
    let body = body.unwrap_or_default();
    let said = description(&body);
    let words = said
        .as_ref()
        .map(|said| format!("Service broker error: {said}"));
    let code = body.get("error").and_then(Value::as_str);
    let rejected =
        || format!("The service broker rejected the request to {url}. Status Code: {status}");
    match (status, code) {
        (401, _) => BrokerFault::Unauthorized(url.to_owned()),
        (409, _) => {
            BrokerFault::Conflict(words.unwrap_or_else(|| format!("Resource conflict: {url}")))
        }
        (422, Some("AsyncRequired")) => BrokerFault::AsyncRequired,
        (422, Some("ConcurrencyError")) => BrokerFault::Concurrency,
        (422, Some("MaintenanceInfoConflict")) => BrokerFault::MaintenanceInfoConflict,
        (422, Some("RequiresApp")) => BrokerFault::RequiresApp,
        (429, _) => BrokerFault::RateLimited(said.unwrap_or_else(|| url.to_owned())),
        (408 | 500.., _) => BrokerFault::BadResponse(words.unwrap_or_else(|| {
            format!(
                "The service broker returned an invalid response for the request to {url}. \
                 Status Code: {status}"
            )
        })),
        _ => BrokerFault::Rejected(words.unwrap_or_else(rejected)),
    }
}

/// Reads the answer to a question for a service or a binding.
pub(super) fn parameters(reply: Reply, url: &str) -> Result<Map<String, Value>, BrokerFault> {
    match (reply.status, reply.body) {
        (200, Some(mut body)) => match body.remove("parameters") {
            Some(Value::Object(parameters)) => Ok(parameters),
            _ => Ok(Map::new()),
        },
        (200, None) => Err(malformed(url, "a JSON object is expected".to_owned())),
        (status, body) => Err(refused(status, body, url)),
    }
}

fn malformed(url: &str, problem: String) -> BrokerFault {
    BrokerFault::Malformed {
        url: url.to_owned(),
        problem,
    }
}

fn description(body: &Map<String, Value>) -> Option<String> {
    let words = body.get("description")?.as_str()?;
    (!words.is_empty()).then(|| short(words))
}

fn short(words: &str) -> String {
    words.chars().take(MAX_DESCRIPTION_CHARS).collect()
}

const MAX_DESCRIPTION_CHARS: usize = 2000;
const MAX_OPERATION_BYTES: usize = 10_000;

#[cfg(test)]
#[path = "answers.rs"]
mod tests;
