//! Manifests over HTTP: applied whole or not at all, compared, and written.

use serde_json::json;

use crate::platform::Platform;

#[tokio::test]
async fn one_bad_application_leaves_nothing_of_the_others() {
    let platform = Platform::start().await;
    let apply = format!("/v3/spaces/{}/actions/apply_manifest", platform.space);
    let manifest = "applications:\n- name: good\n  default-route: true\n  env: {A: b}\n\
        - name: bad\n  services: [nothing]\n";
    platform.client.yaml(&apply, manifest).await.refusal(422);
    for kind in ["apps", "routes", "processes"] {
        let left = platform
            .client
            .get(&format!("/v3/{kind}"))
            .await
            .expect(200);
        assert_eq!(left["pagination"]["total_results"], 0, "{kind}");
    }
}

#[tokio::test]
async fn a_manifest_that_was_applied_changes_nothing_more() {
    let platform = Platform::start().await;
    let space = &platform.space;
    let apply = format!("/v3/spaces/{space}/actions/apply_manifest");
    let difference = format!("/v3/spaces/{space}/manifest_diff");
    let manifest = "applications:\n- name: shop\n  memory: 64M\n  env: {COLOUR: red}\n  \
        routes:\n  - route: shop.localhost/a\n  metadata:\n    labels: {team: blue}\n  \
        processes:\n  - type: worker\n    instances: 2\n    command: ./work\n";
    platform.client.yaml(&apply, manifest).await.location();
    let left = platform
        .client
        .yaml(&difference, manifest)
        .await
        .expect(201);
    let named: Vec<&str> = left["diff"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["path"].as_str().unwrap())
        .collect();
    // The keys of the application mean its web process, which the written form lists by itself.
    assert_eq!(named, ["/applications/0/memory"]);
    let found = platform
        .client
        .get("/v3/apps?names=shop&label_selector=team=blue")
        .await;
    let found = found.expect(200);
    let app = found["resources"][0]["guid"].as_str().unwrap().to_owned();
    let written = platform
        .client
        .get(&format!("/v3/apps/{app}/manifest"))
        .await;
    let text = String::from_utf8(written.body).unwrap();
    platform.client.yaml(&apply, &text).await.location();
    let left = platform.client.yaml(&difference, &text).await.expect(201);
    assert_eq!(left["diff"], json!([]), "{text}");
}

#[tokio::test]
async fn no_route_takes_all_away_and_a_random_route_is_made_once() {
    let platform = Platform::start().await;
    let apply = format!("/v3/spaces/{}/actions/apply_manifest", platform.space);
    let routes = async || {
        let listed = platform.client.get("/v3/routes").await.expect(200);
        let all = listed["resources"].as_array().unwrap().clone();
        all.iter()
            .filter(|route| route["destinations"] != json!([]))
            .count()
    };
    let random = "applications: [{name: shop, random-route: true}]";
    for _ in 0..2 {
        platform.client.yaml(&apply, random).await.location();
        assert_eq!(routes().await, 1);
    }
    let without = "applications: [{name: shop, no-route: true}]";
    platform.client.yaml(&apply, without).await.location();
    assert_eq!(routes().await, 0);
}

#[tokio::test]
async fn options_of_a_route_stay_until_they_are_taken_away() {
    let platform = Platform::start().await;
    let apply = format!("/v3/spaces/{}/actions/apply_manifest", platform.space);
    let options = async |said: &str| {
        let manifest =
            format!("applications: [{{name: shop, routes: [{{route: shop.localhost{said}}}]}}]");
        platform.client.yaml(&apply, &manifest).await.location();
        let routes = platform.client.get("/v3/routes").await.expect(200);
        routes["resources"][0]["options"].clone()
    };
    let least = json!({ "loadbalancing": "least-connection" });
    assert_eq!(
        options(", options: {loadbalancing: least-connection}").await,
        least
    );
    assert_eq!(options("").await, least);
    assert_eq!(options(", options: {loadbalancing: null}").await, json!({}));
}
