//! What each command of `cf` asks about applications: in its order, and every field that it reads.

use serde_json::{Value, json};

use crate::platform::Platform;
use crate::shapes;
use crate::talk::Talk;

/// An application that runs, and a talk that knows it as `app`.
async fn running() -> (Platform, Talk) {
    let platform = Platform::start().await;
    let app = platform.running_app("shop").await;
    let mut talk = Talk::with(&platform);
    talk.know("app", &app);
    (platform, talk)
}

/// How every command finds its application.
async fn find(talk: &Talk) {
    let found = talk.only("/v3/apps?names=shop&space_guids=@space").await;
    shapes::check("app", &found);
}

fn relation(name: &str) -> Value {
    json!({ name: { "data": { "guid": format!("@{name}") } } })
}

#[tokio::test]
async fn cf_apps_needs_three_requests() {
    let (platform, talk) = running().await;
    platform.app("quiet").await;
    let apps = talk
        .list("/v3/apps?space_guids=@space&order_by=name&per_page=5000")
        .await;
    let names: Vec<&Value> = apps.iter().map(|app| &app["name"]).collect();
    assert_eq!(names, ["quiet", "shop"]);
    let processes = talk
        .list("/v3/processes?space_guids=@space&embed=process_instances&per_page=5000")
        .await;
    for process in &processes {
        shapes::check("process", process);
        let instances = process["process_instances"].as_array().unwrap();
        assert_eq!(
            instances.len() as u64,
            process["instances"].as_u64().unwrap()
        );
        instances
            .iter()
            .for_each(|one| shapes::check("process_instance", one));
    }
    let web: Vec<&Value> = processes
        .iter()
        .filter(|one| one["type"] == "web")
        .collect();
    assert_eq!(web.len(), 2, "one of each application");
    let plain = talk.list("/v3/processes?app_guids=@app").await;
    assert!(
        plain
            .iter()
            .all(|process| process.get("process_instances").is_none())
    );
    talk.list("/v3/routes?app_guids=@app").await;
    let refused = talk.request("GET /v3/processes?embed=moon", ("", "")).await;
    assert_eq!(refused.refusal(400).0, 10005);
}

#[tokio::test]
async fn cf_app_shows_what_the_summary_needs() {
    let (_platform, talk) = running().await;
    find(&talk).await;
    let processes = talk.list("/v3/apps/@app/processes").await;
    assert_eq!(processes.len(), 2, "web and worker");
    processes
        .iter()
        .for_each(|process| shapes::check("process", process));
    let shown = talk.ask("GET /v3/processes/@app", 200).await;
    shapes::check("process", &shown);
    talk.list("/v3/processes/@app/sidecars").await;
    let stats = talk.ask("GET /v3/processes/@app/stats", 200).await;
    let down = json!([{ "type": "web", "index": 0, "state": "DOWN", "uptime": 0 }]);
    assert_eq!(stats["resources"], down);
    talk.list("/v3/apps/@app/routes").await;
    let droplet = talk.ask("GET /v3/apps/@app/droplets/current", 200).await;
    shapes::check("droplet", &droplet);
    let deployments =
        talk.list("/v3/deployments?app_guids=@app&status_values=ACTIVE&order_by=-created_at&per_page=1&page=1")
            .await;
    assert!(deployments.is_empty());
    talk.tell("POST /v3/apps/@app/actions/stop", json!({}), 200)
        .await;
    let stats = talk.ask("GET /v3/processes/@app/stats", 200).await;
    assert_eq!(stats["resources"], down, "what is stopped is shown as down");
}

#[tokio::test]
async fn commands_are_hidden_in_lists_and_shown_alone() {
    let (_platform, talk) = running().await;
    let command = json!({ "command": "./run --key secret" });
    talk.tell("PATCH /v3/processes/@app", command, 200).await;
    let listed = talk.list("/v3/processes?app_guids=@app&types=web").await;
    assert_eq!(listed[0]["command"], "[PRIVATE DATA HIDDEN IN LISTS]");
    let alone = talk.ask("GET /v3/processes/@app", 200).await;
    assert_eq!(alone["command"], "./run --key secret");
}

#[tokio::test]
async fn cf_start_stop_and_restart_look_for_a_droplet_first() {
    let (_platform, talk) = running().await;
    find(&talk).await;
    talk.list("/v3/packages?app_guids=@app&order_by=-created_at&per_page=1")
        .await;
    for (action, state) in [
        ("stop", "STOPPED"),
        ("start", "STARTED"),
        ("restart", "STARTED"),
    ] {
        let request = format!("POST /v3/apps/@app/actions/{action}");
        let app = talk
            .request(&request, ("application/json", ""))
            .await
            .expect(200);
        shapes::check("app", &app);
        assert_eq!(app["state"], state);
    }
}

#[tokio::test]
async fn cf_restage_stages_the_newest_package_again() {
    let (mut platform, mut talk) = running().await;
    let body = json!({ "type": "docker", "data": { "image": "shop:1" }, "relationships": relation("app") });
    let package = talk.tell("POST /v3/packages", body, 201).await;
    shapes::check("package", &package);
    let newest = talk
        .only("/v3/packages?app_guids=@app&order_by=-created_at&per_page=1")
        .await;
    assert_eq!(newest["guid"], package["guid"]);
    talk.keep("package", &newest);
    let build = talk
        .tell(
            "POST /v3/builds",
            json!({ "package": { "guid": "@package" } }),
            201,
        )
        .await;
    shapes::check("build", &build);
    talk.keep("build", &build);
    let build = talk.ask("GET /v3/builds/@build", 200).await;
    talk.know("droplet", build["droplet"]["guid"].as_str().unwrap());
    shapes::check("droplet", &talk.ask("GET /v3/droplets/@droplet", 200).await);
    let staged = talk
        .only("/v3/packages/@package/droplets?states=STAGED&per_page=1")
        .await;
    assert_eq!(staged["guid"], build["droplet"]["guid"]);
    let current = json!({ "data": { "guid": "@droplet" } });
    let path = "PATCH /v3/apps/@app/relationships/current_droplet";
    let current = talk.tell(path, current, 200).await;
    assert_eq!(current["data"]["guid"], build["droplet"]["guid"]);
    assert!(current["links"]["self"]["href"].is_string());
    talk.tell("POST /v3/apps/@app/actions/restart", json!({}), 200)
        .await;
    let app = guid_of(&talk).await;
    platform
        .order(|order| matches!(order, control::controller::Order::App(guid) if *guid == app))
        .await;
}

async fn guid_of(talk: &Talk) -> String {
    let app = talk.ask("GET /v3/apps/@app", 200).await;
    app["guid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn cf_scale_and_restart_app_instance() {
    let (_platform, talk) = running().await;
    find(&talk).await;
    let wanted = json!({ "instances": 2, "memory_in_mb": 32, "disk_in_mb": 64,
        "log_rate_limit_in_bytes_per_second": 1024 });
    let scaled = talk
        .tell(
            "POST /v3/apps/@app/processes/web/actions/scale",
            wanted.clone(),
            202,
        )
        .await;
    shapes::check("process", &scaled);
    for (name, value) in wanted.as_object().unwrap() {
        assert_eq!(scaled[name], *value, "{name}");
    }
    talk.ask("DELETE /v3/apps/@app/processes/web/instances/1", 204)
        .await;
    let body = json!({ "instances": null, "memory_in_mb": 16 });
    let scaled = talk
        .tell("POST /v3/apps/@app/processes/web/actions/scale", body, 202)
        .await;
    assert_eq!(
        (&scaled["instances"], &scaled["memory_in_mb"]),
        (&json!(2), &json!(16))
    );
}

#[tokio::test]
async fn cf_env_and_set_env() {
    let (_platform, talk) = running().await;
    let set = json!({ "var": { "COLOUR": "red", "SIZE": "1" } });
    let path = "PATCH /v3/apps/@app/environment_variables";
    let now = talk.tell(path, set, 200).await;
    assert_eq!(now["var"], json!({ "COLOUR": "red", "SIZE": "1" }));
    let now = talk
        .tell(path, json!({ "var": { "SIZE": null } }), 200)
        .await;
    assert_eq!(now["var"], json!({ "COLOUR": "red" }));
    let all = talk.ask("GET /v3/apps/@app/env", 200).await;
    shapes::check("environment", &all);
    assert_eq!(all["environment_variables"], json!({ "COLOUR": "red" }));
    let told = &all["application_env_json"]["VCAP_APPLICATION"];
    assert_eq!(
        (&told["application_name"], &told["space_name"]),
        (&json!("shop"), &json!("dev"))
    );
}

#[tokio::test]
async fn cf_set_health_check_and_rename() {
    let (_platform, talk) = running().await;
    for (sent, kept) in [
        (
            json!({ "type": "http", "data": { "endpoint": "/up", "timeout": null, "invocation_timeout": 5 } }),
            ("http", json!("/up"), json!(5)),
        ),
        (
            json!({ "type": "process", "data": { "timeout": null, "endpoint": null } }),
            ("process", json!(null), json!(5)),
        ),
        (json!({ "type": "port" }), ("port", json!(null), json!(5))),
    ] {
        let body = json!({ "health_check": sent });
        let process = talk.tell("PATCH /v3/processes/@app", body, 200).await;
        shapes::check("process", &process);
        let check = &process["health_check"];
        assert_eq!(check["type"], kept.0);
        let endpoint = check["data"].get("endpoint").cloned().unwrap_or_default();
        assert_eq!(
            (endpoint, check["data"]["invocation_timeout"].clone()),
            (kept.1, kept.2)
        );
    }
    let app = talk
        .tell("PATCH /v3/apps/@app", json!({ "name": "store" }), 200)
        .await;
    assert_eq!(app["name"], "store");
    assert!(
        talk.list("/v3/apps?names=shop&space_guids=@space")
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn cf_events_tells_what_happened() {
    let (_platform, talk) = running().await;
    talk.tell("POST /v3/apps/@app/actions/restart", json!({}), 200)
        .await;
    let events = talk
        .list("/v3/audit_events?target_guids=@app&order_by=-created_at&page=1")
        .await;
    events
        .iter()
        .for_each(|event| shapes::check("event", event));
    let kinds: Vec<&str> = events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    for kind in [
        "audit.app.restart",
        "audit.app.start",
        "audit.app.droplet.mapped",
        "audit.app.create",
    ] {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }
}

#[tokio::test]
async fn cf_create_app_set_label_and_delete() {
    let platform = Platform::start().await;
    let mut talk = Talk::with(&platform);
    let body = json!({ "name": "a,b", "relationships": relation("space"),
        "lifecycle": { "type": "buildpack", "data": { "buildpacks": ["static"] } } });
    let app = talk.tell("POST /v3/apps", body, 201).await;
    shapes::check("app", &app);
    assert_eq!(app["lifecycle"]["data"]["buildpacks"], json!(["static"]));
    talk.keep("app", &app);
    let encoded = talk
        .only("/v3/apps?names=a%252Cb,c&space_guids=@space&per_page=1&page=1")
        .await;
    assert_eq!(
        encoded["guid"], app["guid"],
        "a comma in a name comes encoded twice"
    );
    let mark = json!({ "metadata": { "labels": { "team": "blue" } } });
    let marked = talk.tell("PATCH /v3/apps/@app", mark, 200).await;
    assert_eq!(marked["metadata"]["labels"], json!({ "team": "blue" }));
    talk.only("/v3/apps?label_selector=team%20in%20(blue,red)")
        .await;
    assert!(talk.list("/v3/apps/@app/routes").await.is_empty());
    talk.delete("/v3/apps/@app").await;
    let gone = talk
        .request("GET /v3/apps/@app", ("", ""))
        .await
        .refusal(404);
    assert_eq!(gone, (10010, "App not found".to_owned()));
}

#[tokio::test]
async fn cf_push_with_a_strategy_begins_a_deployment() {
    let (platform, mut talk) = running().await;
    let droplet = platform.droplet(&guid_of(&talk).await).await;
    talk.know("droplet", &droplet);
    let begin = |strategy: &str, options: Value| {
        json!({ "droplet": { "guid": "@droplet" }, "strategy": strategy, "options": options,
            "relationships": relation("app") })
    };
    // The client writes every option that was not given as null.
    let nothing = json!({ "max_in_flight": 1, "web_instances": null, "memory_in_mb": null,
        "disk_in_mb": null, "log_rate_limit_in_bytes_per_second": null });
    let made = talk
        .tell("POST /v3/deployments", begin("rolling", nothing), 201)
        .await;
    shapes::check("deployment", &made);
    assert!(made["status"].get("canary").is_none());
    let steps = json!([{ "instance_weight": 20 }, { "instance_weight": 50 }]);
    let options = json!({ "max_in_flight": 2, "canary": { "steps": steps } });
    let made = talk
        .tell("POST /v3/deployments", begin("canary", options), 201)
        .await;
    shapes::check("deployment", &made);
    assert_eq!(made["options"]["canary"]["steps"], steps);
    assert_eq!(
        made["status"]["canary"]["steps"],
        json!({ "current": 1, "total": 2 })
    );
    talk.keep("deployment", &made);
    let active = "/v3/deployments?app_guids=@app&status_values=ACTIVE&order_by=-created_at&per_page=1&page=1";
    assert_eq!(
        talk.only(active).await["guid"],
        made["guid"],
        "the older one is superseded"
    );
    talk.tell(
        "POST /v3/deployments/@deployment/actions/cancel",
        json!({}),
        200,
    )
    .await;
    let plain = talk
        .tell("POST /v3/deployments", begin("canary", json!(null)), 201)
        .await;
    assert_eq!(plain["status"]["canary"]["steps"]["total"], 1);
}

#[tokio::test]
async fn cf_push_of_a_droplet_uploads_it() {
    let platform = Platform::start().await;
    let mut talk = Talk::with(&platform);
    let app = platform.app("shop").await;
    talk.know("app", &app);
    let body = json!({ "relationships": relation("app"), "process_types": { "web": "" } });
    let droplet = talk.tell("POST /v3/droplets", body, 201).await;
    shapes::check("droplet", &droplet);
    assert_eq!(droplet["state"], "AWAITING_UPLOAD");
    talk.keep("droplet", &droplet);
    let path = format!("/v3/droplets/{}/upload", droplet["guid"].as_str().unwrap());
    let job = platform.client.upload(&path, b"a droplet").await.location();
    assert_eq!(
        platform.client.get(&job).await.expect(200)["state"],
        "COMPLETE"
    );
    let droplet = talk.ask("GET /v3/droplets/@droplet", 200).await;
    assert_eq!(
        (&droplet["state"], &droplet["checksum"]["type"]),
        (&json!("STAGED"), &json!("sha256"))
    );
    let bits = platform
        .client
        .get(&path.replace("upload", "download"))
        .await;
    assert_eq!(bits.body, b"a droplet");
}

#[tokio::test]
async fn cf_logs_reads_the_log_cache() {
    let (_platform, talk) = running().await;
    find(&talk).await;
    let read = "GET /api/v1/read/@app?descending=true&envelope_types=LOG&limit=1&start_time=-6795364578871345152";
    let lines = talk.ask(read, 200).await;
    assert!(lines["envelopes"]["batch"].as_array().unwrap().len() <= 1);
    let recent = "GET /api/v1/read/@app?descending=true&envelope_types=LOG&limit=1000&start_time=0";
    talk.ask(recent, 200).await;
}
