//! Bad manifests: the exact words, and nothing of any application is made or changed.

use crate::platform::Platform;
use crate::refusals::{Snapshot, assert_refused};
use crate::talk::Talk;

const APPLY: &str = "POST /v3/spaces/@space/actions/apply_manifest";

/// What is said of one application, and what is answered after `For application 'new': `.
const KEYS: &[(&str, &str)] = &[
    (
        "memory: 512",
        "Process \"web\": Memory must use a supported unit: B, K, KB, M, MB, G, GB, T, or TB",
    ),
    (
        "disk_quota: 1X",
        "Process \"web\": Disk quota must use a supported unit: B, K, KB, M, MB, G, GB, T, or TB",
    ),
    (
        "memory: 0M",
        "Process \"web\": Memory must be greater than 0MB",
    ),
    (
        "processes: [{type: worker, instances: -1}]",
        "Process \"worker\": Instances must be greater than or equal to 0",
    ),
    (
        "processes: [{instances: 1}]",
        "All Processes must specify a type",
    ),
    (
        "health-check-type: smell",
        "Process \"web\": Health check type must be \"port\", \"process\", or \"http\"",
    ),
    (
        "health-check-type: port, health-check-http-endpoint: /x",
        "Process \"web\": Health check type must be \"http\" to set a health check HTTP endpoint",
    ),
    (
        "timeout: 0",
        "Process \"web\": Timeout must be greater than or equal to 1",
    ),
    ("env: {VCAP_X: y}", "Env cannot start with VCAP_"),
    (
        "services: [nothing]",
        "Service instance 'nothing' not found",
    ),
    (
        "services: 1",
        "Services must be a list of service instance names or objects",
    ),
    (
        "routes: [{route: new.example.org}]",
        "The route 'new.example.org' did not match any existing domains.",
    ),
    (
        "routes: [{route: 'a b'}]",
        "The route 'a b' is not a properly formed URL",
    ),
    (
        "routes: [new.localhost]",
        "Routes must be a list of route objects",
    ),
    (
        "routes: [{route: new.localhost, protocol: smtp}]",
        "Route protocol must be 'http1', 'http2' or 'tcp'.",
    ),
    (
        "routes: [{route: new.localhost, options: {loadbalancing: hash}}]",
        "Cannot use loadbalancing value 'hash' for Route 'new.localhost'. \
         Valid values are: 'round-robin, least-connection'",
    ),
    (
        "routes: [{route: new.localhost, options: {colour: red}}]",
        "Route 'new.localhost' contains invalid route option 'colour'. Valid keys: 'loadbalancing'",
    ),
    (
        "routes: [{route: 'new.localhost:80'}]",
        "Ports are not supported for HTTP routes.",
    ),
    (
        "routes: [{route: api.localhost}]",
        "Route already exists: host 'api' is reserved for the platform.",
    ),
    (
        "buildpacks: [cobol]",
        "Buildpack must be an existing admin buildpack or a valid git URI",
    ),
    ("stack: moon", "Stack must be an existing stack"),
    (
        "lifecycle: cnb",
        "Lifecycle type is not included in the list: buildpack, docker",
    ),
    (
        "docker: {image: i}, buildpacks: [static]",
        "Cannot specify both buildpack(s) and docker keys",
    ),
    ("docker: {username: ada}", "Docker image required"),
    (
        "random-route: true, default-route: true",
        "Random-route and default-route may not be used together",
    ),
    (
        "sidecars: [{name: s}]",
        "Sidecar \"s\": Name and command can't be blank",
    ),
    (
        "metadata: {labels: 1}",
        "Metadata 'labels' is not an object",
    ),
];

#[tokio::test]
async fn one_bad_key_refuses_the_whole_manifest() {
    let platform = Platform::start().await;
    let mut talk = Talk::with(&platform);
    talk.know("shop", &platform.app("shop").await);
    let before = Snapshot::of(&talk).await;
    for (keys, words) in KEYS {
        let manifest = format!(
            "applications:\n- {{name: shop, memory: 32M, env: {{A: b}}, default-route: true}}\n- {{name: new, {keys}}}\n"
        );
        let reply = talk.request(APPLY, ("application/x-yaml", &manifest)).await;
        let words = format!("For application 'new': {words}");
        assert_refused(&reply, (422, 10008, "CF-UnprocessableEntity", &words), keys);
        before.assert_same(&talk, keys).await;
    }
}

#[tokio::test]
async fn what_is_no_manifest_is_refused() {
    let platform = Platform::start().await;
    let talk = Talk::with(&platform);
    let before = Snapshot::of(&talk).await;
    let none = "Cannot parse manifest with no 'applications' field.";
    for (text, words) in [
        ("a: 1", none),
        ("", none),
        ("applications: []", none),
        (
            "version: 2\napplications: [{name: new}]",
            "Unsupported manifest schema version. Currently supported versions: [1].",
        ),
        (
            "applications: [{memory: 1G}, 7]",
            "For application at index 0: Name must not be empty, For application at index 1: must be an object",
        ),
        (
            "applications: [{name: 'a b', default-route: true}]",
            "For application 'a b': Failed to create default route from app name: Host must be at most 63 \
             characters of letters, digits, hyphens and underscores",
        ),
    ] {
        let reply = talk.request(APPLY, ("application/x-yaml", text)).await;
        assert_refused(&reply, (422, 10008, "CF-UnprocessableEntity", words), text);
    }
    let broken = talk.request(APPLY, ("text/yaml", "applications: [")).await;
    let (code, words) = broken.refusal(400);
    assert_eq!(code, 1001);
    assert!(
        words.starts_with("Request invalid due to parse error: "),
        "{words}"
    );
    let kind = talk
        .request(APPLY, ("application/json", "{\"applications\": []}"))
        .await;
    let words = "Bad request: Content-Type must be yaml";
    assert_refused(&kind, (400, 1004, "CF-BadRequest", words), "JSON");
    let nowhere = "POST /v3/spaces/moon/actions/apply_manifest";
    let nowhere = talk
        .request(
            nowhere,
            ("application/x-yaml", "applications: [{name: new}]"),
        )
        .await;
    assert_refused(
        &nowhere,
        (404, 10010, "CF-ResourceNotFound", "Space not found"),
        "no space",
    );
    before.assert_same(&talk, "what is no manifest").await;
}
