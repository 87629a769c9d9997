//! Every route that the platform describes, with every kind of bad input: none makes it fail.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use control::store::Store;
use serde_json::{Value, json};

use crate::client::{Reply, guid};
use crate::generate::Chance;
use crate::platform::Platform;
use crate::postgres::Postgres;

/// A platform with one of everything, and its routes.
struct World {
    platform: Platform,
    chance: Chance,
    /// A guid of each resource, by the word in its path.
    known: BTreeMap<&'static str, String>,
    routes: Vec<(String, String)>,
    /// How often each status was answered.
    seen: BTreeMap<u16, usize>,
}

impl World {
    async fn begin() -> Self {
        Self::on(Platform::start().await).await
    }

    async fn on(platform: Platform) -> Self {
        let known = one_of_everything(&platform).await;
        let document = platform.client.get("/openapi.json").await.expect(200);
        let paths = document["paths"].as_object().unwrap();
        let mut routes = Vec::new();
        for (path, item) in paths {
            for method in item.as_object().unwrap().keys() {
                let method = method.to_ascii_uppercase();
                if ["GET", "POST", "PATCH", "PUT", "DELETE"].contains(&method.as_str()) {
                    routes.push((method, path.clone()));
                }
            }
        }
        assert!(routes.len() > 150, "{}", routes.len());
        Self {
            chance: Chance::new(known.values().cloned().collect()),
            platform,
            known,
            routes,
            seen: BTreeMap::new(),
        }
    }

    fn routes(&self, methods: &[&str]) -> Vec<(String, String)> {
        let wanted = |(method, _): &&(String, String)| methods.contains(&method.as_str());
        self.routes.iter().filter(wanted).cloned().collect()
    }

    /// A path with its parameters filled in, by what they should be or by chance.
    fn filled(&mut self, path: &str, by_chance: bool) -> String {
        let mut filled = Vec::new();
        let mut before = "";
        for step in path.split('/') {
            let is_parameter = step.starts_with('{');
            filled.push(match self.known.get(before) {
                _ if is_parameter && step == "{type}" => "web".to_owned(),
                Some(known) if is_parameter && !by_chance => known.clone(),
                _ if is_parameter => encoded(&self.chance.guid()),
                _ => step.to_owned(),
            });
            before = step;
        }
        filled.join("/")
    }

    async fn send(&mut self, method: &str, path: &str, body: (&str, &[u8])) -> Reply {
        let reply = self.platform.client.send(method, path, body).await;
        let sent = String::from_utf8_lossy(body.1);
        let answer = String::from_utf8_lossy(&reply.body);
        assert!(
            reply.status < 500,
            "{method} {path} {sent}: {} {answer}",
            reply.status
        );
        *self.seen.entry(reply.status).or_default() += 1;
        reply
    }

    /// Input that never gets past the door proves nothing about what is behind it.
    fn assert_reached(&self, statuses: &[u16]) {
        for status in statuses {
            assert!(self.seen.contains_key(status), "{status}: {:?}", self.seen);
        }
    }
}

async fn one_of_everything(platform: &Platform) -> BTreeMap<&'static str, String> {
    let client = &platform.client;
    let app = platform.running_app("shop").await;
    let of_app = json!({ "app": { "data": { "guid": app } } });
    let domain = client.get("/v3/domains").await.expect(200);
    let domain = guid(&domain["resources"][0]);
    let mut known = BTreeMap::new();
    let package = json!({ "type": "bits", "relationships": of_app });
    let of_route = json!({ "space": { "data": { "guid": platform.space } },
        "domain": { "data": { "guid": domain } } });
    let service = json!({ "type": "user-provided", "name": "db",
        "relationships": platform.in_space() });
    for (kind, body) in [
        ("packages", package),
        (
            "droplets",
            json!({ "relationships": of_app, "process_types": { "web": "x" } }),
        ),
        ("deployments", json!({ "relationships": of_app })),
        (
            "routes",
            json!({ "host": "shop", "relationships": of_route }),
        ),
        ("service_instances", service),
        ("buildpacks", json!({ "name": "cobol" })),
        ("organization_quotas", json!({ "name": "small" })),
    ] {
        let made = client.post(&format!("/v3/{kind}"), body).await;
        known.insert(kind, guid(&made.expect(201)));
    }
    let key = json!({ "type": "key", "name": "key", "relationships":
        { "service_instance": { "data": { "guid": known["service_instances"] } } } });
    let key = client.post("/v3/service_credential_bindings", key).await;
    known.insert("service_credential_bindings", guid(&key.expect(201)));
    for kind in ["stacks", "users", "audit_events"] {
        let all = client.get(&format!("/v3/{kind}")).await.expect(200);
        known.insert(kind, guid(&all["resources"][0]));
    }
    for (kind, guid) in crate::brokers::offer(&platform.store).await {
        known.insert(kind, guid);
    }
    known.insert("processes", app.clone());
    known.insert("apps", app);
    known.insert("domains", domain);
    known.insert("spaces", platform.space.clone());
    known.insert("organizations", platform.organization.clone());
    known.insert("instances", "0".to_owned());
    known
}

fn encoded(text: &str) -> String {
    let whole: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    match whole.replace('+', "%20") {
        empty if empty.is_empty() => "x".to_owned(),
        whole => whole,
    }
}

#[tokio::test]
async fn what_is_answered_is_what_is_described() {
    let world = World::begin().await;
    let client = &world.platform.client;
    let description = client.get("/openapi.json").await.expect(200);
    let schemas = &description["components"]["schemas"];
    let mut compared = 0;
    for (kind, guid) in &world.known {
        let path = format!("/v3/{kind}/{{guid}}");
        let reply = &description["paths"][&path]["get"]["responses"]["200"];
        let reply = &reply["content"]["application/json"]["schema"]["$ref"];
        let Some(name) = reply.as_str().and_then(|name| name.rsplit('/').next()) else {
            continue;
        };
        let document = client.get(&path.replace("{guid}", guid)).await.expect(200);
        let answered: Vec<&String> = document.as_object().unwrap().keys().collect();
        let described = schemas[name]["properties"].as_object().unwrap();
        assert_eq!(answered, described.keys().collect::<Vec<_>>(), "{kind}");
        compared += 1;
    }
    assert!(compared > 12, "{compared}");
}

#[tokio::test]
async fn what_is_described_is_known_to_those_who_read_it() {
    let mut world = World::begin().await;
    let description = world.platform.client.get("/openapi.json").await.expect(200);
    let mut read = 0;
    for (method, path) in world.routes(&["POST", "PATCH"]) {
        let operation = &description["paths"][&path][method.to_lowercase()];
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let Some(fields) = schema["properties"].as_object() else {
            continue;
        };
        // No field can be a list of lists, so that nothing is done; but each is known.
        let body: serde_json::Map<String, Value> = fields
            .keys()
            .map(|name| (name.clone(), json!([[]])))
            .collect();
        let path = world.filled(&path, false);
        let text = Value::Object(body).to_string();
        let reply = world
            .send(&method, &path, ("application/json", text.as_bytes()))
            .await;
        let (code, words) = reply.refusal(422);
        assert_eq!(code, 10008);
        assert!(!words.contains("Unknown field"), "{method} {path}: {words}");
        read += 1;
    }
    assert!(read > 15, "{read}");
}

#[tokio::test]
async fn no_body_makes_any_route_fail() {
    let mut world = World::begin().await;
    send_bodies(&mut world).await;
    world.assert_reached(&[200, 201, 202, 400, 404, 422]);
}

#[tokio::test]
async fn no_body_makes_any_route_fail_on_postgresql() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let store = Store::open(&server.url()).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let platform = Platform::start_on(store.clone(), directory).await;
    let mut world = World::on(platform).await;
    send_bodies(&mut world).await;
    send_queries(&mut world).await;
    world.assert_reached(&[200, 400, 404, 422]);
    store.close().await;
}

async fn send_bodies(world: &mut World) {
    for round in 0..8 {
        for (method, path) in world.routes(&["POST", "PATCH", "PUT"]) {
            let path = world.filled(&path, round % 4 == 3);
            let document = world.chance.document();
            let text = document.to_string();
            let sent = match path.as_str() {
                // A manifest is YAML, and JSON is YAML.
                path if path.contains("manifest") => {
                    ("application/x-yaml", format!("applications: [{text}]"))
                }
                "/oauth/token" | "/check_token" => form(&document),
                _ => ("application/json", text),
            };
            world
                .send(&method, &path, (sent.0, sent.1.as_bytes()))
                .await;
            let damaged = world.chance.damaged(sent.1.as_bytes());
            world.send(&method, &path, (sent.0, &damaged)).await;
        }
    }
}

fn form(document: &Value) -> (&'static str, String) {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "password");
    for (name, value) in document.as_object().unwrap() {
        form.append_pair(name, &value.to_string());
    }
    ("application/x-www-form-urlencoded", form.finish())
}

#[tokio::test]
async fn no_query_makes_any_route_fail() {
    let mut world = World::begin().await;
    send_queries(&mut world).await;
}

async fn send_queries(world: &mut World) {
    let nothing = ("application/json", &b""[..]);
    for (_, path) in world.routes(&["GET"]) {
        let path = world.filled(&path, false);
        world.send("GET", &path, nothing).await;
        let refused = world
            .send("GET", &format!("{path}?nonsense=1"), nothing)
            .await;
        let words = refused.json()["errors"][0]["detail"].clone();
        let names = words.as_str().unwrap_or_default().split_once("are: ");
        let names = names
            .map(|(_, names)| names.split(", "))
            .into_iter()
            .flatten();
        for name in names {
            let name = encoded(name.trim_matches('\''));
            for _ in 0..3 {
                let value = world.chance.parameter();
                let value = encoded(&value).replace("%25", "%").replace("%2C", ",");
                let whole = format!("{path}?{name}={value}");
                world.send("GET", &whole, nothing).await;
            }
        }
    }
    world.assert_reached(&[200, 400, 404]);
}

#[tokio::test]
async fn a_query_may_be_as_long_as_a_request_line() {
    let mut world = World::begin().await;
    let nothing = ("application/json", &b""[..]);
    let many: Vec<String> = (0..13_000).map(|number| format!("{number:x}")).collect();
    for value in [",".repeat(60_000), many.join(",")] {
        let path = format!("/v3/apps?guids={value}");
        let reply = world.send("GET", &path, nothing).await;
        assert_eq!(reply.status, 200);
    }
}

#[tokio::test]
async fn no_deletion_makes_any_route_fail() {
    let mut world = World::begin().await;
    let nothing = ("application/json", &b""[..]);
    for by_chance in [false, true] {
        let mut routes = world.routes(&["DELETE"]);
        // What is inside goes before what it is in, and the user who asks goes last.
        let depth = |path: &str| path.split('/').count();
        routes
            .sort_by_key(|(_, path)| (path.to_lowercase().contains("users"), Reverse(depth(path))));
        for (method, path) in routes {
            let path = world.filled(&path, by_chance);
            world.send(&method, &path, nothing).await;
        }
    }
    world.assert_reached(&[202, 204, 404]);
}

#[tokio::test]
async fn no_text_makes_a_manifest_fail() {
    let mut world = World::begin().await;
    let apply = format!("/v3/spaces/{}/actions/apply_manifest", world.platform.space);
    let differ = format!("/v3/spaces/{}/manifest_diff", world.platform.space);
    let deep = "[".repeat(50_000);
    let laughs = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n\
        c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n\
        e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n\
        applications: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n";
    let hostile = [
        "",
        "---",
        "\u{0}",
        "\t",
        "applications:",
        "applications: []",
        "applications: [[]]",
        "applications: [null]",
        "applications: {a: b}",
        "applications: &a [*a]",
        "- 1\n--- \n- 2",
        "applications: [{name: !!binary x}]",
        "applications: [{name: a, <<: {b: c}}]",
        "applications: [{name: shop}, {name: shop}]",
        "applications: [{name: ''}]",
        "applications: [{name: a, memory: 99999999999999999999G}]",
        "applications: [{name: a, instances: -1}]",
        "applications: [{name: a, instances: .nan}]",
        "applications: [{name: a, routes: [{route: 'http://[::1'}]}]",
        laughs,
        &deep,
    ];
    let good = "applications:\n- name: shop\n  memory: 64M\n  instances: 2\n  env: {A: b}\n  \
        routes:\n  - route: shop.localhost/x\n  processes:\n  - type: worker\n    \
        health-check-type: process\n  metadata:\n    labels: {a: b}\n";
    for path in [&apply, &differ] {
        for text in hostile {
            world
                .send("POST", path, ("application/x-yaml", text.as_bytes()))
                .await;
        }
        for _ in 0..100 {
            let text = world.chance.damaged(good.as_bytes());
            world
                .send("POST", path, ("application/x-yaml", &text))
                .await;
        }
    }
    world.assert_reached(&[201, 202, 400, 422]);
}
