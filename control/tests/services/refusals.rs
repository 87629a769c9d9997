//! What the platform refuses by itself: status, code and sentence, and that nothing is half done.

use serde_json::{Value, json};

use crate::client::{Client, guid};
use crate::platform::{log_in, new_space};
use crate::scene::{Scene, binding, key};

#[tokio::test]
async fn bad_brokers_are_refused_and_none_is_made() {
    let scene = Scene::start().await;
    let good = || scene.registration("other");
    let with = |field: &str, value: Value| {
        let mut body = good();
        body[field] = value;
        body
    };
    let basic = |credentials: Value| json!({ "type": "basic", "credentials": credentials });
    for (body, words) in [
        (with("name", json!("broker")), "Name must be unique"),
        (with("name", json!("")), "Name can't be blank"),
        (with("name", json!(1)), "Name must be a string"),
        (with("url", json!("nonsense")), "Url must be a valid url"),
        (with("url", json!("ftp://host")), "Url must be a valid url"),
        (
            with("url", json!("http://user:pass@host")),
            "Url must not contain authentication",
        ),
        (
            with("url", json!("http://host/?a=b")),
            "Url must have neither a query nor a fragment",
        ),
        (
            with("authentication", Value::Null),
            "Authentication must be an object",
        ),
        (
            with(
                "authentication",
                json!({ "type": "token", "credentials": {} }),
            ),
            "Authentication Type must be one of 'basic', Authentication Credentials Username \
             can't be blank, Authentication Credentials Password can't be blank",
        ),
        (
            with(
                "authentication",
                basic(json!({ "username": "u", "password": "" })),
            ),
            "Authentication Credentials Password can't be blank",
        ),
        (with("colour", json!("red")), "Unknown field(s): 'colour'"),
    ] {
        let refused = scene.client().post("/v3/service_brokers", body).await;
        assert_eq!(refused.refusal(422), (10008, words.to_owned()));
    }
    let brokers = scene.get("/v3/service_brokers").await;
    assert_eq!(brokers["pagination"]["total_results"], 1);
    scene.service("mine").await;
    let own = format!("/v3/service_brokers/{}", guid(&brokers["resources"][0]));
    let words = "Can not remove brokers that have associated service instances: broker";
    let refused = scene.client().delete(&own).await.refusal(422);
    assert_eq!(refused, (270_010, words.to_owned()));
    let missing = scene.client().get("/v3/service_brokers/none").await;
    assert_eq!(missing.refusal(404).1, "Service broker not found");
}

#[tokio::test]
async fn bad_services_are_refused_and_no_broker_is_asked() {
    let scene = Scene::start().await;
    scene.service("mine").await;
    let (small, space) = (scene.plan("small").await, scene.platform.space.clone());
    let body = |name: &str, plan: &str, more: Value| {
        let mut body = json!({ "type": "managed", "name": name, "relationships": {
            "space": { "data": { "guid": space } }, "service_plan": { "data": { "guid": plan } } } });
        for (field, value) in more.as_object().unwrap() {
            body[field] = value.clone();
        }
        body
    };
    let no_plan = "Invalid service plan. Ensure that the service plan exists, is available, and you \
                   have access to it.";
    for (body, words) in [
        (
            body("mine", &small, json!({})),
            "The service instance name is taken: mine.",
        ),
        (body("new", "none", json!({})), no_plan),
        (
            body("new", &small, json!({ "parameters": [1] })),
            "Parameters must be an object",
        ),
        (
            body("new", &small, json!({ "credentials": {} })),
            "Unknown field(s): 'credentials'",
        ),
        (
            json!({ "type": "managed", "name": "new", "relationships": scene.platform.in_space() }),
            "Relationships Service plan can't be blank",
        ),
    ] {
        let refused = scene.client().post("/v3/service_instances", body).await;
        assert_eq!(refused.refusal(422), (10008, words.to_owned()));
    }
    let made = scene.get("/v3/service_instances").await;
    assert_eq!(made["pagination"]["total_results"], 1);
    assert_eq!(scene.broker.calls(), ["provision"]);
}

#[tokio::test]
async fn bad_bindings_are_refused_and_no_broker_is_asked() {
    let scene = Scene::start().await;
    let (app, service) = (
        scene.platform.app("shop").await,
        scene.service("mine").await,
    );
    let job = scene.order("queue", "only").await.location();
    scene.completed(&job).await;
    let queue = scene.guid_of("queue").await;
    let bad = json!({ "strategy": "double", "parameters": 1 });
    let mut both = binding(&app, &service);
    both["strategy"] = bad["strategy"].clone();
    both["parameters"] = bad["parameters"].clone();
    for (body, words) in [
        (
            binding(&app, &queue),
            "Service plan does not allow bindings.",
        ),
        (key("k", &queue), "Service plan does not allow bindings."),
        (
            binding("none", &service),
            "App is invalid. Ensure it exists and you have access to it.",
        ),
        (
            binding(&app, "none"),
            "The service instance could not be found: none.",
        ),
        (
            both,
            "Parameters must be an object, Strategy must be 'single' or 'multiple'",
        ),
    ] {
        let made = scene.client().post("/v3/service_credential_bindings", body);
        assert_eq!(made.await.refusal(422), (10008, words.to_owned()));
    }
    let all = scene.get("/v3/service_credential_bindings").await;
    assert_eq!(all["pagination"]["total_results"], 0);
    assert_eq!(scene.broker.calls(), ["provision", "provision"]);
}

#[tokio::test]
async fn bad_changes_are_refused() {
    let scene = Scene::start().await;
    let service = scene.service("mine").await;
    let only = scene.plan("only").await;
    let path = format!("/v3/service_instances/{service}");
    let plan =
        |guid: &str| json!({ "relationships": { "service_plan": { "data": { "guid": guid } } } });
    for (body, words) in [
        (
            plan(&only),
            "service plan relates to a different service offering",
        ),
        (
            json!({ "maintenance_info": {} }),
            "Maintenance info Version can't be blank",
        ),
        (
            json!({ "credentials": {} }),
            "Unknown field(s): 'credentials'",
        ),
    ] {
        let refused = scene.client().patch(&path, body).await;
        assert_eq!(refused.refusal(422), (10008, words.to_owned()));
    }
    assert_eq!(scene.broker.calls(), ["provision"]);
    // What a broker does not tell cannot be asked for.
    let job = scene.order("queue", "only").await.location();
    scene.completed(&job).await;
    let queue = scene.guid_of("queue").await;
    let parameters = format!("/v3/service_instances/{queue}/parameters");
    let words = "This service does not support fetching service instance parameters.";
    let refused = scene.client().get(&parameters).await.refusal(400);
    assert_eq!(refused, (120_004, words.to_owned()));
}

/// Somebody who develops in the space.
async fn developer(scene: &Scene) -> Client {
    let client = scene.client();
    let user = json!({ "userName": "dev", "password": "correct horse battery",
        "origin": "uaa", "name": { "familyName": "d", "givenName": "d" },
        "emails": [{ "value": "d", "primary": true }] });
    let made = client.post("/Users", user).await.expect(201);
    let user = json!({ "data": { "guid": made["id"] } });
    let known = json!({ "guid": made["id"] });
    client.post("/v3/users", known).await.expect(201);
    for (kind, place, of) in [
        (
            "organization_user",
            "organization",
            &scene.platform.organization,
        ),
        ("space_developer", "space", &scene.platform.space),
    ] {
        let mut relationships = json!({ "user": user });
        relationships[place] = json!({ "data": { "guid": of } });
        let role = json!({ "type": kind, "relationships": relationships });
        client.post("/v3/roles", role).await.expect(201);
    }
    let mut dev = client.clone();
    dev.token = None;
    dev.token = Some(log_in(&dev, "dev", "correct horse battery").await);
    dev
}

fn organization(guid: &str) -> Value {
    json!({ "type": "organization", "organizations": [{ "guid": guid }] })
}

#[tokio::test]
async fn a_developer_has_plans_and_no_brokers() {
    let scene = Scene::start().await;
    let dev = developer(&scene).await;
    let path = format!("/v3/service_plans/{}", scene.plan("small").await);
    dev.get(&path).await.expect(200);
    let brokers = dev.get("/v3/service_brokers").await.expect(200);
    assert_eq!(brokers["pagination"]["total_results"], 0);
    let all = scene.get("/v3/service_brokers").await;
    let own = format!("/v3/service_brokers/{}", guid(&all["resources"][0]));
    dev.get(&own).await.refusal(404);
    let made = dev.post("/v3/service_brokers", scene.registration("mine"));
    assert_eq!(made.await.refusal(403).0, 10003);
    let visibility = format!("{path}/visibility");
    let public = json!({ "type": "public" });
    assert_eq!(dev.post(&visibility, public).await.refusal(403).0, 10003);
}

#[tokio::test]
async fn a_plan_is_had_by_those_it_is_shown_to() {
    let scene = Scene::start().await;
    let (client, dev) = (scene.client(), developer(&scene).await);
    let small = scene.plan("small").await;
    let path = format!("/v3/service_plans/{small}");
    let visibility = format!("{path}/visibility");
    let other = client
        .post("/v3/organizations", json!({ "name": "other" }))
        .await;
    let other = guid(&other.expect(201));
    let shown = client.patch(&visibility, organization(&other)).await;
    assert_eq!(shown.expect(200)["organizations"][0]["name"], "other");
    dev.get(&path).await.refusal(404);
    let elsewhere = new_space(client, &other, "far").await;
    let body = |space: &str| {
        json!({ "type": "managed", "name": "x", "relationships": {
            "space": { "data": { "guid": space } },
            "service_plan": { "data": { "guid": small } } } })
    };
    let here = body(&scene.platform.space);
    let services = "/v3/service_instances";
    let words = dev.post(services, here.clone()).await.refusal(422).1;
    assert!(words.starts_with("Invalid service plan. Ensure"), "{words}");
    let words = client.post(services, here.clone()).await.refusal(422).1;
    assert!(
        words.contains("not enabled in this organization"),
        "{words}"
    );
    let made = client.post(services, body(&elsewhere)).await;
    scene.completed(&made.location()).await;

    let own = &scene.platform.organization;
    let both = client
        .post(&visibility, organization(own))
        .await
        .expect(200);
    assert_eq!(both["organizations"].as_array().unwrap().len(), 2);
    dev.get(&path).await.expect(200);
    let made = dev.post(services, here).await;
    scene.completed(&made.location()).await;
    let hidden = format!("{visibility}/{own}");
    client.delete(&hidden).await.expect(204);
    dev.get(&path).await.refusal(404);
    client.delete(&hidden).await.refusal(404);
    let nowhere = client.post(&visibility, organization("none")).await;
    let words = "Could not find Organization with guid: none";
    assert_eq!(nowhere.refusal(422).1, words);
    let nobody = json!({ "type": "organization" });
    let nobody = client.patch(&visibility, nobody).await.refusal(422);
    assert_eq!(nobody.1, "Organizations can't be blank");
}
