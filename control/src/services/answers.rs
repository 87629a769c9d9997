//! The tables of the broker contract: what each status of each call means.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::model::{Micros, OperationFacts};

fn operation(kind: OperationKind, phase: Phase) -> ServiceOperation {
    ServiceOperation {
        guid: "o".to_owned(),
        kind,
        phase,
        broker_guid: "b".to_owned(),
        instance_guid: "i".to_owned(),
        binding_guid: String::new(),
        job_guid: String::new(),
        facts: OperationFacts::default(),
        tries: 1,
        due_at: Micros(0),
        deadline: Micros(1_000_000),
        created_at: Micros(0),
        updated_at: Micros(0),
    }
}

fn told(status: u16, body: Value) -> Told {
    Told::Answer(Reply {
        status,
        body: body.as_object().cloned(),
        retry_after: None,
    })
}

/// What an answer means, as a word, and whether something may be left.
fn word(kind: OperationKind, phase: Phase, told: Told) -> String {
    match read(&operation(kind, phase), told, "URL") {
        Meaning::Accepted(_) => "accepted".to_owned(),
        Meaning::Done(_) => "done".to_owned(),
        Meaning::Failed { fault, leaves } => {
            let left = if leaves { "leaves" } else { "clean" };
            let entry = fault.entry();
            let title = entry["title"].as_str().unwrap().trim_start_matches("CF-");
            format!("{left} {title}")
        }
        Meaning::Later { .. } => "later".to_owned(),
        Meaning::Unsent(_) => "unsent".to_owned(),
    }
}

const PROVISION: OperationKind = OperationKind::Provision;
const BIND: OperationKind = OperationKind::Bind;
const DEPROVISION: OperationKind = OperationKind::Deprovision;
const CATALOG: OperationKind = OperationKind::Synchronize;

/// Call, status, body, and what it means.
const REPLIES: &[(OperationKind, u16, &str, &str)] = &[
    (PROVISION, 201, "{}", "done"),
    (PROVISION, 200, "{}", "done"),
    (PROVISION, 202, r#"{"operation":"x"}"#, "accepted"),
    (PROVISION, 202, "", "leaves ServiceBrokerResponseMalformed"),
    (
        PROVISION,
        202,
        r#"{"operation":1}"#,
        "leaves ServiceBrokerResponseMalformed",
    ),
    (PROVISION, 201, "", "leaves ServiceBrokerResponseMalformed"),
    (
        PROVISION,
        204,
        "{}",
        "leaves ServiceBrokerResponseMalformed",
    ),
    (
        PROVISION,
        201,
        r#"{"dashboard_url":1}"#,
        "leaves ServiceBrokerResponseMalformed",
    ),
    (PROVISION, 302, "", "clean ServiceBrokerRequestRejected"),
    (PROVISION, 400, "{}", "clean ServiceBrokerRequestRejected"),
    (
        PROVISION,
        401,
        "",
        "clean ServiceBrokerApiAuthenticationFailed",
    ),
    (PROVISION, 408, "", "leaves ServiceBrokerBadResponse"),
    (PROVISION, 409, "{}", "clean ServiceBrokerConflict"),
    (PROVISION, 410, "{}", "clean ServiceBrokerRequestRejected"),
    (
        PROVISION,
        412,
        r#"{"description":"2.17"}"#,
        "clean ServiceBrokerRequestRejected",
    ),
    (
        PROVISION,
        422,
        r#"{"error":"AsyncRequired"}"#,
        "clean AsyncRequired",
    ),
    (
        PROVISION,
        422,
        r#"{"error":"ConcurrencyError"}"#,
        "clean ConcurrencyError",
    ),
    (
        PROVISION,
        422,
        r#"{"error":"MaintenanceInfoConflict"}"#,
        "clean MaintenanceInfoConflict",
    ),
    (
        PROVISION,
        422,
        r#"{"error":"else"}"#,
        "clean ServiceBrokerRequestRejected",
    ),
    (PROVISION, 429, "", "clean ServiceBrokerRateLimitExceeded"),
    (
        PROVISION,
        500,
        r#"{"error":"x"}"#,
        "leaves ServiceBrokerBadResponse",
    ),
    (PROVISION, 507, "", "leaves ServiceBrokerBadResponse"),
    (BIND, 201, r#"{"credentials":{"uri":"x"}}"#, "done"),
    (
        BIND,
        201,
        r#"{"credentials":"x"}"#,
        "leaves ServiceBrokerResponseMalformed",
    ),
    (
        BIND,
        201,
        r#"{"volume_mounts":{}}"#,
        "leaves ServiceBrokerResponseMalformed",
    ),
    (
        BIND,
        201,
        r#"{"syslog_drain_url":[]}"#,
        "leaves ServiceBrokerResponseMalformed",
    ),
    (BIND, 422, r#"{"error":"RequiresApp"}"#, "clean AppRequired"),
    (DEPROVISION, 200, "", "done"),
    (DEPROVISION, 202, "{}", "accepted"),
    (DEPROVISION, 410, "", "done"),
    (DEPROVISION, 404, "", "clean ServiceBrokerRequestRejected"),
    (
        DEPROVISION,
        201,
        "{}",
        "leaves ServiceBrokerResponseMalformed",
    ),
    (CATALOG, 200, "{}", "done"),
    (CATALOG, 202, "{}", "leaves ServiceBrokerResponseMalformed"),
    (CATALOG, 200, "", "leaves ServiceBrokerResponseMalformed"),
];

#[test]
fn every_status_of_a_request_has_its_meaning() {
    for (kind, status, body, meaning) in REPLIES {
        let object = serde_json::from_str(body).unwrap_or(Value::Null);
        let found = word(*kind, Phase::Asking, told(*status, object));
        assert_eq!(found, *meaning, "{kind:?} {status} {body}");
    }
}

#[test]
fn every_state_of_an_operation_has_its_meaning() {
    let state = |state: &str| json!({ "state": state, "description": "why" });
    for (kind, status, body, meaning) in [
        (PROVISION, 200, state("succeeded"), "done"),
        (PROVISION, 200, state("in progress"), "later"),
        (PROVISION, 200, state("failed"), "leaves UnableToPerform"),
        (PROVISION, 200, state("nonsense"), "later"),
        (PROVISION, 200, Value::Null, "later"),
        (PROVISION, 400, json!({}), "leaves UnableToPerform"),
        (PROVISION, 410, json!({}), "leaves UnableToPerform"),
        (PROVISION, 404, json!({}), "later"),
        (PROVISION, 500, json!({}), "later"),
        (DEPROVISION, 410, Value::Null, "done"),
        (DEPROVISION, 200, state("failed"), "leaves UnableToPerform"),
    ] {
        let found = word(kind, Phase::Polling, told(status, body.clone()));
        assert_eq!(found, meaning, "{kind:?} {status} {body}");
    }
    for lost in [Told::Broken, Told::Silent, Told::Unreachable] {
        assert_eq!(word(PROVISION, Phase::Polling, lost), "later");
    }
}

#[test]
fn what_was_sent_and_not_answered_may_have_been_done() {
    let asked = |told| word(PROVISION, Phase::Asking, told);
    assert_eq!(asked(Told::Silent), "leaves ServiceBrokerApiTimeout");
    assert_eq!(asked(Told::Broken), "leaves ServiceBrokerApiUnreachable");
    assert_eq!(asked(Told::Unreachable), "unsent");
}

#[test]
fn sentences_name_the_broker_and_its_words_and_nothing_that_was_answered() {
    let detail = |told| match read(&operation(BIND, Phase::Asking), told, "http://b/v2/x") {
        Meaning::Failed { fault, .. } | Meaning::Unsent(fault) => fault.to_string(),
        other => panic!("{other:?}"),
    };
    let secret = json!({ "credentials": "s3cret" });
    for (told, sentence) in [
        (
            Told::Unreachable,
            "The service broker could not be reached: http://b/v2/x",
        ),
        (
            Told::Silent,
            "The request to the service broker timed out: http://b/v2/x",
        ),
        (
            told(500, json!({ "description": "disk full" })),
            "Service broker error: disk full",
        ),
        (
            told(400, Value::Null),
            "The service broker rejected the request to http://b/v2/x. Status Code: 400",
        ),
        (
            told(500, Value::Null),
            "The service broker returned an invalid response for the request to http://b/v2/x. \
             Status Code: 500",
        ),
        (told(409, Value::Null), "Resource conflict: http://b/v2/x"),
        (
            told(401, Value::Null),
            "Authentication with the service broker failed. Double-check that the username and \
             password are correct: http://b/v2/x",
        ),
        (
            told(201, secret),
            "The service broker returned an invalid response for the request to http://b/v2/x: \
             credentials must be an object",
        ),
    ] {
        assert_eq!(detail(told), sentence);
    }
}

proptest! {
    #[test]
    fn only_a_refusal_leaves_nothing(
        status in 100_u16..600,
        body in prop::sample::select(vec!["", "[]", "{}", r#"{"credentials":1}"#, r#"{"operation":[]}"#]),
        binds in any::<bool>(),
    ) {
        let kind = if binds { BIND } else { PROVISION };
        let object = serde_json::from_str(body).unwrap_or(Value::Null);
        match read(&operation(kind, Phase::Asking), told(status, object), "URL") {
            Meaning::Failed { leaves, .. } => {
                let refused = (100..200).contains(&status) || (300..500).contains(&status);
                prop_assert_eq!(leaves, !refused || status == 408);
            }
            Meaning::Accepted(_) => prop_assert_eq!(status, 202),
            Meaning::Done(_) => prop_assert!([200, 201].contains(&status)),
            other => prop_assert!(false, "{:?}", other),
        }
    }
}
