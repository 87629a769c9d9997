//! Bad input: the exact refusals.

use serde_json::json;

use crate::platform::Platform;

#[tokio::test]
async fn refusals_have_their_codes_and_words() {
    let platform = Platform::start().await;
    let client = &platform.client;
    let body = json!({ "name": "shop", "relationships": platform.in_space() });
    client.post("/v3/apps", body.clone()).await.expect(201);
    let taken = client.post("/v3/apps", body).await.refusal(422);
    assert_eq!(
        taken,
        (10008, "App with the name 'shop' already exists.".to_owned())
    );
    let broken = client
        .send("POST", "/v3/apps", ("application/json", b"{"))
        .await;
    assert_eq!(broken.refusal(400).0, 1001);
    let problems = client
        .post("/v3/apps", json!({ "name": 1, "colour": "red" }))
        .await;
    let (code, words) = problems.refusal(422);
    assert_eq!(code, 10008);
    for problem in [
        "Unknown field(s): 'colour'",
        "Name must be a string",
        "Relationships can't be blank",
    ] {
        assert!(words.contains(problem), "{words}");
    }
    let query = client.get("/v3/apps?colour=red").await.refusal(400);
    assert_eq!(query.0, 10005);
    for (path, words) in [
        ("/v3/apps/x", "App not found"),
        ("/v3/processes/x/stats", "Process not found"),
        ("/v3/packages/x", "Package not found"),
        ("/v3/builds/x", "Build not found"),
        ("/v3/droplets/x", "Droplet not found"),
        ("/v3/deployments/x", "Deployment not found"),
        ("/v3/routes/x", "Route not found"),
    ] {
        assert_eq!(
            client.get(path).await.refusal(404),
            (10010, words.to_owned())
        );
    }
    let instance = platform.running_app("other").await;
    let instance = format!("/v3/apps/{instance}/processes/web/instances/7");
    assert_eq!(
        client.delete(&instance).await.refusal(404).1,
        "Instance not found"
    );
}

#[tokio::test]
async fn nobody_gets_nothing() {
    let platform = Platform::start().await;
    let mut stranger = platform.client.clone();
    stranger.token = None;
    assert_eq!(stranger.get("/v3/apps").await.refusal(401).0, 10002);
    stranger.token = Some("garbled".to_owned());
    assert_eq!(stranger.get("/v3/apps").await.refusal(401).0, 1000);
}
