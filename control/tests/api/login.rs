//! Coming in: what `cf api`, `cf login`, `cf auth` and `cf passwd` ask for.

use control::api::uaa::{FirstAdmin, prepare_admin};
use serde_json::{Value, json};

use crate::cloud::{CF, Cloud, PASSWORD};

#[tokio::test]
async fn the_root_says_where_everything_is_under_the_clients_own_address() {
    let cloud = Cloud::start().await;
    let root = cloud.get("/", "").await;
    let own = format!("http://{}", cloud.address);
    assert_eq!(root.status, 200);
    assert_eq!(
        root.text("/links/cloud_controller_v3/href"),
        format!("{own}/v3")
    );
    assert_eq!(
        root.text("/links/cloud_controller_v3/meta/version"),
        "3.211.0"
    );
    assert_eq!(root.text("/links/login/href"), own);
    assert_eq!(
        root.body.pointer("/links/cloud_controller_v2"),
        Some(&Value::Null)
    );
    let prompts = cloud.get("/login", "").await;
    assert_eq!(prompts.text("/prompts/username/0"), "text");
    assert_eq!(cloud.get("/v3/info", "").await.status, 200);
}

#[tokio::test]
async fn a_login_gives_a_token_that_opens_the_api() {
    let cloud = Cloud::start().await;
    let reply = cloud.token("admin", PASSWORD).await;
    assert_eq!(reply.text("/token_type"), "bearer");
    assert!(reply.text("/scope").contains("cloud_controller.write"));
    let listed = cloud
        .get(
            "/v3/organizations?order_by=name",
            &reply.text("/access_token"),
        )
        .await;
    assert_eq!(listed.status, 200, "{listed:?}");
    assert_eq!(
        listed.body.pointer("/pagination/total_results"),
        Some(&json!(0))
    );
    assert!(listed.header("x-vcap-request-id").is_some());
}

#[tokio::test]
async fn a_refresh_token_goes_on_until_the_password_changes() {
    let cloud = Cloud::start().await;
    let (guid, token) = cloud.user("ada").await;
    let refresh = cloud.token("ada", PASSWORD).await.text("/refresh_token");
    let form = format!("grant_type=refresh_token&refresh_token={refresh}");
    assert_eq!(cloud.form("/oauth/token", CF, &form).await.status, 200);
    let body = json!({"oldPassword": PASSWORD, "password": "another"});
    let head = format!("Authorization: bearer {token}\r\n");
    let path = format!("/Users/{guid}/password");
    let changed = cloud
        .send("PUT", &path, &head, body.to_string().as_bytes())
        .await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let ended = cloud.form("/oauth/token", CF, &form).await;
    assert_eq!(
        (ended.status, ended.text("/error")),
        (401, "invalid_grant".to_owned())
    );
    assert_eq!(cloud.token("ada", "another").await.status, 200);
}

#[tokio::test]
async fn too_many_wrong_passwords_lock_the_account() {
    let cloud = Cloud::start().await;
    cloud.user("ada").await;
    for _ in 0..5 {
        let wrong = cloud.token("ada", "wrong").await;
        assert_eq!(
            (wrong.status, wrong.text("/error_description")),
            (401, "Bad credentials".to_owned())
        );
    }
    let locked = cloud.token("ada", PASSWORD).await;
    assert_eq!(locked.status, 401);
    assert_eq!(
        locked.text("/error_description"),
        "Your account has been locked because of too many failed attempts to login."
    );
}

#[tokio::test]
async fn tokens_that_are_missing_or_wrong_have_codes_of_their_own() {
    let cloud = Cloud::start().await;
    let none = cloud.get("/v3/organizations", "").await;
    assert_eq!((none.status, none.error().0), (401, 10002));
    let wrong = cloud.get("/v3/organizations", "a.b.c").await;
    assert_eq!((wrong.status, wrong.error().0), (401, 1000));
    assert_eq!(wrong.text("/errors/0/title"), "CF-InvalidAuthToken");
    let bad = cloud.form("/oauth/token", "", "grant_type=password").await;
    assert_eq!(
        (bad.status, bad.text("/error")),
        (401, "invalid_client".to_owned())
    );
    let odd = cloud.form("/oauth/token", CF, "grant_type=magic").await;
    assert_eq!(
        (odd.status, odd.text("/error")),
        (400, "unsupported_grant_type".to_owned())
    );
}

#[tokio::test]
async fn the_one_time_link_makes_one_administrator() {
    let cloud = Cloud::start().await;
    let none = prepare_admin(&cloud.api, &FirstAdmin::Link).await.unwrap();
    assert_eq!(none, None, "there is an administrator already");
    let page = cloud.get("/setup/guessed", "").await;
    assert_eq!(page.status, 404);
    let guessed = cloud
        .form("/setup/guessed", "", "username=eve&password=x")
        .await;
    assert_eq!(guessed.status, 404);
    assert_eq!(cloud.token("eve", "x").await.status, 401);
}

#[tokio::test]
async fn a_password_file_makes_the_administrator_and_renews_the_password() {
    let cloud = Cloud::start().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    for password in ["first", "second"] {
        std::fs::write(file.path(), format!("{password}\n")).unwrap();
        let first = FirstAdmin::File {
            name: "root".to_owned(),
            password_file: file.path().to_owned(),
        };
        assert_eq!(prepare_admin(&cloud.api, &first).await.unwrap(), None);
        let token = cloud.log_in("root", password).await;
        assert_eq!(cloud.get("/Users", &token).await.status, 200);
    }
    assert_eq!(cloud.token("root", "first").await.status, 401);
}

#[tokio::test]
async fn what_others_need_to_check_tokens_is_there() {
    let cloud = Cloud::start().await;
    let keys = cloud.get("/token_keys", "").await;
    assert_eq!(keys.text("/keys/0/alg"), "RS256");
    assert!(
        keys.text("/keys/0/value")
            .starts_with("-----BEGIN PUBLIC KEY-----")
    );
    let openid = cloud.get("/.well-known/openid-configuration", "").await;
    assert!(openid.text("/jwks_uri").ends_with("/token_keys"));
    let who = cloud.get("/userinfo", &cloud.admin).await;
    assert_eq!(who.text("/user_name"), "admin");
    let checked = cloud
        .form("/check_token", CF, &format!("token={}", cloud.admin))
        .await;
    assert_eq!(checked.text("/user_name"), "admin");
}
