//! From an operation to the request that its phase sends.

use hyper::Method;

use super::exchange::Question;
use crate::model::{OperationKind, Phase, ServiceOperation};

/// The request that carries an operation on.
pub(super) fn question(operation: &ServiceOperation) -> Question {
    match operation.phase {
        Phase::Asking | Phase::Mending => first(operation),
        Phase::Fetching => plain(operation, Method::GET, own_path(operation)),
        Phase::MendingPolling | Phase::Polling => last_operation(operation),
    }
}

fn first(operation: &ServiceOperation) -> Question {
    match operation.kind {
        OperationKind::Bind | OperationKind::Provision => with_body(operation, Method::PUT),
        OperationKind::Deprovision | OperationKind::Unbind => {
            let mut question = plain(operation, Method::DELETE, own_path(operation));
            question.query = ids(operation);
            question.query.push(incomplete_too());
            question
        }
        OperationKind::Synchronize => catalog(),
        OperationKind::Update => with_body(operation, Method::PATCH),
    }
}

fn catalog() -> Question {
    Question {
        method: Method::GET,
        path: "/v2/catalog".to_owned(),
        query: Vec::new(),
        body: None,
        user: None,
    }
}

fn with_body(operation: &ServiceOperation, method: Method) -> Question {
    Question {
        query: vec![incomplete_too()],
        body: Some(operation.facts.body.clone()),
        ..plain(operation, method, own_path(operation))
    }
}

fn last_operation(operation: &ServiceOperation) -> Question {
    let path = format!("{}/last_operation", own_path(operation));
    let mut query = ids(operation);
    if let Some(word) = &operation.facts.operation {
        query.push(("operation", word.clone()));
    }
    Question {
        query,
        ..plain(operation, Method::GET, path)
    }
}

/// What a service's parameters are asked for with.
pub(super) fn retrieval(instance: &str, binding: Option<&str>, user: &str) -> Question {
    let service = format!("/v2/service_instances/{instance}");
    Question {
        method: Method::GET,
        path: match binding {
            Some(binding) => format!("{service}/service_bindings/{binding}"),
            None => service,
        },
        query: Vec::new(),
        body: None,
        user: Some(user.to_owned()),
    }
}

fn plain(operation: &ServiceOperation, method: Method, path: String) -> Question {
    Question {
        method,
        path,
        query: Vec::new(),
        body: None,
        user: Some(operation.facts.user_guid.clone()).filter(|user| !user.is_empty()),
    }
}

fn own_path(operation: &ServiceOperation) -> String {
    let service = format!("/v2/service_instances/{}", operation.instance_guid);
    match operation.binding_guid.as_str() {
        "" => service,
        binding => format!("{service}/service_bindings/{binding}"),
    }
}

fn ids(operation: &ServiceOperation) -> Vec<(&'static str, String)> {
    vec![
        ("service_id", operation.facts.service_id.clone()),
        ("plan_id", operation.facts.plan_id.clone()),
    ]
}

/// We can wait.
fn incomplete_too() -> (&'static str, String) {
    ("accepts_incomplete", "true".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Micros, OperationFacts};

    fn operation(kind: OperationKind, phase: Phase) -> ServiceOperation {
        ServiceOperation {
            guid: "o".to_owned(),
            kind,
            phase,
            broker_guid: "b".to_owned(),
            instance_guid: "i".to_owned(),
            binding_guid: match kind {
                OperationKind::Bind | OperationKind::Unbind => "k".to_owned(),
                _ => String::new(),
            },
            job_guid: String::new(),
            facts: OperationFacts {
                user_guid: "u".to_owned(),
                service_id: "s".to_owned(),
                plan_id: "p".to_owned(),
                operation: Some("w".to_owned()),
                ..OperationFacts::default()
            },
            tries: 0,
            due_at: Micros(0),
            deadline: Micros(0),
            created_at: Micros(0),
            updated_at: Micros(0),
        }
    }

    #[test]
    fn each_phase_of_each_kind_has_its_request() {
        let service = "/v2/service_instances/i";
        let binding = "/v2/service_instances/i/service_bindings/k";
        let (asking, polling) = (Phase::Asking, Phase::Polling);
        for (kind, phase, method, path, query) in [
            (
                OperationKind::Synchronize,
                asking,
                "GET",
                "/v2/catalog",
                vec![],
            ),
            (
                OperationKind::Provision,
                asking,
                "PUT",
                service,
                vec!["accepts_incomplete"],
            ),
            (
                OperationKind::Update,
                asking,
                "PATCH",
                service,
                vec!["accepts_incomplete"],
            ),
            (
                OperationKind::Bind,
                asking,
                "PUT",
                binding,
                vec!["accepts_incomplete"],
            ),
            (OperationKind::Bind, Phase::Fetching, "GET", binding, vec![]),
            (
                OperationKind::Deprovision,
                Phase::Mending,
                "DELETE",
                service,
                vec!["service_id", "plan_id", "accepts_incomplete"],
            ),
            (
                OperationKind::Unbind,
                asking,
                "DELETE",
                binding,
                vec!["service_id", "plan_id", "accepts_incomplete"],
            ),
            (
                OperationKind::Provision,
                polling,
                "GET",
                "/v2/service_instances/i/last_operation",
                vec!["service_id", "plan_id", "operation"],
            ),
        ] {
            let asked = question(&operation(kind, phase));
            let names: Vec<&str> = asked.query.iter().map(|(name, _)| *name).collect();
            assert_eq!((asked.method.as_str(), &*asked.path), (method, path));
            assert_eq!(names, query, "{kind:?}");
        }
    }
}
