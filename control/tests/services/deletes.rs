//! Taking away: bindings first, nothing at the same time, and nothing left at the broker.

use serde_json::json;

use crate::broker::Manner;
use crate::client::guid;
use crate::scene::{Scene, key};

#[tokio::test]
async fn bindings_go_before_their_service() {
    let scene = Scene::start().await;
    let (_app, service) = scene.bound().await;
    let path = "/v3/service_credential_bindings";
    let made = scene.client().post(path, key("k", &service)).await;
    scene.completed(&made.location()).await;
    let path = format!("/v3/service_instances/{service}");
    scene.delete(&path).await;
    let calls = scene.broker.calls();
    assert_eq!(calls[3..], ["unbind", "unbind", "deprovision"]);
    assert_eq!(scene.broker.keeps(), (0, 0));
    assert!(scene.bindings(&service).await.is_empty());
}

#[tokio::test]
async fn a_service_stays_when_a_binding_cannot_be_taken_back() {
    let scene = Scene::start().await;
    let (_app, service) = scene.bound().await;
    let said = json!({ "description": "it is in use" });
    scene.broker.next("unbind", &[Manner::Refuse(500, said)]);
    let path = format!("/v3/service_instances/{service}");
    let error = scene
        .failed(&scene.client().delete(&path).await.location())
        .await;
    assert_eq!(
        error["detail"],
        "delete could not be completed: its bindings could not be removed: \
         Service broker error: it is in use"
    );
    let seen = scene.seen("mine").await;
    assert_eq!(seen["last_operation"]["type"], "delete");
    assert_eq!(seen["last_operation"]["state"], "failed");
    assert!(scene.broker.asked("deprovision").is_empty());
    // The second try goes well.
    scene.delete(&path).await;
    assert_eq!(scene.broker.keeps(), (0, 0));
}

#[tokio::test]
async fn a_service_that_is_gone_already_goes() {
    let scene = Scene::start().await;
    let service = scene.service("mine").await;
    scene
        .broker
        .next("deprovision", &[Manner::Refuse(410, json!({}))]);
    let path = format!("/v3/service_instances/{service}");
    scene.delete(&path).await;
    scene.client().get(&path).await.refusal(404);
}

#[tokio::test]
async fn nothing_is_done_with_a_service_while_something_is() {
    let scene = Scene::start().await;
    let app = scene.platform.app("shop").await;
    scene.broker.next("provision", &[Manner::Async]);
    let job = scene.order("mine", "small").await.location();
    scene.state(&job, "POLLING").await;
    let service = scene.guid_of("mine").await;
    let path = format!("/v3/service_instances/{service}");
    let words = "An operation for service instance mine is in progress.";
    let busy = (60016, words.to_owned());
    assert_eq!(scene.client().delete(&path).await.refusal(409), busy);
    let body = json!({ "parameters": {} });
    assert_eq!(scene.client().patch(&path, body).await.refusal(409), busy);
    assert_eq!(scene.bind(&app, &service).await.refusal(409), busy);
    let parameters = format!("{path}/parameters");
    assert_eq!(scene.client().get(&parameters).await.refusal(409), busy);
    scene.broker.finish(&service, "succeeded");
    scene.completed(&job).await;
    scene.broker.next("bind", &[Manner::Async]);
    let job = scene.bind(&app, &service).await.location();
    scene.state(&job, "POLLING").await;
    assert_eq!(scene.client().delete(&path).await.refusal(409), busy);
    let bound = guid(&scene.bindings(&service).await[0]);
    let own = format!("/v3/service_credential_bindings/{bound}");
    assert_eq!(scene.client().delete(&own).await.refusal(409), busy);
    scene.broker.finish(&bound, "succeeded");
    scene.completed(&job).await;
}

#[tokio::test]
async fn what_an_application_was_bound_to_is_taken_back_with_it() {
    let scene = Scene::start().await;
    let (app, service) = scene.bound().await;
    let path = format!("/v3/apps/{app}");
    scene.client().delete(&path).await.location();
    scene.keeps(1, 0).await;
    assert!(scene.bindings(&service).await.is_empty());
}

#[tokio::test]
async fn what_a_space_holds_is_taken_away_with_it_even_in_the_making() {
    let scene = Scene::start().await;
    scene.bound().await;
    scene.broker.next("provision", &[Manner::Async]);
    let job = scene.order("late", "small").await.location();
    scene.state(&job, "POLLING").await;
    assert_eq!(scene.broker.keeps(), (2, 1));
    let path = format!("/v3/spaces/{}", scene.platform.space);
    scene.delete(&path).await;
    assert_eq!(
        scene.failed(&job).await["detail"],
        "Service instance not found"
    );
    scene.keeps(0, 0).await;
    scene.settled().await;
}

#[tokio::test]
async fn a_service_whose_broker_is_dead_is_purged_without_a_word() {
    let scene = Scene::start().await;
    let service = scene.service("mine").await;
    let path = format!("/v3/service_instances/{service}");
    scene
        .client()
        .delete(&format!("{path}?purge=true"))
        .await
        .expect(204);
    scene.client().get(&path).await.refusal(404);
    assert!(scene.broker.asked("deprovision").is_empty());
    scene.service("other").await;
    let offerings = scene.get("/v3/service_offerings?names=db").await;
    let offering = format!("/v3/service_offerings/{}", guid(&offerings["resources"][0]));
    let refused = scene.client().delete(&offering).await.refusal(422);
    assert_eq!(
        refused.1,
        "Service offering cannot be deleted: it has service instances"
    );
    let purge = format!("{offering}?purge=true");
    scene.client().delete(&purge).await.expect(204);
    assert!(scene.seen("other").await.is_null());
    assert!(scene.broker.asked("deprovision").is_empty());
}
