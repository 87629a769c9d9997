//! What goes on after the one who carried it out has died.

use control::store::Store;

use crate::broker::Manner;
use crate::platform::Platform;
use crate::postgres::Postgres;
use crate::scene::{Driver, Scene, settings};

#[tokio::test]
async fn an_operation_goes_on_after_a_restart() {
    goes_on(Scene::start().await).await;
}

#[tokio::test]
async fn an_operation_goes_on_after_a_restart_on_postgresql() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let store = Store::open(&server.url()).await.unwrap();
    let platform = Platform::start_on(store.clone(), tempfile::tempdir().unwrap()).await;
    goes_on(Scene::on(platform).await).await;
    store.close().await;
}

async fn goes_on(mut scene: Scene) {
    scene.broker.next("provision", &[Manner::Async]);
    let job = scene.order("mine", "small").await.location();
    scene.state(&job, "POLLING").await;
    scene.drivers.remove(0).kill().await;
    let service = scene.guid_of("mine").await;
    scene.broker.finish(&service, "succeeded");
    let asked = scene.broker.asked("last_operation").len();
    assert_eq!(scene.get(&job).await["state"], "POLLING");
    let store = scene.platform.store.clone();
    // The same identity takes its lease up at once.
    scene.drivers.push(Driver::start(&store, settings(), "one"));
    scene.completed(&job).await;
    assert!(scene.broker.asked("last_operation").len() > asked);
    assert_eq!(scene.broker.asked("provision").len(), 1);
    for driver in scene.drivers.drain(..) {
        driver.stop().await;
    }
}

#[tokio::test]
async fn a_request_that_was_not_answered_is_sent_once_more_and_is_the_same() {
    let mut scene = Scene::start().await;
    scene.broker.next("provision", &[Manner::Silence]);
    let job = scene.order("mine", "small").await.location();
    scene
        .wait("the broker is asked", async || {
            (scene.broker.asked("provision").len() == 1).then_some(())
        })
        .await;
    scene.drivers.remove(0).kill().await;
    let store = scene.platform.store.clone();
    scene.drivers.push(Driver::start(&store, settings(), "one"));
    scene.completed(&job).await;
    let asked = scene.broker.asked("provision");
    assert_eq!(asked.len(), 2);
    assert_eq!(
        (&asked[0].path, &asked[0].body),
        (&asked[1].path, &asked[1].body)
    );
    assert_eq!(scene.broker.keeps(), (1, 0));
}

#[tokio::test]
async fn only_the_one_that_holds_the_lease_asks_brokers() {
    let mut scene = Scene::start().await;
    let store = scene.platform.store.clone();
    for id in ["two", "three"] {
        scene.drivers.push(Driver::start(&store, settings(), id));
    }
    for number in 0..5 {
        scene.service(&format!("mine-{number}")).await;
    }
    assert_eq!(scene.broker.asked("provision").len(), 5);
    // It gives the lease back, and another goes on.
    scene.drivers.remove(0).stop().await;
    scene.service("last").await;
    assert_eq!(scene.broker.asked("provision").len(), 6);
}
