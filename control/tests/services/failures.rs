//! Brokers that refuse, fail, fall silent or talk nonsense: what is told, and that nothing is left.

use std::time::Duration;

use control::services::ServiceSettings;
use serde_json::{Value, json};

use crate::broker::Manner;
use crate::client::guid;
use crate::scene::{Driver, Scene, key, settings};

/// Asks for a service whose broker answers like this; gives the job's error.
async fn provision(scene: &Scene, manner: Manner) -> Value {
    scene.broker.next("provision", &[manner]);
    let job = scene.order("mine", "small").await.location();
    let error = scene.failed(&job).await;
    let seen = scene.seen("mine").await;
    assert_eq!(seen["last_operation"]["type"], "create");
    assert_eq!(seen["last_operation"]["state"], "failed");
    error
}

/// Takes a service away that was never made.
async fn remove(scene: &Scene) {
    let path = format!("/v3/service_instances/{}", scene.guid_of("mine").await);
    scene.delete(&path).await;
    scene.settled().await;
}

/// Status, `error`, code, title, sentence.
const REFUSALS: &[(u16, &str, u64, &str, &str)] = &[
    (
        400,
        "x",
        10001,
        "ServiceBrokerRequestRejected",
        "Service broker error: because",
    ),
    (
        409,
        "x",
        10001,
        "ServiceBrokerConflict",
        "Service broker error: because",
    ),
    (
        412,
        "x",
        10001,
        "ServiceBrokerRequestRejected",
        "Service broker error: because",
    ),
    (
        422,
        "AsyncRequired",
        10001,
        "AsyncRequired",
        "This service plan requires client support for asynchronous service operations.",
    ),
    (
        422,
        "ConcurrencyError",
        10001,
        "ConcurrencyError",
        "The service broker could not perform this operation in parallel with other running \
         operations",
    ),
    (
        422,
        "MaintenanceInfoConflict",
        390_003,
        "MaintenanceInfoConflict",
        "maintenance_info.version requested is invalid. Please ensure the catalog is up to date \
         and you are providing a version supported by this service plan.",
    ),
    (
        429,
        "x",
        10016,
        "ServiceBrokerRateLimitExceeded",
        "The service broker refuses requests because there are too many: because",
    ),
];

#[tokio::test]
async fn a_refusal_is_told_in_the_brokers_words_and_nothing_is_mended() {
    let scene = Scene::start().await;
    for (status, error, code, title, detail) in REFUSALS {
        let said = json!({ "error": error, "description": "because" });
        let error = provision(&scene, Manner::Refuse(*status, said)).await;
        let told = json!({ "code": code, "title": format!("CF-{title}"), "detail": detail });
        assert_eq!(error, told, "{status}");
        let before = scene.broker.asked("deprovision").len();
        scene.settled().await;
        assert_eq!(scene.broker.asked("deprovision").len(), before, "{status}");
        remove(&scene).await;
    }
    let wrong = provision(&scene, Manner::Refuse(401, Value::Null)).await;
    let words = wrong["detail"].as_str().unwrap();
    assert!(
        words.starts_with("Authentication with the service broker failed."),
        "{words}"
    );
}

#[tokio::test]
async fn what_may_have_been_made_is_taken_away_until_it_is_gone() {
    let scene = Scene::start().await;
    let refuse = |status| Manner::Refuse(status, json!({ "description": "not now" }));
    for (manner, title) in [
        (Manner::Say(500, "oops"), "ServiceBrokerBadResponse"),
        (Manner::Say(408, "{}"), "ServiceBrokerBadResponse"),
        (Manner::Say(201, "<html>"), "ServiceBrokerResponseMalformed"),
        (Manner::Say(204, ""), "ServiceBrokerResponseMalformed"),
        (Manner::Say(202, "[]"), "ServiceBrokerResponseMalformed"),
        (
            Manner::Say(201, r#"{"dashboard_url":"\u0000"}"#),
            "ServiceBrokerResponseMalformed",
        ),
        (Manner::Break, "ServiceBrokerApiUnreachable"),
    ] {
        scene
            .broker
            .next("deprovision", &[refuse(500), refuse(404), Manner::Async]);
        let error = provision(&scene, manner).await;
        assert_eq!(error["title"], format!("CF-{title}"));
        let service = scene.guid_of("mine").await;
        scene
            .wait("the third try is taken up", async || {
                let asked = scene.broker.asked("last_operation");
                let of_service = |path: &str| path.contains(&service);
                asked.iter().any(|one| of_service(&one.path)).then_some(())
            })
            .await;
        scene.broker.finish(&service, "succeeded");
        scene.keeps(0, 0).await;
        scene.settled().await;
        remove(&scene).await;
    }
}

#[tokio::test]
async fn a_broker_that_falls_silent_leaves_no_orphan() {
    let mut scene = Scene::start().await;
    let service = scene.service("kept").await;
    scene.drivers.remove(0).stop().await;
    let hasty = ServiceSettings {
        answer_within: Duration::from_secs(1),
        ..settings()
    };
    scene
        .drivers
        .push(Driver::start(&scene.platform.store, hasty, "one"));
    let error = provision(&scene, Manner::Silence).await;
    assert_eq!(error["title"], "CF-ServiceBrokerApiTimeout");
    let words = error["detail"].as_str().unwrap();
    let url = format!(
        "The request to the service broker timed out: {}/v2/",
        scene.broker.url()
    );
    assert!(words.starts_with(&url), "{words}");
    scene.keeps(1, 0).await;
    scene.broker.next("bind", &[Manner::Silence]);
    let made = scene
        .client()
        .post("/v3/service_credential_bindings", key("k", &service))
        .await;
    let error = scene.failed(&made.location()).await;
    assert_eq!(error["title"], "CF-ServiceBrokerApiTimeout");
    scene.keeps(1, 0).await;
    scene.settled().await;
}

#[tokio::test]
async fn what_was_begun_and_failed_is_taken_away() {
    let scene = Scene::start().await;
    scene.broker.next("provision", &[Manner::Async]);
    let job = scene.order("mine", "small").await.location();
    scene.state(&job, "POLLING").await;
    let service = scene.guid_of("mine").await;
    scene.broker.finish(&service, "failed");
    let error = scene.failed(&job).await;
    assert_eq!(error["code"], 10009);
    assert_eq!(error["detail"], "create could not be completed: the end");
    let seen = scene.seen("mine").await;
    assert_eq!(seen["last_operation"]["description"], "the end");
    scene.keeps(0, 0).await;
}

#[tokio::test]
async fn an_operation_ends_when_its_plan_allows_no_more_time() {
    let scene = Scene::start().await;
    scene.broker.next("provision", &[Manner::Async]);
    let job = scene.order("mine", "hasty").await.location();
    let error = scene.failed(&job).await;
    assert_eq!(
        error["detail"],
        "create could not be completed: Service Broker failed to provision within the required time."
    );
    scene.keeps(0, 0).await;
}

#[tokio::test]
async fn a_binding_that_failed_is_taken_back_and_makes_room_for_the_next() {
    let scene = Scene::start().await;
    let (app, service) = (
        scene.platform.app("shop").await,
        scene.service("mine").await,
    );
    scene.broker.next("bind", &[Manner::Say(500, "{}")]);
    let error = scene
        .failed(&scene.bind(&app, &service).await.location())
        .await;
    assert_eq!(error["title"], "CF-ServiceBrokerBadResponse");
    scene.keeps(1, 0).await;
    let said = json!({ "error": "RequiresApp" });
    scene.broker.next("bind", &[Manner::Refuse(422, said)]);
    let error = scene
        .failed(&scene.bind(&app, &service).await.location())
        .await;
    assert_eq!(
        error["detail"],
        "This service supports generation of credentials through binding an application only."
    );
    scene
        .completed(&scene.bind(&app, &service).await.location())
        .await;
    assert_eq!(scene.bindings(&service).await.len(), 1);
}

#[tokio::test]
async fn a_change_that_is_refused_changes_nothing() {
    let scene = Scene::start().await;
    let service = scene.service("mine").await;
    let said = json!({ "description": "too small" });
    scene.broker.next("update", &[Manner::Refuse(400, said)]);
    let large = scene.plan("large").await;
    let body = json!({ "relationships": { "service_plan": { "data": { "guid": large } } } });
    let path = format!("/v3/service_instances/{service}");
    let job = scene.client().patch(&path, body).await.location();
    assert_eq!(
        scene.failed(&job).await["detail"],
        "Service broker error: too small"
    );
    let seen = scene.seen("mine").await;
    let small = scene.plan("small").await;
    assert_eq!(seen["relationships"]["service_plan"]["data"]["guid"], small);
    assert_eq!(seen["last_operation"]["type"], "update");
    assert_eq!(seen["last_operation"]["state"], "failed");
    assert_eq!(scene.broker.keeps(), (1, 0));
}

#[tokio::test]
async fn a_broker_that_is_not_there_is_told_and_can_be_put_right() {
    let scene = Scene::empty(crate::platform::Platform::start().await).await;
    // A port that was free a moment ago, and that this test holds without listening on it.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let mut body = scene.registration("broker");
    let nobody = format!("http://{}", socket.local_addr().unwrap());
    body["url"] = json!(nobody);
    let made = scene.client().post("/v3/service_brokers", body).await;
    let error = scene.failed(&made.location()).await;
    let words = format!("The service broker could not be reached: {nobody}/v2/catalog");
    assert_eq!(error["detail"], words);
    let brokers = scene.get("/v3/service_brokers").await;
    let path = format!("/v3/service_brokers/{}", guid(&brokers["resources"][0]));
    let right = json!({ "url": scene.broker.url() });
    let changed = scene.client().patch(&path, right).await;
    scene.completed(&changed.location()).await;
    let offerings = scene.get("/v3/service_offerings").await;
    assert_eq!(offerings["pagination"]["total_results"], 2);
}

#[tokio::test]
async fn what_is_secret_is_in_no_list_and_in_no_event() {
    let scene = Scene::start().await;
    scene.bound().await;
    for path in [
        "/v3/audit_events?per_page=5000",
        "/v3/service_brokers",
        "/v3/service_instances",
        "/v3/service_credential_bindings?include=app,service_instance",
        "/v3/service_plans?include=service_offering",
    ] {
        let text = scene.get(path).await.to_string();
        assert!(
            !text.contains("s3cret") && !text.contains("passw0rd"),
            "{path}: {text}"
        );
    }
    let events = scene
        .get("/v3/audit_events?per_page=5000")
        .await
        .to_string();
    for kind in [
        "audit.service_broker.create",
        "audit.service_instance.start_create",
        "audit.service_instance.create",
        "audit.service_binding.create",
    ] {
        assert!(events.contains(kind), "{kind}");
    }
}
