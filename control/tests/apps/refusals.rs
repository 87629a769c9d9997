//! Bad input: the exact status, code, title and words, and nothing half done is left.

use serde_json::{Value, json};

use crate::client::Reply;
use crate::platform::Platform;
use crate::talk::Talk;

/// A request, its body, and what is answered: status, code, title and words.
type Row = (&'static str, Value, (u16, u64, &'static str, &'static str));

const UNPROCESSABLE: &str = "CF-UnprocessableEntity";

/// Everything that a request may have changed.
pub(crate) struct Snapshot(Vec<(&'static str, Value)>);

impl Snapshot {
    pub(crate) async fn of(talk: &Talk) -> Self {
        let mut lists = Vec::new();
        for kind in KINDS {
            let list = talk.list(&format!("/v3/{kind}?per_page=5000")).await;
            lists.push((*kind, Value::Array(list)));
        }
        Self(lists)
    }

    pub(crate) async fn assert_same(&self, talk: &Talk, after: &str) {
        for ((kind, before), (_, now)) in self.0.iter().zip(Self::of(talk).await.0) {
            assert_eq!(*before, now, "{kind} changed by {after}");
        }
    }
}

const KINDS: &[&str] = &[
    "apps",
    "audit_events",
    "buildpacks",
    "builds",
    "deployments",
    "domains",
    "droplets",
    "organization_quotas",
    "organizations",
    "packages",
    "processes",
    "roles",
    "routes",
    "service_credential_bindings",
    "service_instances",
    "spaces",
    "stacks",
    "users",
];

/// Two applications, one of which runs, with a route and a package.
async fn begin() -> (Platform, Talk) {
    let platform = Platform::start().await;
    let mut talk = Talk::with(&platform);
    talk.know("shop", &platform.app("shop").await);
    talk.know("runs", &platform.running_app("runs").await);
    let domain = talk.only("/v3/domains?names=localhost").await;
    talk.keep("domain", &domain);
    let route = json!({ "host": "www", "relationships": place("@space", "@domain") });
    talk.keep("route", &talk.tell("POST /v3/routes", route, 201).await);
    let package = json!({ "type": "bits", "relationships": of_app("@shop") });
    talk.keep(
        "package",
        &talk.tell("POST /v3/packages", package, 201).await,
    );
    (platform, talk)
}

fn of_app(app: &str) -> Value {
    json!({ "app": { "data": { "guid": app } } })
}

fn place(space: &str, domain: &str) -> Value {
    json!({ "space": { "data": { "guid": space } }, "domain": { "data": { "guid": domain } } })
}

fn in_space() -> Value {
    json!({ "space": { "data": { "guid": "@space" } } })
}

async fn assert_rows(rows: Vec<Row>) {
    let (_platform, talk) = begin().await;
    let before = Snapshot::of(&talk).await;
    for (request, body, expected) in rows {
        let text = body.to_string();
        let reply = talk.request(request, ("application/json", &text)).await;
        assert_refused(&reply, expected, &format!("{request} {text}"));
        before
            .assert_same(&talk, &format!("{request} {text}"))
            .await;
    }
}

#[track_caller]
pub(crate) fn assert_refused(reply: &Reply, expected: (u16, u64, &str, &str), sent: &str) {
    let document = reply.json();
    let error = &document["errors"][0];
    let (status, code, title, words) = expected;
    assert_eq!(
        (reply.status, &error["detail"]),
        (status, &json!(words)),
        "{sent}"
    );
    assert_eq!(
        (&error["code"], &error["title"]),
        (&json!(code), &json!(title)),
        "{sent}"
    );
    assert!(reply.header("x-vcap-request-id").is_some(), "{sent}");
}

/// A row of 422s.
fn wrong(request: &'static str, body: Value, words: &'static str) -> Row {
    (request, body, (422, 10008, UNPROCESSABLE, words))
}

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
        wrong("PATCH /v3/apps/@runs", json!({ "name": "shop" }), "App with the name 'shop' already exists."),
        wrong("PATCH /v3/apps/@runs", json!({ "state": "STOPPED" }), "Unknown field(s): 'state'"),
        wrong("POST /v3/apps/@shop/actions/start", json!({}), "Assign a droplet before starting this app."),
        wrong("POST /v3/apps/@shop/actions/restart", json!({}), "Assign a droplet before starting this app."),
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

#[tokio::test]
async fn bodies_of_routes() {
    let route = |host: &str, more: Value| {
        let mut body = json!({ "host": host, "relationships": place("@space", "@domain") });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    let routes = "POST /v3/routes";
    assert_rows(vec![
        wrong(routes, route("www", json!({})), "Route already exists with host 'www' for domain 'localhost'."),
        wrong(
            routes,
            route("api", json!({})),
            "Route already exists: host 'api' is reserved for the platform.",
        ),
        wrong(
            routes,
            route("a b", json!({ "path": "x" })),
            "Host must be either \"*\" or contain only alphanumeric characters, \"_\", or \"-\", \
             Path must be a valid URI path that begins with '/' and is not '/' alone",
        ),
        wrong(routes, route("tcp", json!({ "port": 1024 })), "Ports are not supported for HTTP routes."),
        wrong(
            routes,
            route("new", json!({ "options": { "loadbalancing": "hash" } })),
            "Options Loadbalancing must be one of 'round-robin, least-connection' if present",
        ),
        wrong(routes, route("new", json!({ "options": { "x": 1 } })), "Options Unknown field(s): 'x'"),
        wrong(
            routes,
            json!({ "host": "new", "relationships": place("@space", "moon") }),
            "Invalid domain. Ensure that the domain exists and you have access to it.",
        ),
        wrong(
            routes,
            route("", json!({})),
            "Missing host. Routes in shared domains must have a host defined.",
        ),
        wrong(
            "POST /v3/routes/@route/destinations",
            json!({ "destinations": [{ "app": { "guid": "moon" } }] }),
            "App(s) with guid(s) \"moon\" do not exist or you do not have access.",
        ),
        wrong(
            "DELETE /v3/routes/@route/destinations/moon",
            json!({}),
            "Unable to unmap route from destination. Ensure the route has a destination with this guid.",
        ),
        wrong(
            "DELETE /v3/spaces/@space/routes",
            json!({}),
            "Mass delete not supported for routes. Use 'unmapped=true' parameter to delete all unmapped routes.",
        ),
    ])
    .await;
}

#[tokio::test]
async fn bodies_of_places() {
    let in_organization = json!({ "organization": { "data": { "guid": "@organization" } } });
    assert_rows(vec![
        wrong("POST /v3/organizations", json!({ "name": "acme" }), "Organization 'acme' already exists."),
        wrong(
            "POST /v3/spaces",
            json!({ "name": "dev", "relationships": in_organization }),
            "Name must be unique per organization",
        ),
        wrong(
            "POST /v3/domains",
            json!({ "name": "localhost" }),
            "Name does not comply with RFC 1035 standards",
        ),
        wrong(
            "POST /v3/roles",
            json!({ "type": "space_developer", "relationships": {
                "user": { "data": { "username": "eve" } }, "space": { "data": { "guid": "@space" } } } }),
            "Invalid user. Ensure that a user with this username exists and you have access to it.",
        ),
        wrong("POST /v3/stacks", json!({ "name": "switchyard" }), "Name must be unique"),
        wrong(
            "POST /v3/stacks",
            json!({ "name": "new", "state": "OLD" }),
            "State must be one of ACTIVE, RESTRICTED, DEPRECATED, DISABLED",
        ),
        wrong(
            "POST /v3/buildpacks",
            json!({ "name": "cobol", "stack": "moon" }),
            "Stack 'moon' does not exist",
        ),
        (
            "PATCH /v3/feature_flags/moon",
            json!({ "enabled": true }),
            (404, 10010, "CF-ResourceNotFound", "Feature flag not found"),
        ),
    ])
    .await;
}

#[tokio::test]
async fn what_is_no_json_is_unknown_or_too_large() {
    let (_platform, mut talk) = begin().await;
    let before = Snapshot::of(&talk).await;
    let parse = "Request invalid due to parse error:";
    let large = format!("{{\"name\": \"{}\"}}", "x".repeat(1 << 20));
    for (request, body, status, code, title, words) in [
        (
            "POST /v3/apps",
            "{",
            400,
            1001,
            "CF-MessageParseError",
            format!("{parse} EOF while parsing an object at line 1 column 1"),
        ),
        (
            "POST /v3/apps",
            "[]",
            400,
            1001,
            "CF-MessageParseError",
            format!("{parse} the body is not a JSON object"),
        ),
        (
            "POST /v3/apps",
            &*large,
            413,
            1004,
            "CF-BadRequest",
            "The request body is larger than 1048576 bytes".to_owned(),
        ),
        (
            "GET /v2/apps",
            "",
            404,
            10000,
            "CF-NotFound",
            "Unknown request".to_owned(),
        ),
        (
            "PUT /v3/apps",
            "",
            404,
            10000,
            "CF-NotFound",
            "Unknown request".to_owned(),
        ),
    ] {
        let reply = talk.request(request, ("application/json", body)).await;
        assert_refused(&reply, (status, code, title, &words), request);
    }
    before.assert_same(&talk, "what is no JSON").await;
    talk.client.token = None;
    let none = talk.request("GET /v3/apps", ("", "")).await;
    assert_refused(
        &none,
        (401, 10002, "CF-NotAuthenticated", "Authentication error"),
        "no token",
    );
    talk.client.token = Some("garbled".to_owned());
    let bad = talk.request("GET /v3/apps", ("", "")).await;
    assert_refused(
        &bad,
        (401, 1000, "CF-InvalidAuthToken", "Invalid Auth Token"),
        "a bad token",
    );
}

#[tokio::test]
async fn queries_and_guids_of_nothing() {
    let (_platform, talk) = begin().await;
    let invalid = "The query parameter is invalid:";
    for (query, words) in [
        ("page=0", "Page must be a positive integer"),
        ("per_page=5001", "Per page must be between 1 and 5000"),
        (
            "order_by=guid",
            "Order by can only be: 'created_at', 'updated_at', 'name'",
        ),
        (
            "created_ats=now",
            "Created ats has an invalid timestamp format",
        ),
        ("default=maybe", "Default must be 'true' or 'false'"),
    ] {
        let reply = talk
            .request(&format!("GET /v3/stacks?{query}"), ("", ""))
            .await;
        let words = format!("{invalid} {words}");
        assert_refused(&reply, (400, 10005, "CF-BadQueryParameter", &words), query);
    }
    let unknown = talk
        .request("GET /v3/apps?colour=red&names=a", ("", ""))
        .await;
    let (code, words) = unknown.refusal(400);
    assert_eq!(code, 10005);
    let begins =
        format!("{invalid} Unknown query parameter(s): 'colour'. Valid parameters are: 'page', ");
    assert!(words.starts_with(&begins), "{words}");
    for (path, what) in [
        ("apps/x", "App"),
        ("apps/@shop/droplets/current", "Droplet"),
        ("apps/@shop/processes/moon", "Process"),
        ("buildpacks/x", "Buildpack"),
        ("builds/x", "Build"),
        ("deployments/x", "Deployment"),
        ("domains/x", "Domain"),
        ("droplets/x", "Droplet"),
        ("feature_flags/x", "Feature flag"),
        ("jobs/x", "Job"),
        ("organizations/x", "Organization"),
        ("packages/x", "Package"),
        ("processes/x/stats", "Process"),
        ("roles/x", "Role"),
        ("routes/x", "Route"),
        ("spaces/x", "Space"),
        ("stacks/x", "Stack"),
        ("users/x", "User"),
    ] {
        let reply = talk.request(&format!("GET /v3/{path}"), ("", "")).await;
        let words = format!("{what} not found");
        assert_refused(&reply, (404, 10010, "CF-ResourceNotFound", &words), path);
    }
}
