//! Bad input: the exact answer, and never a fault of ours.

use std::future::Future;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::cloud::Cloud;

#[tokio::test]
async fn bodies_that_are_wrong_are_told_so_exactly() {
    let cloud = Cloud::start().await;
    let head = format!("Authorization: bearer {}\r\n", cloud.admin);
    let broken = cloud.send("POST", "/v3/organizations", &head, b"{").await;
    assert_eq!((broken.status, broken.error().0), (400, 1001));
    assert!(
        broken
            .error()
            .1
            .starts_with("Request invalid due to parse error: ")
    );
    let odd = cloud
        .post(
            "/v3/organizations",
            &cloud.admin,
            &json!({"name": 1, "x": 2}),
        )
        .await;
    assert_eq!(odd.status, 422);
    assert_eq!(
        odd.error(),
        (
            10008,
            "Unknown field(s): 'x', Name must be a string".to_owned()
        )
    );
    let large = vec![b' '; 1024 * 1024 + 1];
    let large = cloud.send("POST", "/v3/organizations", &head, &large).await;
    assert_eq!(large.status, 413);
}

#[tokio::test]
async fn what_is_nowhere_is_an_unknown_request() {
    let cloud = Cloud::start().await;
    for (method, path) in [
        ("GET", "/v2/info"),
        ("PUT", "/v3/spaces"),
        ("GET", "/v3/spaces/%00"),
    ] {
        let reply = cloud.send(method, path, "", b"").await;
        assert_eq!(
            (reply.status, reply.error()),
            (404, (10000, "Unknown request".to_owned())),
            "{path}"
        );
        assert!(reply.header("x-vcap-request-id").is_some());
    }
}

#[tokio::test]
async fn every_route_is_described() {
    let cloud = Cloud::start().await;
    let described = cloud.get("/openapi.json", "").await;
    let paths = described
        .body
        .get("paths")
        .and_then(Value::as_object)
        .unwrap();
    for path in [
        "/v3/organizations/{guid}",
        "/v3/roles",
        "/oauth/token",
        "/v3/jobs/{guid}",
    ] {
        assert!(paths.contains_key(path), "{path}");
    }
}

#[test]
fn no_body_is_a_fault_of_ours() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let cloud = runtime.block_on(Cloud::start());
    let (org, space) = runtime.block_on(cloud.place("acme", "dev"));
    let paths: Vec<(&str, String)> = vec![
        ("POST", "/v3/organizations".to_owned()),
        ("PATCH", format!("/v3/organizations/{org}")),
        ("POST", "/v3/spaces".to_owned()),
        ("PATCH", format!("/v3/spaces/{space}")),
        ("POST", "/v3/roles".to_owned()),
        ("POST", "/v3/users".to_owned()),
        ("POST", "/v3/domains".to_owned()),
        ("POST", "/v3/organization_quotas".to_owned()),
        ("POST", "/v3/buildpacks".to_owned()),
        ("POST", "/v3/stacks".to_owned()),
        ("PATCH", "/v3/feature_flags/app_scaling".to_owned()),
        ("POST", "/Users".to_owned()),
        ("POST", "/oauth/token".to_owned()),
    ];
    let cases = (0..paths.len(), body());
    // The runner's own thread has no runtime, so that each case may block on it.
    let mut runner = TestRunner::new(Config::with_cases(400));
    let outcome = runner.run(&cases, |(at, body)| {
        let (method, path) = &paths[at];
        let status = block(&runtime, status_of(&cloud, method, path, &body));
        prop_assert!(
            (200..500).contains(&status),
            "{method} {path}: {status} for {body}"
        );
        Ok(())
    });
    outcome.unwrap();
}

fn block<T>(runtime: &tokio::runtime::Runtime, future: impl Future<Output = T>) -> T {
    runtime.block_on(future)
}

async fn status_of(cloud: &Cloud, method: &str, path: &str, body: &Value) -> u16 {
    let head = format!("Authorization: bearer {}\r\n", cloud.admin);
    cloud
        .send(method, path, &head, body.to_string().as_bytes())
        .await
        .status
}

/// Objects with names that mean something, and values that seldom do.
fn body() -> impl Strategy<Value = Value> {
    let names = prop_oneof![
        Just("name"),
        Just("type"),
        Just("relationships"),
        Just("organization"),
        Just("space"),
        Just("user"),
        Just("data"),
        Just("guid"),
        Just("metadata"),
        Just("labels"),
        Just("annotations"),
        Just("suspended"),
        Just("apps"),
        Just("total_memory_in_mb"),
        Just("username"),
        Just("userName"),
        Just("origin"),
        Just("password"),
        Just("position"),
        Just("stack"),
        Just("enabled"),
        Just("internal"),
        Just("emails"),
        Just("x"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!("space_developer")),
        Just(json!("a\u{0}b")),
        Just(json!("x".repeat(300))),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..6).prop_map(|fields| {
                fields
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect()
            }),
        ]
    })
}
