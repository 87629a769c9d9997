//! Services that users provide: bound, shown to applications, unbound.

use serde_json::json;

use crate::client::guid;
use crate::platform::Platform;

async fn service(platform: &Platform) -> String {
    let body = json!({ "type": "user-provided", "name": "db", "tags": ["sql"],
        "credentials": { "uri": "postgres://u:p@h/d" }, "relationships": platform.in_space() });
    guid(
        &platform
            .client
            .post("/v3/service_instances", body)
            .await
            .expect(201),
    )
}

#[tokio::test]
async fn a_bound_app_learns_the_credentials() {
    let platform = Platform::start().await;
    let (app, service) = (platform.app("shop").await, service(&platform).await);
    let body = json!({ "type": "app", "relationships": {
        "app": { "data": { "guid": app } }, "service_instance": { "data": { "guid": service } } } });
    let bindings = "/v3/service_credential_bindings";
    let binding = platform
        .client
        .post(bindings, body.clone())
        .await
        .expect(201);
    let again = platform.client.post(bindings, body).await.refusal(422);
    assert_eq!(again.1, "The app is already bound to the service instance");

    let env = platform
        .client
        .get(&format!("/v3/apps/{app}/env"))
        .await
        .expect(200);
    let seen = &env["system_env_json"]["VCAP_SERVICES"]["user-provided"][0];
    assert_eq!(seen["credentials"]["uri"], "postgres://u:p@h/d");
    assert_eq!(seen["tags"], json!(["sql"]));
    let told = &env["application_env_json"]["VCAP_APPLICATION"];
    assert_eq!(
        (&told["name"], &told["space_name"]),
        (&json!("shop"), &json!("dev"))
    );

    let list = format!("{bindings}?type=app&app_guids={app}&include=app");
    let list = platform.client.get(&list).await.expect(200);
    assert_eq!(list["included"]["apps"][0]["name"], "shop");
    platform
        .client
        .delete(&format!("{bindings}/{}", guid(&binding)))
        .await
        .expect(204);
    let env = platform
        .client
        .get(&format!("/v3/apps/{app}/env"))
        .await
        .expect(200);
    assert_eq!(env["system_env_json"]["VCAP_SERVICES"], json!({}));
}

#[tokio::test]
async fn keys_have_names_of_their_own_and_end_with_their_service() {
    let platform = Platform::start().await;
    let service = service(&platform).await;
    let body = json!({ "type": "key", "name": "k",
        "relationships": { "service_instance": { "data": { "guid": service } } } });
    let bindings = "/v3/service_credential_bindings";
    let key = guid(
        &platform
            .client
            .post(bindings, body.clone())
            .await
            .expect(201),
    );
    let again = platform.client.post(bindings, body).await.refusal(422);
    assert!(
        again.1.contains("Key binding names must be unique"),
        "{}",
        again.1
    );
    let details = platform
        .client
        .get(&format!("{bindings}/{key}/details"))
        .await
        .expect(200);
    assert_eq!(details["credentials"]["uri"], "postgres://u:p@h/d");
    platform
        .client
        .delete(&format!("/v3/service_instances/{service}"))
        .await
        .expect(204);
    platform
        .client
        .get(&format!("{bindings}/{key}"))
        .await
        .refusal(404);
}

#[tokio::test]
async fn a_name_is_taken_once_and_the_marketplace_is_empty() {
    let platform = Platform::start().await;
    service(&platform).await;
    let body =
        json!({ "type": "user-provided", "name": "db", "relationships": platform.in_space() });
    let taken = platform
        .client
        .post("/v3/service_instances", body)
        .await
        .refusal(422);
    assert_eq!(taken.1, "The service instance name is taken: db.");
    let plans = "/v3/service_plans?include=service_offering&available=true\
        &fields[service_offering.service_broker]=name,guid&per_page=5000";
    let plans = platform.client.get(plans).await.expect(200);
    assert_eq!(plans["included"]["service_offerings"], json!([]));
    for kind in [
        "service_offerings",
        "service_brokers",
        "service_route_bindings",
    ] {
        platform
            .client
            .get(&format!("/v3/{kind}"))
            .await
            .expect(200);
    }
}
