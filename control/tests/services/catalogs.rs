//! Catalogues: taken over again and again, kept where they are used, and refused when they are wrong.

use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::broker::{Manner, catalog};
use crate::client::guid;
use crate::platform::Platform;
use crate::scene::Scene;

/// Has the catalogue read again.
async fn again(scene: &Scene) -> Value {
    let brokers = scene.get("/v3/service_brokers").await;
    let path = format!("/v3/service_brokers/{}", guid(&brokers["resources"][0]));
    let same = json!({ "url": scene.broker.url() });
    let job = scene.client().patch(&path, same).await.location();
    scene.ended(&job).await
}

#[tokio::test]
async fn a_plan_that_is_gone_stays_for_those_who_have_it() {
    let scene = Scene::start().await;
    let service = scene.service("mine").await;
    let (small, large) = (scene.plan("small").await, scene.plan("large").await);
    let mut smaller = catalog();
    smaller["services"][0]["plans"] = json!([
        { "id": "large-id", "name": "huge", "description": "Many", "free": false },
        { "id": "new-id", "name": "new", "description": "New" },
    ]);
    smaller["services"].as_array_mut().unwrap().pop();
    scene.broker.offer(smaller);
    assert_eq!(again(&scene).await["state"], "COMPLETE");
    let plans = scene.get("/v3/service_plans?order_by=name").await;
    let seen: Vec<(&str, bool)> = plans["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|plan| (plan["name"].as_str().unwrap(), plan["available"] == true))
        .collect();
    assert_eq!(seen, [("huge", true), ("new", true), ("small", false)]);
    // What is known under an id keeps its guid and who may have it.
    let huge = scene.get("/v3/service_plans?names=huge").await;
    assert_eq!(guid(&huge["resources"][0]), large);
    assert_eq!(huge["resources"][0]["visibility_type"], "public");
    let offerings = scene.get("/v3/service_offerings").await;
    assert_eq!(offerings["pagination"]["total_results"], 1);
    let body = json!({ "type": "managed", "name": "second", "relationships": {
        "space": { "data": { "guid": scene.platform.space } },
        "service_plan": { "data": { "guid": small } } } });
    let refused = scene
        .client()
        .post("/v3/service_instances", body)
        .await
        .refusal(422);
    assert!(
        refused.1.starts_with("Invalid service plan."),
        "{}",
        refused.1
    );
    let path = format!("/v3/service_instances/{service}");
    scene.delete(&path).await;
    assert_eq!(again(&scene).await["state"], "COMPLETE");
    let gone = scene.get("/v3/service_plans?names=small").await;
    assert_eq!(gone["pagination"]["total_results"], 0);
}

#[tokio::test]
async fn a_catalogue_that_is_wrong_is_told_and_the_last_one_stays() {
    let scene = Scene::start().await;
    let mut wrong = catalog();
    wrong["services"][1]["id"] = json!("db-id");
    wrong["services"][0]["plans"][0]["name"] = json!(7);
    scene.broker.offer(wrong);
    let job = again(&scene).await;
    let error = &job["errors"][0];
    assert_eq!(
        (&job["state"], &error["code"]),
        (&json!("FAILED"), &json!(270_012))
    );
    assert_eq!(error["title"], "CF-ServiceBrokerCatalogInvalid");
    let words = error["detail"].as_str().unwrap();
    assert!(
        words.starts_with("Service broker catalog is invalid: \n"),
        "{words}"
    );
    assert!(
        words.contains("Service ids must be unique: db-id"),
        "{words}"
    );
    let plans = scene.get("/v3/service_plans").await;
    assert_eq!(plans["pagination"]["total_results"], 4);
    for (manner, title) in [
        (
            Manner::Say(200, "<html>"),
            "CF-ServiceBrokerResponseMalformed",
        ),
        (Manner::Say(500, "{}"), "CF-ServiceBrokerBadResponse"),
        (
            Manner::Refuse(401, json!({})),
            "CF-ServiceBrokerApiAuthenticationFailed",
        ),
        (Manner::Break, "CF-ServiceBrokerApiUnreachable"),
    ] {
        scene.broker.next("catalog", &[manner]);
        assert_eq!(again(&scene).await["errors"][0]["title"], title);
    }
    scene.broker.offer(catalog());
    assert_eq!(again(&scene).await["state"], "COMPLETE");
}

#[tokio::test]
async fn nobody_waits_for_a_broker_that_was_removed() {
    let scene = Scene::empty(Platform::start().await).await;
    scene.broker.next("catalog", &[Manner::Silence]);
    let job = scene.register("broker").await;
    scene
        .wait("the catalogue is asked for", async || {
            (scene.broker.asked("catalog").len() == 1).then_some(())
        })
        .await;
    let brokers = scene.get("/v3/service_brokers").await;
    let path = format!("/v3/service_brokers/{}", guid(&brokers["resources"][0]));
    let same = json!({ "url": scene.broker.url() });
    let busy = scene.client().patch(&path, same).await.refusal(422);
    let words = "Cannot update a broker when other operation is already in progress";
    assert_eq!(busy.1, words);
    let gone = scene.client().delete(&path).await.location();
    scene.completed(&gone).await;
    assert_eq!(
        scene.failed(&job).await["detail"],
        "Service broker not found"
    );
}

/// A catalogue in which anything may be anything.
fn catalogues() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec!["a", "b", "", "\u{0}", "ä'\"--", "%"]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.prop_map(Value::from),
        Just(Value::from("x".repeat(300))),
    ];
    let loose = leaf.clone().prop_recursive(3, 12, 3, |inner| {
        let names = prop::sample::select(vec!["version", "costs", "amount", "usd"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(names.prop_map(str::to_owned), inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    let change = prop::option::weighted(0.4, (0_usize..12, loose));
    let changes = (change.clone(), change, 0_usize..2);
    changes.prop_map(|(in_service, in_plan, which)| {
        let mut catalog = catalog();
        let service = &mut catalog["services"][which];
        if let Some((at, value)) = in_plan {
            service["plans"][0][PLAN_FIELDS[at % PLAN_FIELDS.len()]] = value;
        }
        if let Some((at, value)) = in_service {
            service[SERVICE_FIELDS[at % SERVICE_FIELDS.len()]] = value;
        }
        catalog
    })
}

const SERVICE_FIELDS: [&str; 9] = [
    "id",
    "name",
    "description",
    "bindable",
    "tags",
    "requires",
    "metadata",
    "plans",
    "plan_updateable",
];
const PLAN_FIELDS: [&str; 8] = [
    "id",
    "name",
    "description",
    "free",
    "schemas",
    "metadata",
    "maintenance_info",
    "maximum_polling_duration",
];

#[tokio::test]
async fn no_catalogue_makes_the_platform_fail() {
    let scene = Scene::empty(Platform::start().await).await;
    let job = scene.register("broker").await;
    scene.completed(&job).await;
    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..40 {
        let catalog = catalogues().new_tree(&mut runner).unwrap().current();
        scene.broker.offer(catalog);
        let job = again(&scene).await;
        seen.insert(job["state"].as_str().unwrap().to_owned());
        for path in [
            "/v3/service_offerings?fields[service_broker]=name",
            "/v3/service_plans?include=service_offering",
            "/v3/service_brokers",
        ] {
            scene.get(path).await;
        }
    }
    assert_eq!(Vec::from_iter(seen), ["COMPLETE", "FAILED"]);
}
