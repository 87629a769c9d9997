//! What each command of `cf` asks about routes, places and people.

use serde_json::{Value, json};

use crate::client::guid;
use crate::platform::Platform;
use crate::shapes;
use crate::talk::Talk;

/// A platform with an application, and a talk that knows it and the usual domain.
pub(crate) async fn begin() -> (Platform, Talk) {
    let platform = Platform::start().await;
    let mut talk = Talk::with(&platform);
    let app = platform.app("shop").await;
    talk.know("app", &app);
    let domain = talk
        .only("/v3/domains?names=localhost&per_page=1&page=1")
        .await;
    shapes::check("domain", &domain);
    talk.keep("domain", &domain);
    (platform, talk)
}

fn place() -> Value {
    json!({ "space": { "data": { "guid": "@space" } }, "domain": { "data": { "guid": "@domain" } } })
}

#[tokio::test]
async fn cf_api_and_login() {
    let (platform, talk) = begin().await;
    let mut stranger = platform.client.clone();
    stranger.token = None;
    shapes::check("root", &stranger.get("/").await.expect(200));
    assert!(stranger.get("/v3").await.expect(200)["links"]["apps"]["href"].is_string());
    stranger.get("/v3/info").await.expect(200);
    let prompts = stranger.get("/login").await.expect(200);
    assert_eq!(
        prompts["prompts"]["password"],
        json!(["password", "Password"])
    );
    let form = "grant_type=password&username=admin&password=correct+horse+battery&client_id=cf&client_secret=";
    let kind = "application/x-www-form-urlencoded";
    let login_hint = "/oauth/token?login_hint=%7B%22origin%22%3A%22uaa%22%7D";
    let token = stranger
        .send("POST", login_hint, (kind, form.as_bytes()))
        .await
        .expect(200);
    shapes::check("token", &token);
    let refresh = token["refresh_token"].as_str().unwrap();
    let form =
        format!("grant_type=refresh_token&refresh_token={refresh}&client_id=cf&client_secret=");
    let token = stranger
        .send("POST", "/oauth/token", (kind, form.as_bytes()))
        .await
        .expect(200);
    shapes::check("token", &token);
    shapes::check(
        "organization",
        &talk.only("/v3/organizations?order_by=name").await,
    );
    shapes::check(
        "space",
        &talk
            .only("/v3/spaces?organization_guids=@organization&order_by=name")
            .await,
    );
}

#[tokio::test]
async fn cf_map_route_and_unmap_route() {
    let (platform, mut talk) = begin().await;
    talk.only("/v3/apps?names=shop&space_guids=@space").await;
    let look = "/v3/routes?domain_guids=@domain&hosts=www&paths=%2Fa&per_page=1";
    assert!(talk.list(look).await.is_empty());
    let body = json!({ "host": "www", "path": "/a", "relationships": place(),
        "options": { "loadbalancing": "least-connection" } });
    let route = talk.tell("POST /v3/routes", body, 201).await;
    shapes::check("route", &route);
    assert_eq!(route["url"], "www.localhost/a");
    assert_eq!(
        route["options"],
        json!({ "loadbalancing": "least-connection" })
    );
    talk.keep("route", &route);
    let map = json!({ "destinations": [{ "app": { "guid": "@app" }, "protocol": "http2" }] });
    let mapped = talk
        .tell("POST /v3/routes/@route/destinations", map, 200)
        .await;
    shapes::check("destination", &mapped["destinations"][0]);
    assert_eq!(mapped["destinations"][0]["protocol"], "http2");
    assert!(mapped["links"]["self"]["href"].is_string());
    let app = talk.ask("GET /v3/apps/@app", 200).await;
    let (uris, told) = platform.store.uris_of(&guid(&app), "web").await.unwrap();
    let options = json!({ "loadbalancing": "least-connection", "protocol": "http2" });
    assert_eq!(uris, ["www.localhost/a"]);
    assert_eq!(
        json!(told),
        json!({ "www.localhost/a": options }),
        "what routers are told"
    );
    let found = talk.only(look).await;
    talk.know(
        "destination",
        found["destinations"][0]["guid"].as_str().unwrap(),
    );
    // Only what is said changes; null takes an option away.
    let same = talk
        .tell("PATCH /v3/routes/@route", json!({ "options": {} }), 200)
        .await;
    assert_eq!(
        same["options"],
        json!({ "loadbalancing": "least-connection" })
    );
    let removed = json!({ "options": { "loadbalancing": null } });
    assert_eq!(
        talk.tell("PATCH /v3/routes/@route", removed, 200).await["options"],
        json!({})
    );
    talk.ask("DELETE /v3/routes/@route/destinations/@destination", 204)
        .await;
    assert_eq!(talk.only(look).await["destinations"], json!([]));
}

#[tokio::test]
async fn cf_routes_create_route_and_delete_orphaned_routes() {
    let (_platform, mut talk) = begin().await;
    for host in ["one", "two"] {
        let body = json!({ "host": host, "relationships": place() });
        let route = talk.tell("POST /v3/routes", body, 201).await;
        talk.keep(host, &route);
    }
    let listed = talk
        .list("/v3/routes?space_guids=@space&per_page=5000")
        .await;
    listed
        .iter()
        .for_each(|route| shapes::check("route", route));
    talk.list("/v3/apps?guids=@app&per_page=5000").await;
    talk.list("/v3/service_route_bindings?route_guids=@one,@two&include=service_instance")
        .await;
    talk.delete("/v3/routes/@one").await;
    let used = json!({ "destinations": [{ "app": { "guid": "@app" } }] });
    talk.tell("POST /v3/routes/@two/destinations", used, 200)
        .await;
    talk.delete("/v3/spaces/@space/routes?unmapped=true").await;
    assert_eq!(
        talk.only("/v3/routes?space_guids=@space").await["host"],
        "two"
    );
}

#[tokio::test]
async fn cf_org_space_and_roles() {
    let (_platform, mut talk) = begin().await;
    let quota = talk.only("/v3/organization_quotas?names=default").await;
    shapes::check("organization_quota", &quota);
    talk.keep("quota", &quota);
    let made = talk
        .tell("POST /v3/organizations", json!({ "name": "beta" }), 201)
        .await;
    shapes::check("organization", &made);
    talk.keep("beta", &made);
    let join = json!({ "data": [{ "guid": "@beta" }] });
    talk.tell(
        "POST /v3/organization_quotas/@quota/relationships/organizations",
        join,
        200,
    )
    .await;
    let space = json!({ "name": "dev", "relationships": { "organization": { "data": { "guid": "@beta" } } } });
    let space = talk.tell("POST /v3/spaces", space, 201).await;
    shapes::check("space", &space);
    talk.keep("dev", &space);
    people(&mut talk).await;
    segments(&talk).await;
    talk.delete("/v3/spaces/@dev").await;
    talk.delete("/v3/users/@ada").await;
    talk.ask("DELETE /Users/@ada", 200).await;
    talk.delete("/v3/organizations/@beta/").await;
}

/// `cf create-user`, `cf set-space-role` and `cf unset-space-role`.
async fn people(talk: &mut Talk) {
    let person = json!({ "userName": "ada", "password": "correct horse", "origin": "",
        "name": { "familyName": "ada", "givenName": "ada" }, "emails": [{ "value": "ada", "primary": true }] });
    let person = talk.tell("POST /Users", person, 201).await;
    talk.know("ada", person["id"].as_str().unwrap());
    shapes::check(
        "user",
        &talk
            .tell("POST /v3/users", json!({ "guid": "@ada" }), 201)
            .await,
    );
    let by_name = json!({ "data": { "username": "ada", "origin": "uaa" } });
    for (kind, place, named) in [
        ("organization_user", "organization", "@beta"),
        ("space_manager", "space", "@dev"),
        ("space_developer", "space", "@dev"),
    ] {
        let body = json!({ "type": kind,
            "relationships": { "user": by_name, place: { "data": { "guid": named } } } });
        shapes::check("role", &talk.tell("POST /v3/roles", body, 201).await);
    }
    let roles = talk
        .ask(
            "GET /v3/roles?space_guids=@dev&include=user&per_page=5000",
            200,
        )
        .await;
    shapes::check("user", &roles["included"]["users"][0]);
    let role = talk
        .only("/v3/roles?types=space_manager&space_guids=@dev&user_guids=@ada")
        .await;
    talk.keep("role", &role);
    talk.delete("/v3/roles/@role").await;
    assert_eq!(
        talk.only("/v3/users?usernames=ada&origins=uaa").await["username"],
        "ada"
    );
}

/// What `cf org` and `cf space` ask for besides, of which there is none.
async fn segments(talk: &Talk) {
    talk.ask(
        "GET /v3/organizations/@beta/relationships/default_isolation_segment",
        200,
    )
    .await;
    talk.ask("GET /v3/spaces/@dev/relationships/isolation_segment", 200)
        .await;
    for list in [
        "/v3/isolation_segments?organization_guids=@beta",
        "/v3/security_groups?running_space_guids=@dev",
        "/v3/spaces/@dev/running_security_groups",
        "/v3/spaces/@dev/staging_security_groups",
    ] {
        assert!(talk.list(list).await.is_empty(), "{list}");
    }
}

#[tokio::test]
async fn cf_domains() {
    let (_platform, mut talk) = begin().await;
    for domain in talk
        .list("/v3/organizations/@organization/domains?per_page=5000")
        .await
    {
        shapes::check("domain", &domain);
    }
    shapes::check(
        "domain",
        &talk
            .ask("GET /v3/organizations/@organization/domains/default", 200)
            .await,
    );
    let body = json!({ "name": "example.org", "internal": false,
        "relationships": { "organization": { "data": { "guid": "@organization" } } } });
    let made = talk.tell("POST /v3/domains", body, 201).await;
    shapes::check("domain", &made);
    assert_eq!(made["supported_protocols"], json!(["http"]));
    talk.keep("own", &made);
    let free = talk
        .ask(
            "GET /v3/domains/@own/route_reservations?host=www&path=",
            200,
        )
        .await;
    assert_eq!(free, json!({ "matching_route": false }));
    talk.delete("/v3/domains/@own").await;
}
