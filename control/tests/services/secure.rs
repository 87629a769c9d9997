//! A broker behind TLS: asked when its authority is trusted, and never else.

use control::dial::Trust;
use control::services::ServiceSettings;
use serde_json::json;

use crate::front::front;
use crate::platform::Platform;
use crate::scene::{Driver, Scene, settings};

#[tokio::test]
async fn a_broker_behind_tls_is_asked_when_its_authority_is_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let mut scene = Scene::empty(Platform::start().await).await;
    let behind = scene.broker.url().replace("http://", "").parse().unwrap();
    let (port, authority) = front(behind, dir.path());
    let mut body = scene.registration("secure");
    body["url"] = json!(format!("https://localhost:{port}"));

    let reply = scene.client().post("/v3/service_brokers", body.clone());
    let error = scene.failed(&reply.await.location()).await;
    let said = error["detail"].as_str().unwrap();
    assert!(said.contains("could not be reached"), "{error}");
    assert_eq!(scene.broker.asked("catalog").len(), 0);

    for driver in scene.drivers.drain(..) {
        driver.stop().await;
    }
    let trusting = ServiceSettings {
        trust: Trust::beside(Some(&authority)).unwrap(),
        ..settings()
    };
    let driver = Driver::start(&scene.platform.store, trusting, "two");
    scene.drivers.push(driver);
    body["name"] = json!("secure too");
    let reply = scene.client().post("/v3/service_brokers", body);
    scene.completed(&reply.await.location()).await;
    assert_ne!(scene.broker.asked("catalog").len(), 0);
}
