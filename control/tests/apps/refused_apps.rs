//! Bad input about applications, their processes, packages and deployments.

use serde_json::{Value, json};

use crate::refusals::{assert_rows, in_space, of_app, wrong};

#[tokio::test]
async fn bodies_of_applications() {
    let named = |more: Value| {
        let mut body = json!({ "name": "new", "relationships": in_space() });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    let lifecycle =
        |data: Value| named(json!({ "lifecycle": { "type": "buildpack", "data": data } }));
    let apps = "POST /v3/apps";
    assert_rows(vec![
        wrong(
            apps,
            json!({ "name": 1, "colour": "red" }),
            "Unknown field(s): 'colour', Name must be a string, Relationships can't be blank",
        ),
        wrong(apps, named(json!({ "name": "" })), "Name can't be blank"),
        wrong(apps, named(json!({ "name": "x".repeat(256) })), "Name is too long (maximum is 255 characters)"),
        wrong(apps, named(json!({ "name": "shop" })), "App with the name 'shop' already exists."),
        wrong(
            apps,
            json!({ "name": "new", "relationships": { "space": { "data": { "guid": "moon" } } } }),
            "Invalid space. Ensure that the space exists and you have access to it.",
        ),
        wrong(
            apps,
            named(json!({ "relationships": { "space": "here" } })),
            "Relationships Space must be structured like this: \"space: {\"data\": {\"guid\": \"valid-guid\"}}\"",
        ),
        wrong(
            apps,
            named(json!({ "lifecycle": { "type": "cnb", "data": { "buildpacks": ["docker://x"] } } })),
            "Lifecycle Type is not included in the list: buildpack, docker",
        ),
        wrong(
            apps,
            lifecycle(json!({ "buildpacks": ["cobol"] })),
            "Buildpack must be an existing admin buildpack or a valid git URI",
        ),
        wrong(apps, lifecycle(json!({ "stack": "moon" })), "Stack must be an existing stack"),
        wrong(
            apps,
            named(json!({ "environment_variables": { "VCAP_X": "1", "PORT": "1" } })),
            "Environment variables cannot set PORT, Environment variables cannot start with VCAP_",
        ),
        wrong(
            apps,
            named(json!({ "metadata": { "labels": { "-": "x" } } })),
            "Metadata label key error: '-' contains invalid characters",
        ),
    ])
    .await;
}

#[tokio::test]
async fn bodies_that_change_applications() {
    assert_rows(vec![
        wrong(
            "PATCH /v3/apps/@runs",
            json!({ "name": "shop" }),
            "App with the name 'shop' already exists.",
        ),
        wrong(
            "PATCH /v3/apps/@runs",
            json!({ "state": "STOPPED" }),
            "Unknown field(s): 'state'",
        ),
        wrong(
            "POST /v3/apps/@shop/actions/start",
            json!({}),
            "Assign a droplet before starting this app.",
        ),
        wrong(
            "POST /v3/apps/@shop/actions/restart",
            json!({}),
            "Assign a droplet before starting this app.",
        ),
        wrong(
            "PATCH /v3/apps/@shop/relationships/current_droplet",
            json!({ "data": { "guid": "moon" } }),
            "Unable to assign current droplet. Ensure the droplet exists and belongs to this app.",
        ),
        wrong(
            "PATCH /v3/apps/@shop/environment_variables",
            json!({ "var": { "A": [1] } }),
            "Non-string value in environment variable for key 'A'",
        ),
    ])
    .await;
}

#[tokio::test]
async fn bodies_of_processes_and_deployments() {
    let scale = "POST /v3/apps/@runs/processes/web/actions/scale";
    let deploy = |body: Value| {
        let mut whole = json!({ "relationships": of_app("@runs") });
        whole
            .as_object_mut()
            .unwrap()
            .extend(body.as_object().unwrap().clone());
        ("POST /v3/deployments", whole)
    };
    let deployed = |body: Value, words| {
        let (request, body) = deploy(body);
        wrong(request, body, words)
    };
    let steps =
        |steps: Value| json!({ "strategy": "canary", "options": { "canary": { "steps": steps } } });
    assert_rows(vec![
        wrong(scale, json!({ "instances": -1 }), "Instances must be greater than or equal to 0"),
        wrong(
            scale,
            json!({ "memory_in_mb": "big", "disk_in_mb": 0 }),
            "Memory in mb must be an integer, Disk in mb must be greater than or equal to 1",
        ),
        wrong(
            "PATCH /v3/processes/@runs",
            json!({ "health_check": { "type": "smell" } }),
            "Health check type must be \"port\", \"process\", or \"http\"",
        ),
        (
            "DELETE /v3/apps/@runs/processes/web/instances/7",
            json!({}),
            (404, 10010, "CF-ResourceNotFound", "Instance not found"),
        ),
        deployed(json!({ "strategy": "blue" }), "Strategy 'blue' is not a supported deployment strategy"),
        deployed(
            json!({ "options": { "max_in_flight": 0 } }),
            "Options Max in flight must be greater than or equal to 1",
        ),
        deployed(
            steps(json!([{ "instance_weight": 101 }])),
            "Options Canary Steps must be an array of objects with an instance_weight between 1-100 (inclusive)",
        ),
        deployed(
            steps(json!([{ "instance_weight": 50 }, { "instance_weight": 20 }])),
            "Options Canary Steps must be sorted in ascending order",
        ),
        deployed(
            json!({ "options": { "canary": { "steps": [] } } }),
            "Options.canary are only valid for Canary deployments",
        ),
        deployed(
            json!({ "droplet": { "guid": "moon" } }),
            "Unable to assign current droplet. Ensure the droplet exists and belongs to this app.",
        ),
        wrong(
            "POST /v3/deployments",
            json!({ "relationships": of_app("@shop") }),
            "Invalid droplet. Please specify a droplet in the request or set a current droplet for the app.",
        ),
    ])
    .await;
}

#[tokio::test]
async fn bodies_of_packages_and_builds() {
    let packages = "POST /v3/packages";
    assert_rows(vec![
        wrong(
            packages,
            json!({}),
            "Type can't be blank, Relationships can't be blank",
        ),
        wrong(
            packages,
            json!({ "type": "tar", "relationships": of_app("@shop") }),
            "Type must be one of 'bits, docker'",
        ),
        wrong(
            packages,
            json!({ "type": "docker", "relationships": of_app("@shop") }),
            "Data Image required",
        ),
        wrong(
            packages,
            json!({ "type": "bits", "relationships": of_app("moon") }),
            "App is invalid. Ensure it exists and you have access to it.",
        ),
        wrong("POST /v3/builds", json!({}), "Package can't be blank"),
        wrong(
            "POST /v3/builds",
            json!({ "package": { "guid": "moon" } }),
            "Unable to use package. Ensure that the package exists and you have access to it.",
        ),
        (
            "POST /v3/builds",
            json!({ "package": { "guid": "@package" } }),
            (
                400,
                1004,
                "CF-BadRequest",
                "Bad request: Cannot stage package whose state is not ready.",
            ),
        ),
        wrong(
            "POST /v3/droplets",
            json!({ "relationships": of_app("@shop"), "process_types": { "web": 1 } }),
            "Process types must be an object with string values",
        ),
        wrong(
            "POST /v3/resource_matches",
            json!({ "resources": 1 }),
            "Resources is not an array",
        ),
    ])
    .await;
}
