//! The whole life of a service, in the order in which `cf` sends its requests.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use control::store::Store;
use serde_json::{Value, json};

use crate::broker::{Broker, Manner, PASSWORD, USERNAME};
use crate::client::guid;
use crate::platform::Platform;
use crate::postgres::Postgres;
use crate::scene::{Scene, binding, key};

#[tokio::test]
async fn a_service_lives_from_its_broker_to_its_end() {
    let scene = Scene::empty(Platform::start().await).await;
    whole_life(&scene).await;
}

#[tokio::test]
async fn a_service_lives_from_its_broker_to_its_end_on_postgresql() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let store = Store::open(&server.url()).await.unwrap();
    let platform = Platform::start_on(store.clone(), tempfile::tempdir().unwrap()).await;
    let mut scene = Scene::empty(platform).await;
    whole_life(&scene).await;
    for driver in scene.drivers.drain(..) {
        driver.stop().await;
    }
    drop(scene);
    store.close().await;
}

async fn whole_life(scene: &Scene) {
    let client = scene.client();
    create_service_broker(scene).await;
    let space = &scene.platform.space;
    // cf marketplace
    let market = format!(
        "/v3/service_plans?include=service_offering&fields[service_offering.service_broker]=name,guid\
         &available=true&space_guids={space}&per_page=5000"
    );
    assert_eq!(scene.get(&market).await["pagination"]["total_results"], 0);
    enable_service_access(scene).await;
    let market = scene.get(&market).await;
    assert_eq!(market["pagination"]["total_results"], 4);
    let named = |list: &Value, name: &str| {
        list.as_array()
            .unwrap()
            .iter()
            .any(|one| one["name"] == name)
    };
    assert!(named(&market["resources"], "small"));
    assert!(named(&market["included"]["service_offerings"], "db"));
    assert_eq!(market["included"]["service_brokers"][0]["name"], "broker");
    let service = create_service(scene).await;
    let app = scene.platform.app("shop").await;
    bind_service(scene, &app, &service).await;
    // cf unbind-service
    let path = format!(
        "/v3/service_credential_bindings?type=app&app_guids={app}&service_instance_guids={service}"
    );
    let bound = guid(&scene.get(&path).await["resources"][0]);
    let path = format!("/v3/service_credential_bindings/{bound}");
    scene.delete(&path).await;
    let env = scene.get(&format!("/v3/apps/{app}/env")).await;
    assert_eq!(env["system_env_json"]["VCAP_SERVICES"], json!({}));
    // cf delete-service
    let path = format!("/v3/service_instances/{service}");
    scene.delete(&path).await;
    client.get(&path).await.refusal(404);
    assert_eq!(scene.broker.keeps(), (0, 0));
    assert_eq!(
        scene.broker.calls(),
        ["provision", "bind", "unbind", "deprovision"]
    );
    // cf delete-service-broker
    let brokers = scene.get("/v3/service_brokers?names=broker").await;
    let path = format!("/v3/service_brokers/{}", guid(&brokers["resources"][0]));
    scene.delete(&path).await;
    let plans = scene.get("/v3/service_plans").await;
    assert_eq!(plans["pagination"]["total_results"], 0);
}

async fn create_service_broker(scene: &Scene) {
    let job = scene.register("broker").await;
    scene.completed(&job).await;
    let operation = scene.get(&job).await["operation"].clone();
    assert_eq!(operation, "service_broker.catalog.synchronize");
    let asked = scene.broker.asked("catalog").remove(0);
    let basic = BASE64_STANDARD.encode(format!("{USERNAME}:{PASSWORD}"));
    assert_eq!(asked.headers["authorization"], format!("Basic {basic}"));
    assert_eq!(asked.headers["x-broker-api-version"], "2.17");
    let brokers = scene.get("/v3/service_brokers").await;
    assert_eq!(brokers["resources"][0]["name"], "broker");
    assert_eq!(brokers["resources"][0]["url"], scene.broker.url());
}

async fn enable_service_access(scene: &Scene) {
    let offerings = "/v3/service_offerings?names=db&fields[service_broker]=name,guid";
    let offerings = scene.get(offerings).await;
    let db = &offerings["resources"][0];
    assert_eq!(db["broker_catalog"]["features"]["bindable"], true);
    assert_eq!(db["tags"], json!(["sql"]));
    let plans = scene.get("/v3/service_plans?per_page=5000").await;
    for plan in plans["resources"].as_array().unwrap() {
        assert_eq!(plan["visibility_type"], "admin");
        let path = format!("/v3/service_plans/{}/visibility", guid(plan));
        let body = json!({ "type": "public" });
        let shown = scene.client().post(&path, body).await.expect(200);
        assert_eq!(shown, json!({ "type": "public" }));
    }
}

async fn create_service(scene: &Scene) -> String {
    let plans =
        "/v3/service_plans?names=small&service_offering_names=db&service_broker_names=broker";
    let plans = scene.get(plans).await;
    assert_eq!(plans["pagination"]["total_results"], 1);
    let plan = guid(&plans["resources"][0]);
    let space = &scene.platform.space;
    let body = json!({ "type": "managed", "name": "mine", "tags": ["own"],
        "parameters": { "size": 3 }, "relationships": {
        "space": { "data": { "guid": space } }, "service_plan": { "data": { "guid": plan } } } });
    let reply = scene.client().post("/v3/service_instances", body).await;
    scene.completed(&reply.location()).await;
    let asked = scene.broker.asked("provision").remove(0);
    let service = scene.guid_of("mine").await;
    assert_eq!(asked.path, format!("/v2/service_instances/{service}"));
    assert_eq!(asked.query, "accepts_incomplete=true");
    let organization = &scene.platform.organization;
    let context = json!({ "platform": "cloudfoundry", "organization_guid": organization,
        "organization_name": "acme", "space_guid": space, "space_name": "dev",
        "instance_name": "mine" });
    let whole = json!({ "service_id": "db-id", "plan_id": "small-id",
        "organization_guid": organization, "space_guid": space, "context": context,
        "parameters": { "size": 3 }, "maintenance_info": { "version": "1.0.0" } });
    assert_eq!(asked.body, whole);
    let identity = &asked.headers["x-broker-api-originating-identity"];
    let identity = identity.to_str().unwrap().strip_prefix("cloudfoundry ");
    let identity = BASE64_STANDARD.decode(identity.unwrap()).unwrap();
    let identity: Value = serde_json::from_slice(&identity).unwrap();
    let admin = scene.get("/v3/users?usernames=admin").await;
    assert_eq!(identity["user_id"], admin["resources"][0]["guid"]);
    // cf services
    let list = format!(
        "/v3/service_instances?space_guids={space}&order_by=name\
         &fields[service_plan]=guid,name,relationships.service_offering\
         &fields[service_plan.service_offering]=guid,name,relationships.service_broker\
         &fields[service_plan.service_offering.service_broker]=guid,name"
    );
    let list = scene.get(&list).await;
    let seen = &list["resources"][0];
    assert_eq!(seen["last_operation"]["state"], "succeeded");
    assert_eq!(seen["last_operation"]["type"], "create");
    assert_eq!(seen["dashboard_url"], "http://dashboard");
    assert_eq!(seen["upgrade_available"], false);
    for (kind, name) in [
        ("service_plans", "small"),
        ("service_offerings", "db"),
        ("service_brokers", "broker"),
    ] {
        assert_eq!(list["included"][kind][0]["name"], name);
    }
    let parameters = format!("/v3/service_instances/{service}/parameters");
    assert_eq!(scene.get(&parameters).await, json!({ "size": 3 }));
    service
}

async fn bind_service(scene: &Scene, app: &str, service: &str) {
    let job = scene.bind(app, service).await.location();
    scene.completed(&job).await;
    let asked = scene.broker.asked("bind").remove(0);
    assert_eq!(asked.body["bind_resource"]["app_guid"], app);
    assert_eq!(asked.body["app_guid"], app);
    assert_eq!(asked.body["plan_id"], "small-id");
    let env = scene.get(&format!("/v3/apps/{app}/env")).await;
    let seen = &env["system_env_json"]["VCAP_SERVICES"]["db"][0];
    assert_eq!(seen["credentials"], crate::broker::credentials());
    assert_eq!(seen["label"], "db");
    assert_eq!(seen["plan"], "small");
    assert_eq!(seen["tags"], json!(["sql", "own"]));
    let again = scene.bind(app, service).await.refusal(422);
    assert_eq!(again.1, "The app is already bound to the service instance");
}

#[tokio::test]
async fn a_broker_that_takes_its_time_is_asked_until_it_is_done() {
    let scene = Scene::start().await;
    let app = scene.platform.app("shop").await;
    scene.broker.next("provision", &[Manner::Async]);
    let job = scene.order("mine", "small").await.location();
    scene.state(&job, "POLLING").await;
    let service = scene.guid_of("mine").await;
    scene
        .wait("the broker's words are shown", async || {
            let seen = scene.seen("mine").await;
            let last = &seen["last_operation"];
            assert_eq!(
                (&last["type"], &last["state"]),
                (&json!("create"), &json!("in progress"))
            );
            (last["description"] == "half way").then_some(())
        })
        .await;
    let asked = scene.broker.asked("last_operation").remove(0);
    assert_eq!(
        asked.query,
        "service_id=db-id&plan_id=small-id&operation=word"
    );
    scene.broker.finish(&service, "succeeded");
    scene.completed(&job).await;

    scene.broker.next("bind", &[Manner::Async]);
    let job = scene.bind(&app, &service).await.location();
    scene.state(&job, "POLLING").await;
    let env = scene.get(&format!("/v3/apps/{app}/env")).await;
    assert_eq!(env["system_env_json"]["VCAP_SERVICES"], json!({}));
    let bound = guid(&scene.bindings(&service).await[0]);
    scene.broker.finish(&bound, "succeeded");
    scene.completed(&job).await;
    let details = format!("/v3/service_credential_bindings/{bound}/details");
    let details = scene.get(&details).await;
    assert_eq!(details["credentials"], crate::broker::credentials());

    scene.broker.next("unbind", &[Manner::Async]);
    scene.broker.next("deprovision", &[Manner::Async]);
    let path = format!("/v3/service_instances/{service}");
    let job = scene.client().delete(&path).await.location();
    scene
        .wait("the unbinding is asked for", async || {
            (scene.broker.asked("unbind").len() == 1).then_some(())
        })
        .await;
    assert!(scene.broker.asked("deprovision").is_empty());
    scene.broker.finish(&bound, "succeeded");
    scene.state(&job, "POLLING").await;
    scene.broker.finish(&service, "succeeded");
    scene.completed(&job).await;
    assert_eq!(scene.broker.keeps(), (0, 0));
}

#[tokio::test]
async fn keys_are_bindings_without_an_application() {
    let scene = Scene::start().await;
    let service = scene.service("mine").await;
    let bindings = "/v3/service_credential_bindings";
    let made = scene.client().post(bindings, key("k", &service)).await;
    scene.completed(&made.location()).await;
    let again = scene.client().post(bindings, key("k", &service)).await;
    let words = again.refusal(422).1;
    assert!(
        words.contains("Key binding names must be unique"),
        "{words}"
    );
    let asked = scene.broker.asked("bind").remove(0);
    assert_eq!(asked.body.get("app_guid"), None);
    let found = guid(&scene.bindings(&service).await[0]);
    let details = scene.get(&format!("{bindings}/{found}/details")).await;
    assert_eq!(details["credentials"], crate::broker::credentials());
    scene.delete(&format!("{bindings}/{found}")).await;
    assert_eq!(scene.broker.keeps(), (1, 0));
}

#[tokio::test]
async fn a_change_of_plan_is_asked_for_and_a_name_is_not() {
    let scene = Scene::start().await;
    let service = scene.service("mine").await;
    let path = format!("/v3/service_instances/{service}");
    let renamed = scene
        .client()
        .patch(&path, json!({ "name": "ours", "tags": ["x"] }));
    assert_eq!(renamed.await.expect(200)["name"], "ours");
    let large = scene.plan("large").await;
    let body = json!({ "parameters": { "size": 9 },
        "relationships": { "service_plan": { "data": { "guid": large } } } });
    let changed = scene.client().patch(&path, body).await;
    scene.completed(&changed.location()).await;
    let asked = scene.broker.asked("update");
    assert_eq!(asked.len(), 1);
    let asked = &asked[0].body;
    assert_eq!(asked["plan_id"], "large-id");
    assert_eq!(asked["previous_values"]["plan_id"], "small-id");
    assert_eq!(asked["parameters"], json!({ "size": 9 }));
    let seen = scene.seen("ours").await;
    assert_eq!(seen["relationships"]["service_plan"]["data"]["guid"], large);
    assert_eq!(seen["last_operation"]["type"], "update");
    assert_eq!(seen["tags"], json!(["x"]));
}

#[tokio::test]
async fn a_manifest_waits_for_its_bindings() {
    let scene = Scene::start().await;
    let service = scene.service("mine").await;
    scene.broker.next("bind", &[Manner::Async]);
    let text = "applications:\n- name: shop\n  services:\n  - name: mine\n    parameters: {role: reader}\n";
    let path = format!("/v3/spaces/{}/actions/apply_manifest", scene.platform.space);
    let job = scene.client().yaml(&path, text).await.location();
    scene
        .wait("the binding is asked for", async || {
            (scene.broker.asked("bind").len() == 1).then_some(())
        })
        .await;
    assert_eq!(
        scene.broker.asked("bind")[0].body["parameters"],
        json!({ "role": "reader" })
    );
    scene.state(&job, "POLLING").await;
    let bound = guid(&scene.bindings(&service).await[0]);
    scene.broker.finish(&bound, "succeeded");
    scene.completed(&job).await;
    let apps = scene.get("/v3/apps?names=shop").await;
    let env = format!("/v3/apps/{}/env", guid(&apps["resources"][0]));
    let env = scene.get(&env).await;
    assert_eq!(
        env["system_env_json"]["VCAP_SERVICES"]["db"][0]["name"],
        "mine"
    );
    // A second push finds it bound.
    let job = scene.client().yaml(&path, text).await.location();
    assert_eq!(scene.get(&job).await["state"], "COMPLETE");
}

#[tokio::test]
async fn credentials_are_renewed_by_binding_once_more() {
    let scene = Scene::start().await;
    let (app, service) = scene.bound().await;
    let old = guid(&scene.bindings(&service).await[0]);
    let mut body = binding(&app, &service);
    body["strategy"] = json!("multiple");
    let path = "/v3/service_credential_bindings";
    let made = scene.client().post(path, body).await;
    scene.completed(&made.location()).await;
    let new = scene
        .bindings(&service)
        .await
        .iter()
        .map(guid)
        .find(|one| *one != old);
    let shown = async || {
        let env = scene.get(&format!("/v3/apps/{app}/env")).await;
        let all = env["system_env_json"]["VCAP_SERVICES"]["db"]
            .as_array()
            .cloned()
            .unwrap();
        assert_eq!(all.len(), 1);
        all[0]["binding_guid"].as_str().map(str::to_owned)
    };
    assert_eq!(shown().await, new);
    scene.delete(&format!("{path}/{old}")).await;
    assert_eq!(shown().await, new);
}

#[tokio::test]
async fn a_space_has_brokers_of_its_own() {
    let scene = Scene::empty(Platform::start().await).await;
    let mut body = scene.registration("private");
    body["relationships"] = scene.platform.in_space();
    let made = scene.client().post("/v3/service_brokers", body).await;
    scene.completed(&made.location()).await;
    let plans = scene.get("/v3/service_plans?names=small").await;
    assert_eq!(plans["resources"][0]["visibility_type"], "space");
    scene.service("mine").await;
    let other: &Broker = &scene.broker;
    assert_eq!(other.keeps(), (1, 0));
    let space = format!("/v3/spaces/{}", scene.platform.space);
    scene.delete(&space).await;
    scene.keeps(0, 0).await;
    scene
        .wait("the broker goes with its space", async || {
            let brokers = scene.get("/v3/service_brokers").await;
            (brokers["pagination"]["total_results"] == 0).then_some(())
        })
        .await;
}
