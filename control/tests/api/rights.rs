//! Who may see and do what: hidden things are not found, seen things may be forbidden.

use serde_json::json;

use crate::cloud::Cloud;

#[tokio::test]
async fn strangers_see_nothing_and_change_nothing() {
    let cloud = Cloud::start().await;
    let (_, token) = cloud.user("eve").await;
    let (org, space) = cloud.place("acme", "dev").await;
    for (path, what) in [
        (format!("/v3/organizations/{org}"), "Organization not found"),
        (format!("/v3/spaces/{space}"), "Space not found"),
    ] {
        let hidden = cloud.get(&path, &token).await;
        assert_eq!(
            (hidden.status, hidden.error()),
            (404, (10010, what.to_owned()))
        );
        assert_eq!(
            cloud
                .patch(&path, &token, &json!({"name": "x"}))
                .await
                .status,
            404
        );
        assert_eq!(cloud.delete(&path, &token).await.status, 404);
    }
    for path in ["/v3/organizations", "/v3/spaces", "/v3/roles"] {
        let listed = cloud.get(path, &token).await;
        assert_eq!(
            listed.body.pointer("/pagination/total_results"),
            Some(&json!(0)),
            "{path}"
        );
    }
    for (path, body) in [
        ("/v3/organizations", json!({"name": "mine"})),
        ("/v3/domains", json!({"name": "eve.example.com"})),
        ("/v3/buildpacks", json!({"name": "mine"})),
        ("/v3/stacks", json!({"name": "mine"})),
        ("/v3/organization_quotas", json!({"name": "mine"})),
        ("/v3/users", json!({"guid": "x"})),
        ("/Users", json!({"userName": "x", "password": "y"})),
    ] {
        assert_eq!(cloud.post(path, &token, &body).await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn auditors_look_and_managers_run() {
    let cloud = Cloud::start().await;
    let (org, space) = cloud.place("acme", "dev").await;
    let (auditor, looks) = cloud.user("al").await;
    let (manager, runs) = cloud.user("mo").await;
    cloud
        .role("organization_user", &auditor, ("organization", &org))
        .await;
    cloud
        .role("space_auditor", &auditor, ("space", &space))
        .await;
    cloud
        .role("organization_manager", &manager, ("organization", &org))
        .await;
    let path = format!("/v3/spaces/{space}");
    assert_eq!(cloud.get(&path, &looks).await.status, 200);
    let forbidden = cloud.patch(&path, &looks, &json!({"name": "x"})).await;
    assert_eq!((forbidden.status, forbidden.error().0), (403, 10003));
    assert_eq!(cloud.delete(&path, &looks).await.status, 403);
    assert_eq!(
        cloud
            .patch(&path, &runs, &json!({"name": "x"}))
            .await
            .status,
        200
    );
    assert_eq!(cloud.delete(&path, &runs).await.status, 202);
    assert_eq!(
        cloud
            .delete(&format!("/v3/organizations/{org}"), &runs)
            .await
            .status,
        403
    );
}

#[tokio::test]
async fn a_suspended_organization_is_changed_by_administrators_only() {
    let cloud = Cloud::start().await;
    let (org, space) = cloud.place("acme", "dev").await;
    let (manager, runs) = cloud.user("mo").await;
    cloud
        .role("organization_manager", &manager, ("organization", &org))
        .await;
    let path = format!("/v3/organizations/{org}");
    let suspended = cloud
        .patch(&path, &cloud.admin, &json!({"suspended": true}))
        .await;
    assert_eq!(suspended.status, 200);
    let renamed = cloud
        .patch(&format!("/v3/spaces/{space}"), &runs, &json!({"name": "x"}))
        .await;
    assert_eq!(renamed.status, 403);
}

#[tokio::test]
async fn a_role_that_is_taken_away_counts_at_once() {
    let cloud = Cloud::start().await;
    let (org, _) = cloud.place("acme", "dev").await;
    let (user, token) = cloud.user("ada").await;
    let given = cloud
        .role("organization_user", &user, ("organization", &org))
        .await;
    let path = format!("/v3/organizations/{org}");
    assert_eq!(cloud.get(&path, &token).await.status, 200);
    let role = format!("/v3/roles/{}", given.text("/guid"));
    assert_eq!(cloud.delete(&role, &cloud.admin).await.status, 202);
    assert_eq!(cloud.get(&path, &token).await.status, 404);
}

#[tokio::test]
async fn a_deleted_user_is_out_at_once() {
    let cloud = Cloud::start().await;
    let (user, token) = cloud.user("ada").await;
    assert_eq!(
        cloud
            .delete(&format!("/v3/users/{user}"), &cloud.admin)
            .await
            .status,
        202
    );
    assert_eq!(
        cloud
            .delete(&format!("/Users/{user}"), &cloud.admin)
            .await
            .status,
        200
    );
    let out = cloud.get("/v3/organizations", &token).await;
    assert_eq!((out.status, out.error().0), (401, 1000));
}
