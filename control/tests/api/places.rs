//! Organizations, spaces, domains and the rest of section "orgs, spaces, roles, domains".

use control::controller::Order;
use control::model::Micros;
use control::store::{Filter, Space};
use serde_json::json;

use crate::cloud::Cloud;

#[tokio::test]
async fn create_org_and_create_space_as_cf_does_it() {
    let cloud = Cloud::start().await;
    let (user, _) = cloud.user("ada").await;
    let (org, space) = cloud.place("acme", "dev").await;
    let again = cloud
        .post("/v3/organizations", &cloud.admin, &json!({"name": "acme"}))
        .await;
    assert_eq!(again.status, 422);
    assert_eq!(
        again.error(),
        (10008, "Organization 'acme' already exists.".to_owned())
    );
    let data = json!({"organization": {"data": {"guid": org}}});
    let again = json!({"name": "dev", "relationships": data});
    let again = cloud.post("/v3/spaces", &cloud.admin, &again).await;
    assert_eq!(
        again.error(),
        (10008, "Name must be unique per organization".to_owned())
    );
    for (kind, place) in [
        ("organization_user", ("organization", org.as_str())),
        ("space_manager", ("space", space.as_str())),
        ("space_developer", ("space", space.as_str())),
    ] {
        let given = cloud.role(kind, &user, place).await;
        assert_eq!(given.status, 201, "{given:?}");
    }
    let twice = cloud
        .role("space_developer", &user, ("space", &space))
        .await;
    assert_eq!(twice.status, 422);
    let text = "User 'ada' already has 'space_developer' role in space 'dev'.";
    assert_eq!(twice.error().1, text);
    let by_name = json!({"type": "space_auditor", "relationships": {
        "user": {"data": {"username": "ada", "origin": "uaa"}}, "space": {"data": {"guid": space}},
    }});
    assert_eq!(
        cloud.post("/v3/roles", &cloud.admin, &by_name).await.status,
        201
    );
    let path = format!("/v3/roles?space_guids={space}&include=user&order_by=-created_at");
    let listed = cloud.get(&path, &cloud.admin).await;
    assert_eq!(
        listed.body.pointer("/pagination/total_results"),
        Some(&json!(3))
    );
    assert_eq!(listed.text("/included/users/0/username"), "ada");
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_paged() {
    let cloud = Cloud::start().await;
    for name in ["b", "a", "c"] {
        cloud.place(name, "dev").await;
    }
    let page = cloud
        .get(
            "/v3/organizations?order_by=name&per_page=2&page=1",
            &cloud.admin,
        )
        .await;
    assert_eq!(page.text("/resources/0/name"), "a");
    let next = page.text("/pagination/next/href");
    let next = next
        .strip_prefix(&format!("http://{}", cloud.address))
        .unwrap();
    let last = cloud.get(next, &cloud.admin).await;
    assert_eq!(last.text("/resources/0/name"), "c");
    assert!(last.body.pointer("/pagination/next").unwrap().is_null());
    let named = cloud.get("/v3/organizations?names=a,c", &cloud.admin).await;
    assert_eq!(
        named.body.pointer("/pagination/total_results"),
        Some(&json!(2))
    );
    let odd = cloud
        .get("/v3/organizations?names=a&colour=red", &cloud.admin)
        .await;
    assert_eq!((odd.status, odd.error().0), (400, 10005));
    let hostile = cloud
        .get("/v3/organizations?names=a'%20OR%201=1--", &cloud.admin)
        .await;
    assert_eq!(
        hostile.body.pointer("/pagination/total_results"),
        Some(&json!(0))
    );
}

#[tokio::test]
async fn the_default_domain_is_there_and_private_ones_belong() {
    let cloud = Cloud::start().await;
    let (org, _) = cloud.place("acme", "dev").await;
    let usual = cloud
        .get(
            &format!("/v3/organizations/{org}/domains/default"),
            &cloud.admin,
        )
        .await;
    assert_eq!(usual.text("/name"), "localhost");
    let body = json!({"name": "Acme.example.com", "relationships": {
        "organization": {"data": {"guid": org}},
    }});
    let made = cloud.post("/v3/domains", &cloud.admin, &body).await;
    assert_eq!(made.text("/name"), "acme.example.com", "{made:?}");
    let again = cloud.post("/v3/domains", &cloud.admin, &body).await;
    assert_eq!(again.status, 422);
    let (other, _) = cloud.place("other", "dev").await;
    let count =
        |reply: &crate::cloud::Reply| reply.body.pointer("/pagination/total_results").cloned();
    let own = cloud
        .get(&format!("/v3/organizations/{org}/domains"), &cloud.admin)
        .await;
    assert_eq!(count(&own), Some(json!(2)));
    let others = cloud
        .get(&format!("/v3/organizations/{other}/domains"), &cloud.admin)
        .await;
    assert_eq!(count(&others), Some(json!(1)));
}

#[tokio::test]
async fn a_space_goes_with_all_that_is_in_it_and_its_apps_are_stopped() {
    let mut cloud = Cloud::start().await;
    let (org, space) = cloud.place("acme", "dev").await;
    let app = control_app(&cloud, &space).await;
    let gone = cloud
        .delete(&format!("/v3/organizations/{org}/"), &cloud.admin)
        .await;
    assert_eq!(gone.status, 202, "{gone:?}");
    let job = gone.header("location").unwrap().to_owned();
    let path = job
        .strip_prefix(&format!("http://{}", cloud.address))
        .unwrap();
    assert_eq!(
        cloud.get(path, &cloud.admin).await.text("/state"),
        "COMPLETE"
    );
    let order = cloud.orders.next().await;
    assert!(
        matches!(&order, Some(Order::App(guid)) if *guid == app),
        "{order:?}"
    );
    let missing = cloud
        .get(&format!("/v3/spaces/{space}"), &cloud.admin)
        .await;
    assert_eq!(missing.error(), (10010, "Space not found".to_owned()));
    let left: Vec<Space> = cloud
        .api
        .store()
        .all(vec![Filter::equals("t.guid", space)])
        .await
        .unwrap();
    assert!(left.is_empty());
}

/// An application, written to the store directly.
async fn control_app(cloud: &Cloud, space: &str) -> String {
    let app = control::model::App {
        guid: "app-guid".to_owned(),
        name: "a".to_owned(),
        space_guid: space.to_owned(),
        state: control::model::AppState::Stopped,
        lifecycle: control::model::Lifecycle::Docker,
        environment: Default::default(),
        features: Default::default(),
        droplet_guid: None,
        created_at: Micros(1),
        updated_at: Micros(1),
    };
    let mut tx = cloud.api.store().begin().await.unwrap();
    tx.insert_app(&app).await.unwrap();
    tx.commit().await.unwrap();
    app.guid
}

#[tokio::test]
async fn labels_are_kept_selected_and_taken_away() {
    let cloud = Cloud::start().await;
    let (org, _) = cloud.place("acme", "dev").await;
    let path = format!("/v3/organizations/{org}");
    let body = json!({"metadata": {"labels": {"env": "prod"}, "annotations": {"who": "ä b"}}});
    let marked = cloud.patch(&path, &cloud.admin, &body).await;
    assert_eq!(marked.text("/metadata/labels/env"), "prod", "{marked:?}");
    for (selector, hits) in [("env=prod", 1), ("env!=prod", 0), ("env", 1), ("!env", 0)] {
        let listed = cloud
            .get(
                &format!("/v3/organizations?label_selector={selector}"),
                &cloud.admin,
            )
            .await;
        let total = listed.body.pointer("/pagination/total_results");
        assert_eq!(total, Some(&json!(hits)), "{selector}");
    }
    let body = json!({"metadata": {"labels": {"env": null}}});
    let marked = cloud.patch(&path, &cloud.admin, &body).await;
    assert_eq!(marked.body.pointer("/metadata/labels"), Some(&json!({})));
}

#[tokio::test]
async fn quotas_are_made_given_and_kept_while_in_use() {
    let cloud = Cloud::start().await;
    let (org, _) = cloud.place("acme", "dev").await;
    let body = json!({"name": "small", "apps": {"total_memory_in_mb": 1024}});
    let quota = cloud
        .post("/v3/organization_quotas", &cloud.admin, &body)
        .await;
    let guid = quota.text("/guid");
    let path = format!("/v3/organization_quotas/{guid}");
    let given = json!({"data": [{"guid": org}]});
    let given = cloud
        .post(
            &format!("{path}/relationships/organizations"),
            &cloud.admin,
            &given,
        )
        .await;
    assert_eq!(given.text("/data/0/guid"), org, "{given:?}");
    assert_eq!(cloud.delete(&path, &cloud.admin).await.status, 422);
    let shown = cloud
        .get(&format!("/v3/organizations/{org}"), &cloud.admin)
        .await;
    assert_eq!(shown.text("/relationships/quota/data/guid"), guid);
    let usage = cloud
        .get(
            &format!("/v3/organizations/{org}/usage_summary"),
            &cloud.admin,
        )
        .await;
    assert_eq!(
        usage.body.pointer("/usage_summary/memory_in_mb"),
        Some(&json!(0)),
        "{usage:?}"
    );
}

#[tokio::test]
async fn a_buildpack_is_made_and_its_bits_are_kept() {
    let cloud = Cloud::start().await;
    let made = cloud
        .post("/v3/buildpacks/", &cloud.admin, &json!({"name": "mine"}))
        .await;
    assert_eq!(
        (made.status, made.text("/state")),
        (201, "AWAITING_UPLOAD".to_owned()),
        "{made:?}"
    );
    let path = format!("/v3/buildpacks/{}/upload", made.text("/guid"));
    let body = "--x\r\nContent-Disposition: form-data; name=\"bits\"; filename=\"b.zip\"\r\n\r\nbits\r\n--x--\r\n";
    let head = format!(
        "Authorization: bearer {}\r\nContent-Type: multipart/form-data; boundary=x\r\n",
        cloud.admin
    );
    let stored = cloud.send("POST", &path, &head, body.as_bytes()).await;
    assert_eq!(
        (stored.status, stored.text("/state")),
        (202, "READY".to_owned()),
        "{stored:?}"
    );
    assert_eq!(stored.text("/filename"), "b.zip");
}
