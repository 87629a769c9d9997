//! What it means to be refused: the exact status, code, title and words, and nothing half done is left.

use serde_json::{Value, json};

use crate::client::Reply;
use crate::platform::Platform;
use crate::talk::Talk;

/// A request, its body, and what is answered: status, code, title and words.
pub(crate) type Row = (&'static str, Value, (u16, u64, &'static str, &'static str));

const UNPROCESSABLE: &str = "CF-UnprocessableEntity";

/// Everything that a request may have changed.
pub(crate) struct Snapshot(Vec<(&'static str, Value)>);

impl Snapshot {
    pub(crate) async fn of(talk: &Talk) -> Self {
        let mut lists = Vec::new();
        for kind in KINDS {
            let list = talk.list(&format!("/v3/{kind}?per_page=5000")).await;
            lists.push((*kind, Value::Array(list)));
        }
        Self(lists)
    }

    pub(crate) async fn assert_same(&self, talk: &Talk, after: &str) {
        for ((kind, before), (_, now)) in self.0.iter().zip(Self::of(talk).await.0) {
            assert_eq!(*before, now, "{kind} changed by {after}");
        }
    }
}

const KINDS: &[&str] = &[
    "apps",
    "audit_events",
    "buildpacks",
    "builds",
    "deployments",
    "domains",
    "droplets",
    "organization_quotas",
    "organizations",
    "packages",
    "processes",
    "roles",
    "routes",
    "service_credential_bindings",
    "service_instances",
    "spaces",
    "stacks",
    "users",
];

/// Two applications, one of which runs, with a route and a package.
pub(crate) async fn begin() -> (Platform, Talk) {
    let platform = Platform::start().await;
    let mut talk = Talk::with(&platform);
    talk.know("shop", &platform.app("shop").await);
    talk.know("runs", &platform.running_app("runs").await);
    let domain = talk.only("/v3/domains?names=localhost").await;
    talk.keep("domain", &domain);
    let route = json!({ "host": "www", "relationships": place("@space", "@domain") });
    talk.keep("route", &talk.tell("POST /v3/routes", route, 201).await);
    let package = json!({ "type": "bits", "relationships": of_app("@shop") });
    talk.keep(
        "package",
        &talk.tell("POST /v3/packages", package, 201).await,
    );
    (platform, talk)
}

pub(crate) fn of_app(app: &str) -> Value {
    json!({ "app": { "data": { "guid": app } } })
}

pub(crate) fn place(space: &str, domain: &str) -> Value {
    json!({ "space": { "data": { "guid": space } }, "domain": { "data": { "guid": domain } } })
}

pub(crate) fn in_space() -> Value {
    json!({ "space": { "data": { "guid": "@space" } } })
}

pub(crate) async fn assert_rows(rows: Vec<Row>) {
    let (_platform, talk) = begin().await;
    let before = Snapshot::of(&talk).await;
    for (request, body, expected) in rows {
        let text = body.to_string();
        let reply = talk.request(request, ("application/json", &text)).await;
        assert_refused(&reply, expected, &format!("{request} {text}"));
        before
            .assert_same(&talk, &format!("{request} {text}"))
            .await;
    }
}

#[track_caller]
pub(crate) fn assert_refused(reply: &Reply, expected: (u16, u64, &str, &str), sent: &str) {
    let document = reply.json();
    let error = &document["errors"][0];
    let (status, code, title, words) = expected;
    assert_eq!(
        (reply.status, &error["detail"]),
        (status, &json!(words)),
        "{sent}"
    );
    assert_eq!(
        (&error["code"], &error["title"]),
        (&json!(code), &json!(title)),
        "{sent}"
    );
    assert!(reply.header("x-vcap-request-id").is_some(), "{sent}");
}

/// A row of 422s.
pub(crate) fn wrong(request: &'static str, body: Value, words: &'static str) -> Row {
    (request, body, (422, 10008, UNPROCESSABLE, words))
}
