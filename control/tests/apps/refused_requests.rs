//! Bad input about routes and places, and requests that are bad whatever they are about.

use serde_json::{Value, json};

use crate::refusals::{Snapshot, assert_refused, assert_rows, begin, place, wrong};

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
    let parse = |problem: &str| format!("Request invalid due to parse error: {problem}");
    let ended = parse("EOF while parsing an object at line 1 column 1");
    let list = parse("the body is not a JSON object");
    let large = format!("{{\"name\": \"{}\"}}", "x".repeat(1 << 20));
    let too_large = "The request body is larger than 1048576 bytes";
    let unknown = (404, 10000, "CF-NotFound", "Unknown request");
    for (request, body, expected) in [
        (
            "POST /v3/apps",
            "{",
            (400, 1001, "CF-MessageParseError", &*ended),
        ),
        (
            "POST /v3/apps",
            "[]",
            (400, 1001, "CF-MessageParseError", &*list),
        ),
        (
            "POST /v3/apps",
            &*large,
            (413, 1004, "CF-BadRequest", too_large),
        ),
        ("GET /v2/apps", "", unknown),
        ("PUT /v3/apps", "", unknown),
    ] {
        let reply = talk.request(request, ("application/json", body)).await;
        assert_refused(&reply, expected, request);
    }
    before.assert_same(&talk, "what is no JSON").await;
    talk.client.token = None;
    let none = talk.request("GET /v3/apps", ("", "")).await;
    let expected = (401, 10002, "CF-NotAuthenticated", "Authentication error");
    assert_refused(&none, expected, "no token");
    talk.client.token = Some("garbled".to_owned());
    let bad = talk.request("GET /v3/apps", ("", "")).await;
    let expected = (401, 1000, "CF-InvalidAuthToken", "Invalid Auth Token");
    assert_refused(&bad, expected, "a bad token");
}

#[tokio::test]
async fn bad_queries() {
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
}

#[tokio::test]
async fn guids_of_nothing() {
    let (_platform, talk) = begin().await;
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
