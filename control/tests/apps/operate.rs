//! What operators do: start, stop, scale, map, deploy, read logs, and what others may not.

use control::controller::{Controller, Order};
use control::wire::{LogRecord, LogStream};
use serde_json::{Value, json};

use crate::client::guid;
use crate::platform::{Platform, new_space};

async fn version(platform: &Platform, app: &str) -> Value {
    let process = platform
        .client
        .get(&format!("/v3/processes/{app}"))
        .await
        .expect(200);
    process["version"].clone()
}

#[tokio::test]
async fn an_app_without_a_droplet_does_not_start() {
    let platform = Platform::start().await;
    let app = platform.app("shop").await;
    let start = format!("/v3/apps/{app}/actions/start");
    let refused = platform.client.post(&start, json!({})).await.refusal(422);
    assert_eq!(
        refused,
        (
            10008,
            "Assign a droplet before starting this app.".to_owned()
        )
    );
}

#[tokio::test]
async fn memory_renews_the_version_and_instances_do_not() {
    let mut platform = Platform::start().await;
    let app = platform.running_app("shop").await;
    let scale = format!("/v3/apps/{app}/processes/web/actions/scale");
    let first = version(&platform, &app).await;
    let scaled = platform
        .client
        .post(&scale, json!({ "instances": 3 }))
        .await
        .expect(202);
    assert_eq!(
        (&scaled["instances"], &scaled["version"]),
        (&json!(3), &first)
    );
    platform
        .client
        .post(&scale, json!({ "memory_in_mb": 32 }))
        .await
        .expect(202);
    assert_ne!(version(&platform, &app).await, first);
    platform
        .order(|order| matches!(order, Order::App(guid) if *guid == app))
        .await;
    let stats = platform
        .client
        .get(&format!("/v3/processes/{app}/stats"))
        .await
        .expect(200);
    assert_eq!(stats["resources"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn what_is_over_the_quota_is_refused() {
    let platform = Platform::start().await;
    let path = format!("/v3/organizations/{}", platform.organization);
    let organization = platform.client.get(&path);
    let quota = organization.await.expect(200)["relationships"]["quota"]["data"]["guid"].clone();
    let quota = format!("/v3/organization_quotas/{}", quota.as_str().unwrap());
    let limits = json!({ "apps": { "total_memory_in_mb": 2048, "total_instances": 4 } });
    platform.client.patch(&quota, limits).await.expect(200);
    let app = platform.running_app("shop").await;
    let scale = format!("/v3/apps/{app}/processes/web/actions/scale");
    let refused = platform
        .client
        .post(&scale, json!({ "instances": 3 }))
        .await
        .refusal(422);
    assert_eq!(refused.1, "memory quota_exceeded");
    let many = json!({ "instances": 5, "memory_in_mb": 1 });
    let refused = platform.client.post(&scale, many).await.refusal(422);
    assert_eq!(refused.1, "app_instance_limit app_instance_limit_exceeded");
}

#[tokio::test]
async fn log_rates_over_the_quota_are_refused() {
    let platform = Platform::start().await;
    let client = &platform.client;
    let path = format!("/v3/organizations/{}", platform.organization);
    let organization = client.get(&path).await.expect(200);
    let quota = &organization["relationships"]["quota"]["data"]["guid"];
    let quota = format!("/v3/organization_quotas/{}", quota.as_str().unwrap());
    let (shop, blog) = (
        platform.running_app("shop").await,
        platform.running_app("blog").await,
    );
    let scale = async |app: &str, instances: u32, rate: i64| {
        let path = format!("/v3/apps/{app}/processes/web/actions/scale");
        let rate = json!({ "instances": instances, "log_rate_limit_in_bytes_per_second": rate });
        client.post(&path, rate).await
    };
    scale(&shop, 2, 1000).await.expect(202);
    scale(&blog, 1, 1000).await.expect(202);
    let limits = json!({ "apps": { "log_rate_limit_in_bytes_per_second": 3000 } });
    client.patch(&quota, limits).await.expect(200);

    let exceeds = "log_rate_limit exceeds organization log rate quota";
    assert_eq!(scale(&blog, 1, 1001).await.refusal(422).1, exceeds);
    assert_eq!(scale(&shop, 3, 1000).await.refusal(422).1, exceeds);
    let unlimited = "log_rate_limit cannot be unlimited in organization 'acme'.";
    assert_eq!(scale(&blog, 1, -1).await.refusal(422).1, unlimited);
    scale(&blog, 1, 0).await.expect(202);
    scale(&shop, 3, 1000).await.expect(202);

    // A stopped application may wish for anything, and is refused when it is started.
    let stop = format!("/v3/apps/{blog}/actions/stop");
    client.post(&stop, json!({})).await.expect(200);
    scale(&blog, 1, 1).await.expect(202);
    let start = format!("/v3/apps/{blog}/actions/start");
    assert_eq!(client.post(&start, json!({})).await.refusal(422).1, exceeds);
}

#[tokio::test]
async fn routes_are_mapped_and_taken_away() {
    let mut platform = Platform::start().await;
    let app = platform.app("shop").await;
    let domains = platform.client.get("/v3/domains?names=localhost").await;
    let domain = guid(&domains.expect(200)["resources"][0]);
    let relationships = json!({
        "space": { "data": { "guid": platform.space } },
        "domain": { "data": { "guid": domain } },
    });
    let body = json!({ "host": "www", "path": "/x", "relationships": relationships });
    let route = platform
        .client
        .post("/v3/routes", body.clone())
        .await
        .expect(201);
    assert_eq!(route["url"], "www.localhost/x");
    let again = platform.client.post("/v3/routes", body).await.refusal(422);
    assert!(again.1.contains("Route already exists"), "{}", again.1);
    let reserved = json!({ "host": "api", "relationships": relationships });
    let reserved = platform
        .client
        .post("/v3/routes", reserved)
        .await
        .refusal(422);
    assert!(
        reserved.1.contains("Route already exists"),
        "{}",
        reserved.1
    );

    let leads = format!("/v3/routes/{}/destinations", guid(&route));
    let body = json!({ "destinations": [{ "app": { "guid": app } }] });
    platform.client.post(&leads, body.clone()).await.expect(200);
    let mapped = platform.client.post(&leads, body).await.expect(200);
    let [only] = mapped["destinations"].as_array().unwrap().as_slice() else {
        panic!("a second mapping changes nothing: {mapped}");
    };
    platform
        .order(|order| matches!(order, Order::App(guid) if *guid == app))
        .await;
    platform
        .client
        .delete(&format!("{leads}/{}", guid(only)))
        .await
        .expect(204);
    let unmapped = format!("/v3/spaces/{}/routes?unmapped=true", platform.space);
    platform.client.delete(&unmapped).await.location();
    let left = platform.client.get("/v3/routes").await.expect(200);
    assert_eq!(left["pagination"]["total_results"], 0);
}

#[tokio::test]
async fn a_deployment_begins_beside_what_runs_and_can_be_cancelled_once() {
    let mut platform = Platform::start().await;
    let app = platform.running_app("shop").await;
    let droplet = platform.droplet(&app).await;
    let of_app = json!({ "app": { "data": { "guid": app } } });
    let body = json!({ "droplet": { "guid": droplet }, "strategy": "rolling",
        "options": { "max_in_flight": 2 }, "relationships": of_app });
    let made = platform
        .client
        .post("/v3/deployments", body.clone())
        .await
        .expect(201);
    assert_eq!(made["status"]["value"], "ACTIVE");
    let first = guid(&made);
    let scale = format!("/v3/apps/{app}/processes/web/actions/scale");
    let scaled = platform
        .client
        .post(&scale, json!({ "instances": 9 }))
        .await;
    let words = "Cannot scale this process while a deployment is in flight.";
    assert_eq!(scaled.refusal(422).1, words);
    platform
        .order(|order| matches!(order, Order::Deployment(guid) if *guid == first))
        .await;
    let second = platform
        .client
        .post("/v3/deployments", body)
        .await
        .expect(201);
    let older = platform
        .client
        .get(&format!("/v3/deployments/{first}"))
        .await
        .expect(200);
    assert_eq!(older["status"]["reason"], "SUPERSEDED");
    let cancel = format!("/v3/deployments/{}/actions/cancel", guid(&second));
    let canceled = platform.client.post(&cancel, json!({})).await.expect(200);
    assert_eq!(canceled["status"]["reason"], "CANCELING");
    platform.client.post(&cancel, json!({})).await.refusal(422);
    let proceed = format!("/v3/deployments/{}/actions/continue", guid(&second));
    platform.client.post(&proceed, json!({})).await.refusal(422);
}

#[tokio::test]
async fn logs_are_read_with_unique_instants_and_strangers_find_nothing() {
    let platform = Platform::start().await;
    let app = platform.app("shop").await;
    let record = |text: &str| LogRecord {
        time_ns: 5,
        source_type: "APP/PROC/WEB".to_owned(),
        instance: "0".to_owned(),
        stream: LogStream::Out,
        text: text.to_owned(),
    };
    platform.recent.push(&app, record("one"), 10);
    platform.recent.push(&app, record("two"), 10);
    let info = platform.client.get("/api/v1/info").await.expect(200);
    assert_eq!(info["version"], "2.11.4");
    let read = format!("/api/v1/read/{app}?start_time=0&descending=true&envelope_types=LOG");
    let batch = platform.client.get(&read).await.expect(200)["envelopes"]["batch"].clone();
    assert_eq!(
        (&batch[0]["timestamp"], &batch[1]["timestamp"]),
        (&json!("11"), &json!("10"))
    );
    assert_eq!(batch[0]["log"], json!({ "payload": "dHdv", "type": "OUT" }));
    let bounded = format!("/api/v1/read/{app}?start_time=10&end_time=11");
    let bounded = platform.client.get(&bounded).await.expect(200);
    assert_eq!(bounded["envelopes"]["batch"].as_array().unwrap().len(), 1);
    let unknown = platform.client.get("/api/v1/read/nothing").await;
    assert_eq!(unknown.status, 404);
    let meta = platform.client.get("/api/v1/meta").await.expect(200);
    assert_eq!(meta["meta"][&app]["count"], "2");
}

#[tokio::test]
async fn deleting_an_app_takes_its_parts_and_tells_the_controller() {
    let mut platform = Platform::start().await;
    let app = platform.running_app("shop").await;
    platform
        .client
        .delete(&format!("/v3/apps/{app}"))
        .await
        .location();
    platform
        .client
        .get(&format!("/v3/apps/{app}"))
        .await
        .refusal(404);
    let process = platform
        .client
        .get(&format!("/v3/processes/{app}"))
        .await
        .refusal(404);
    assert_eq!(process, (10010, "Process not found".to_owned()));
    platform
        .order(|order| matches!(order, Order::App(guid) if *guid == app))
        .await;
}

#[tokio::test]
async fn one_host_belongs_to_one_space() {
    let platform = Platform::start().await;
    let other = new_space(&platform.client, &platform.organization, "other").await;
    let manifest = "applications: [{name: a, routes: [{route: www.localhost}]}]";
    let apply = format!("/v3/spaces/{}/actions/apply_manifest", platform.space);
    platform.client.yaml(&apply, manifest).await.location();
    for route in ["www.localhost", "www.localhost/part"] {
        let manifest = format!("applications: [{{name: a, routes: [{{route: {route}}}]}}]");
        let apply = format!("/v3/spaces/{other}/actions/apply_manifest");
        platform.client.yaml(&apply, &manifest).await.refusal(422);
    }
    let apps = platform
        .client
        .get(&format!("/v3/apps?space_guids={other}"))
        .await
        .expect(200);
    assert_eq!(
        apps["pagination"]["total_results"], 0,
        "nothing half done is left"
    );
}

#[tokio::test]
async fn an_instance_that_nobody_can_end_is_not_said_to_be_ended() {
    let mut platform = Platform::start().await;
    let app = platform.running_app("shop").await;
    let first = format!("/v3/apps/{app}/processes/web/instances/0");
    platform.client.delete(&first).await.expect(204);
    let end = |order: &Order| matches!(order, Order::StopInstance { index: 0, .. });
    platform.order(end).await;
    // The controller is gone.
    let (_other, orders) = Controller::channel();
    platform.orders = orders;
    let (code, words) = platform.client.delete(&first).await.refusal(503);
    assert_eq!(code, 10015);
    assert!(words.contains("No controller"), "{words}");
}
