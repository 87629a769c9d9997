//! `cf push`, in its order of requests, with a staging that the test plays.

use std::io::{Cursor, Write};

use control::controller::Order;
use serde_json::json;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::client::guid;
use crate::platform::Platform;
use crate::shapes;

fn archive(name: &str) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer
        .start_file(name, SimpleFileOptions::default())
        .unwrap();
    writer.write_all(b"<p>hello</p>").unwrap();
    writer.finish().unwrap().into_inner()
}

#[tokio::test]
async fn a_push_goes_from_manifest_to_running() {
    let mut platform = Platform::start().await;
    let app = apply(&platform).await;
    let package = upload(&platform, &app).await;
    let droplet = stage(&mut platform, &app, &package).await;
    let client = &platform.client;
    let current = format!("/v3/apps/{app}/relationships/current_droplet");
    let body = json!({ "data": { "guid": droplet } });
    client.patch(&current, body).await.expect(200);
    let restart = format!("/v3/apps/{app}/actions/restart");
    let restarted = client.post(&restart, json!({})).await.expect(200);
    assert_eq!(restarted["state"], "STARTED");
    platform
        .order(|order| matches!(order, Order::App(guid) if *guid == app))
        .await;
    check_summary(&platform, &app).await;
}

/// Steps 1 to 4: the application exists with its route.
async fn apply(platform: &Platform) -> String {
    let (client, space) = (&platform.client, &platform.space);
    let manifest = "applications:\n- name: shop\n  default-route: true\n  memory: 64M\n";
    let difference = format!("/v3/spaces/{space}/manifest_diff");
    let diff = client.yaml(&difference, manifest).await.expect(201);
    assert_eq!(diff["diff"][0]["op"], "add");
    let apply = format!("/v3/spaces/{space}/actions/apply_manifest");
    let job = client.yaml(&apply, manifest).await.location();
    assert_eq!(client.get(&job).await.expect(200)["state"], "COMPLETE");
    let found = format!("/v3/apps?names=shop&space_guids={space}");
    let found = client.get(&found).await.expect(200);
    let app = guid(&found["resources"][0]);
    let routes = client.get(&format!("/v3/apps/{app}/routes")).await;
    assert_eq!(routes.expect(200)["resources"][0]["url"], "shop.localhost");
    let files = json!({ "resources": [{ "path": "a", "size_in_bytes": 1 }] });
    let matches = client.post("/v3/resource_matches", files).await;
    assert_eq!(matches.expect(201)["resources"], json!([]));
    app
}

/// Steps 5 to 7: the bits are there.
async fn upload(platform: &Platform, app: &str) -> String {
    let client = &platform.client;
    let of_app = json!({ "app": { "data": { "guid": app } } });
    let body = json!({ "type": "bits", "relationships": of_app });
    let package = client.post("/v3/packages", body).await.expect(201);
    shapes::check("package", &package);
    assert_eq!(package["state"], "AWAITING_UPLOAD");
    let package = guid(&package);
    let body = json!({ "package": { "guid": package } });
    let early = client.post("/v3/builds", body).await.refusal(400);
    assert_eq!(
        early.1,
        "Bad request: Cannot stage package whose state is not ready."
    );
    let upload = format!("/v3/packages/{package}/upload");
    client
        .upload(&upload, &archive("index.html"))
        .await
        .expect(200);
    let own = format!("/v3/packages/{package}");
    assert_eq!(client.get(&own).await.expect(200)["state"], "READY");
    let bits = client.get(&format!("{own}/download")).await;
    assert_eq!(bits.body, archive("index.html"));
    package
}

/// Steps 8 to 10: the test stages it.
async fn stage(platform: &mut Platform, app: &str, package: &str) -> String {
    let client = platform.client.clone();
    let body = json!({ "package": { "guid": package } });
    let build = guid(&client.post("/v3/builds", body).await.expect(201));
    platform
        .order(|order| matches!(order, Order::Stage(guid) if *guid == build))
        .await;
    let droplet = platform.droplet(app).await;
    platform.finish_build(&build, &droplet).await;
    let staged = client.get(&format!("/v3/builds/{build}")).await.expect(200);
    shapes::check("build", &staged);
    assert_eq!(staged["state"], "STAGED");
    assert_eq!(staged["droplet"]["guid"], json!(droplet));
    droplet
}

async fn check_summary(platform: &Platform, app: &str) {
    let client = &platform.client;
    let processes = client
        .get(&format!("/v3/apps/{app}/processes"))
        .await
        .expect(200);
    let web = &processes["resources"][0];
    assert_eq!(
        (&web["guid"], &web["memory_in_mb"]),
        (&json!(app), &json!(64))
    );
    assert_eq!(processes["resources"][1]["type"], "worker");
    let stats = client
        .get(&format!("/v3/processes/{app}/stats"))
        .await
        .expect(200);
    assert_eq!(stats["resources"][0]["state"], "DOWN");
    let sidecars = client
        .get(&format!("/v3/processes/{app}/sidecars"))
        .await
        .expect(200);
    assert_eq!(sidecars["resources"], json!([]));
    client
        .get(&format!("/v3/apps/{app}/droplets/current"))
        .await
        .expect(200);
    let deployments = format!(
        "/v3/deployments?app_guids={app}&status_values=ACTIVE&order_by=-created_at&per_page=1&page=1"
    );
    assert_eq!(
        client.get(&deployments).await.expect(200)["resources"],
        json!([])
    );
    let events = client
        .get(&format!("/v3/audit_events?target_guids={app}"))
        .await
        .expect(200);
    assert!(events["pagination"]["total_results"].as_u64().unwrap() >= 4);
}

#[tokio::test]
async fn bits_that_lead_outside_are_refused_and_can_be_sent_again() {
    let platform = Platform::start().await;
    let app = platform.app("shop").await;
    let of_app = json!({ "app": { "data": { "guid": app } } });
    let body = json!({ "type": "bits", "relationships": of_app });
    let package = guid(&platform.client.post("/v3/packages", body).await.expect(201));
    let upload = format!("/v3/packages/{package}/upload");
    let (code, words) = platform
        .client
        .upload(&upload, &archive("../evil"))
        .await
        .refusal(422);
    assert_eq!(code, 10008);
    assert!(words.contains("leads outside"), "{words}");
    platform
        .client
        .upload(&upload, b"no zip")
        .await
        .refusal(422);
    platform
        .client
        .upload(&upload, &archive("fine"))
        .await
        .expect(200);
    let again = platform
        .client
        .upload(&upload, &archive("fine"))
        .await
        .refusal(422);
    assert_eq!(again.1, "Bits already uploaded");
}

#[tokio::test]
async fn a_newer_build_takes_the_place_of_an_older_one() {
    let platform = Platform::start().await;
    let app = platform.app("shop").await;
    let of_app = json!({ "app": { "data": { "guid": app } } });
    let body = json!({ "type": "bits", "relationships": of_app });
    let package = guid(&platform.client.post("/v3/packages", body).await.expect(201));
    let upload = format!("/v3/packages/{package}/upload");
    platform
        .client
        .upload(&upload, &archive("a"))
        .await
        .expect(200);
    let body = json!({ "package": { "guid": package } });
    let first = guid(
        &platform
            .client
            .post("/v3/builds", body.clone())
            .await
            .expect(201),
    );
    platform.client.post("/v3/builds", body).await.expect(201);
    let first = platform
        .client
        .get(&format!("/v3/builds/{first}"))
        .await
        .expect(200);
    assert_eq!(first["state"], "FAILED");
    assert!(
        first["error"]
            .as_str()
            .unwrap()
            .contains("another staging request")
    );
}

#[tokio::test]
async fn an_image_is_a_droplet_at_once() {
    let platform = Platform::start().await;
    let app = platform.app("shop").await;
    let of_app = json!({ "app": { "data": { "guid": app } } });
    let data = json!({ "image": "registry/shop:1", "username": "ada", "password": "secret" });
    let body = json!({ "type": "docker", "data": data, "relationships": of_app });
    let package = platform.client.post("/v3/packages", body).await.expect(201);
    assert_eq!(
        (&package["state"], &package["data"]["password"]),
        (&json!("READY"), &json!("***"))
    );
    let body = json!({ "package": { "guid": guid(&package) } });
    let build = platform.client.post("/v3/builds", body).await.expect(201);
    assert_eq!(build["state"], "STAGED");
}
