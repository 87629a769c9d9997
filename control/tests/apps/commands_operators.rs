//! What each command of `cf` asks about what operators offer and switch.

use serde_json::json;

use crate::client::guid;
use crate::commands_places::begin;
use crate::refusals::place;
use crate::shapes;
use crate::talk::Talk;

#[tokio::test]
async fn cf_buildpacks() {
    let (platform, mut talk) = begin().await;
    talk.list("/v3/buildpacks?order_by=position&lifecycle=buildpack")
        .await;
    let made = talk
        .tell(
            "POST /v3/buildpacks/",
            json!({ "name": "cobol", "position": 1 }),
            201,
        )
        .await;
    shapes::check("buildpack", &made);
    talk.keep("cobol", &made);
    let upload = format!("/v3/buildpacks/{}/upload", guid(&made));
    let reply = platform.client.upload(&upload, b"PK").await;
    let job = reply.location();
    assert_eq!(
        platform.client.get(&job).await.expect(200)["state"],
        "COMPLETE"
    );
    shapes::check("buildpack", &reply.json());
    let ready = talk
        .only("/v3/buildpacks?names=cobol&lifecycle=buildpack")
        .await;
    assert_eq!(ready["state"], "READY");
    assert!(talk.list("/v3/buildpacks?lifecycle=cnb").await.is_empty());
    let changed = json!({ "enabled": false, "locked": true, "position": 2 });
    let changed = talk.tell("PATCH /v3/buildpacks/@cobol", changed, 200).await;
    assert_eq!(
        (&changed["enabled"], &changed["position"]),
        (&json!(false), &json!(2))
    );
    talk.delete("/v3/buildpacks/@cobol").await;
}

#[tokio::test]
async fn cf_update_stack_stops_new_applications_and_then_all() {
    let (platform, mut talk) = begin().await;
    let stack = talk.only("/v3/stacks?names=switchyard").await;
    shapes::check("stack", &stack);
    assert_eq!(stack["state"], "ACTIVE");
    talk.keep("stack", &stack);
    let package = json!({ "type": "docker", "data": { "image": "shop:1" },
        "relationships": { "app": { "data": { "guid": "@app" } } } });
    let package = talk.tell("POST /v3/packages", package, 201).await;
    talk.keep("package", &package);
    let change = |state: &str| json!({ "state": state, "state_reason": "use another" });
    let update = "PATCH /v3/stacks/@stack";
    let build = json!({ "package": { "guid": "@package" } }).to_string();
    let stage = ("application/json", build.as_str());
    let refusal = async |talk: &Talk| talk.request("POST /v3/builds", stage).await.refusal(422).1;
    talk.tell(update, change("RESTRICTED"), 200).await;
    assert_eq!(
        refusal(&talk).await,
        "The stack 'switchyard' is RESTRICTED and cannot be used for staging new applications: use another"
    );
    assert!(talk.list("/v3/builds?app_guids=@app").await.is_empty());
    let app = talk.ask("GET /v3/apps/@app", 200).await;
    platform.droplet(&guid(&app)).await;
    talk.request("POST /v3/builds", stage).await.expect(201);
    talk.tell(update, change("DISABLED"), 200).await;
    assert_eq!(
        refusal(&talk).await,
        "The stack 'switchyard' is DISABLED and can no longer be used for staging: use another"
    );
    talk.tell(update, change("DEPRECATED"), 200).await;
    let warned = talk.request("POST /v3/builds", stage).await;
    warned.expect(201);
    let warning = warned.header("x-cf-warnings").unwrap();
    assert!(
        warning.contains("deprecated+and+will+be+removed"),
        "{warning}"
    );
    let unknown = json!({ "state": "OLD" });
    talk.tell(update, unknown, 422).await;
    let shown = talk.ask("GET /v3/stacks/@stack", 200).await;
    assert_eq!(
        (&shown["state"], &shown["state_reason"]),
        (&json!("DEPRECATED"), &json!("use another"))
    );
    let active = json!({ "state": "ACTIVE", "state_reason": null });
    assert_eq!(
        talk.tell(update, active, 200).await["state_reason"],
        json!(null)
    );
    assert!(
        talk.request("POST /v3/builds", stage)
            .await
            .header("x-cf-warnings")
            .is_none()
    );
}

#[tokio::test]
async fn cf_feature_flags_and_quotas() {
    let (_platform, mut talk) = begin().await;
    for flag in talk.list("/v3/feature_flags").await {
        shapes::check("feature_flag", &flag);
    }
    let off = json!({ "enabled": false });
    let flag = talk
        .tell("PATCH /v3/feature_flags/app_scaling", off, 200)
        .await;
    assert_eq!(
        (&flag["enabled"], flag["updated_at"].is_string()),
        (&json!(false), true)
    );
    let limits = json!({ "name": "small", "apps": { "total_memory_in_mb": 1024 } });
    let quota = talk.tell("POST /v3/organization_quotas", limits, 201).await;
    shapes::check("organization_quota", &quota);
    talk.keep("small", &quota);
    let limits = json!({ "apps": { "total_memory_in_mb": null } });
    let quota = talk
        .tell("PATCH /v3/organization_quotas/@small", limits, 200)
        .await;
    assert_eq!(quota["apps"]["total_memory_in_mb"], json!(null));
    talk.delete("/v3/organization_quotas/@small").await;
}

#[tokio::test]
async fn what_the_operator_switches_off_is_refused_to_all_but_administrators() {
    let (platform, mut talk) = begin().await;
    let person =
        json!({ "userName": "ada", "password": "correct horse", "emails": [{ "value": "a@b.c" }] });
    let person = talk.tell("POST /Users", person, 201).await;
    talk.know("ada", person["id"].as_str().unwrap());
    for (kind, place) in [
        ("organization_user", "organization"),
        ("space_developer", "space"),
    ] {
        let body = json!({ "type": kind, "relationships": { "user": { "data": { "guid": "@ada" } },
            place: { "data": { "guid": format!("@{place}") } } } });
        talk.tell("POST /v3/roles", body, 201).await;
    }
    let mut stranger = platform.client.clone();
    stranger.token = None;
    let token = crate::platform::log_in(&stranger, "ada", "correct horse").await;
    let admin = talk.client.token.replace(token);
    let of_app = json!({ "app": { "data": { "guid": "@app" } } });
    let image = json!({ "type": "docker", "data": { "image": "a" }, "relationships": of_app });
    for (flag, request, body) in [
        (
            "app_scaling",
            "POST /v3/apps/@app/processes/web/actions/scale",
            json!({ "instances": 2 }),
        ),
        ("diego_docker", "POST /v3/packages", image),
        (
            "route_creation",
            "POST /v3/routes",
            json!({ "host": "www", "relationships": place("@space", "@domain") }),
        ),
    ] {
        let path = format!("/v3/feature_flags/{flag}");
        let off = json!({ "enabled": false });
        platform.client.patch(&path, off).await.expect(200);
        let body = body.to_string();
        let refused = talk.request(request, ("application/json", &body)).await;
        assert_eq!(
            refused.refusal(403),
            (330_002, format!("Feature Disabled: {flag}"))
        );
        assert_eq!(refused.json()["errors"][0]["title"], "CF-FeatureDisabled");
    }
    talk.client.token = admin;
    let scale = "POST /v3/apps/@app/processes/web/actions/scale";
    talk.tell(scale, json!({ "instances": 2 }), 202).await;
}
