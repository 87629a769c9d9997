//! The controller among scripted agents, on a real bus and a real database.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop there, in its helpers too"
)]

mod absences;
mod agent;
mod bad_words;
mod bursts;
mod cloud;
mod command;
mod crashes;
mod deployments;
mod dispatch;
mod leaders;
mod members;
#[path = "../store/postgres.rs"]
mod postgres;
mod said;
mod services;
mod stager;
mod trio;

use agent::Agent;
use cloud::{Cloud, eventually, soon};

/// A controller and one node on which so many instances of `shop` run.
async fn running(instances: u32) -> (Cloud, Agent) {
    let cloud = Cloud::start().await;
    let agent = Agent::start(&cloud, "0-one", 4096).await;
    cloud.heard(1).await;
    cloud.app("shop", instances, 64).await;
    cloud.controller.app_changed("shop");
    eventually("all run", || {
        agent.instances("shop").len() == instances as usize
    })
    .await;
    (cloud, agent)
}

#[tokio::test]
async fn instances_are_spread_over_the_nodes() {
    let cloud = Cloud::start().await;
    let one = Agent::start(&cloud, "0-one", 4096).await;
    let two = Agent::start(&cloud, "1-two", 4096).await;
    cloud.heard(2).await;
    cloud.app("shop", 6, 64).await;
    cloud.controller.app_changed("shop");
    eventually("all run", || one.running("shop") + two.running("shop") == 6).await;
    assert_eq!((one.running("shop"), two.running("shop")), (3, 3));
    eventually("the API sees them", || cloud.seen_running("shop") == 6).await;
    let message = one.starts().remove(0);
    assert_eq!(message["vcap_application"]["application_id"], "shop");
    assert_eq!(message["env"], serde_json::json!(["GREETING=hello"]));
    assert_eq!(message["start_command"], "run it");
    let uri = message["executableUri"].as_str().unwrap();
    assert!(uri.starts_with("http://127.0.0.1:1/internal/droplets/droplet-shop?expires="));
}

#[tokio::test]
async fn scaling_down_ends_the_highest_indices_and_stopping_ends_all() {
    let (cloud, agent) = running(4).await;
    cloud.write("UPDATE processes SET instances = 2").await;
    cloud.controller.app_changed("shop");
    eventually("two are left", || agent.indices("shop") == [0, 1]).await;
    cloud.write("UPDATE apps SET state = 'STOPPED'").await;
    cloud.controller.app_changed("shop");
    eventually("none is left", || agent.running("shop") == 0).await;
}

#[tokio::test]
async fn what_finds_no_room_says_so_and_starts_when_a_node_appears() {
    let cloud = Cloud::start().await;
    let small = Agent::start(&cloud, "0-small", 32).await;
    cloud.heard(1).await;
    cloud.app("shop", 1, 512).await;
    let mut lines = cloud.bus.subscribe("switchyard.logs.shop").await.unwrap();
    cloud.bus.flush().await.unwrap();
    cloud.controller.app_changed("shop");
    let line = soon(lines.next()).await.unwrap();
    let line = String::from_utf8(line.payload.to_vec()).unwrap();
    assert!(
        line.contains("NORESOURCES") && line.contains("512 MB"),
        "{line}"
    );
    let large = Agent::start(&cloud, "1-large", 4096).await;
    eventually("it runs", || large.running("shop") == 1).await;
    assert_eq!(small.running("shop"), 0);
}

#[tokio::test]
async fn a_controller_that_comes_back_restarts_nothing() {
    let (mut cloud, agent) = running(3).await;
    let before = agent.instances("shop");
    cloud.restart_controller().await;
    cloud.heard(1).await;
    // A change of the old application, and then a new one: once that runs, the change was dealt with.
    cloud.controller.app_changed("shop");
    cloud.app("blog", 1, 64).await;
    cloud.controller.app_changed("blog");
    eventually("the new one runs", || agent.running("blog") == 1).await;
    assert_eq!(agent.instances("shop"), before);
    assert_eq!(agent.starts().len(), 4);
}

#[tokio::test]
async fn a_new_route_is_told_to_the_agents_without_a_restart() {
    let (cloud, agent) = running(1).await;
    let before = agent.instances("shop");
    cloud.route("shop", "shop").await;
    cloud.controller.app_changed("shop");
    let uris = serde_json::json!(["shop.localhost"]);
    eventually("the route is told", || agent.uris("shop") == uris).await;
    assert_eq!(agent.instances("shop"), before);
}

#[tokio::test]
async fn a_crash_is_recorded_and_the_instance_replaced() {
    let (cloud, agent) = running(1).await;
    let before = agent.instances("shop");
    agent.crash("shop", "out of memory").await;
    eventually("another runs", || {
        agent.running("shop") == 1 && agent.instances("shop") != before
    })
    .await;
    let events = "SELECT data AS text FROM audit_events WHERE type = 'audit.app.process.crash'";
    let data = cloud.row(events).await;
    assert!(data.contains("out of memory"), "{data}");
}

#[tokio::test]
async fn a_build_goes_to_another_stager_when_the_first_is_silent() {
    let cloud = Cloud::start().await;
    let dead = Agent::silent_stager(&cloud, "0-dead").await;
    cloud.app("shop", 1, 64).await;
    cloud.build("build-1", "shop").await;
    cloud.controller.stage("build-1");
    eventually("the first is asked", || dead.staged() == 1).await;
    let alive = Agent::stager(&cloud, "1-alive", None).await;
    let state = cloud.build_ended("build-1").await;
    assert_eq!((alive.staged(), state.as_str()), (1, "STAGED"));
    let droplet = "SELECT d.process_types AS text FROM droplets d JOIN builds b \
                   ON b.droplet_guid = d.guid WHERE b.guid = 'build-1'";
    assert_eq!(cloud.row(droplet).await, r#"{"web":"serve"}"#);
}

#[tokio::test]
async fn a_build_that_fails_says_why() {
    let cloud = Cloud::start().await;
    let _stager = Agent::stager(&cloud, "0-one", Some("no buildpack wanted it")).await;
    cloud.app("shop", 1, 64).await;
    cloud.build("build-1", "shop").await;
    cloud.controller.stage("build-1");
    assert_eq!(cloud.build_ended("build-1").await, "FAILED");
    let error = cloud.row("SELECT error AS text FROM builds").await;
    assert_eq!(error, "NoAppDetectedError - no buildpack wanted it");
}

#[tokio::test]
async fn a_rolling_deployment_replaces_every_instance() {
    let (cloud, agent) = running(2).await;
    cloud.deployment("shop", "shop-new", 2).await;
    cloud.controller.deployment_changed("deployment-shop");
    eventually("only new ones run", || {
        agent.running("shop-new") == 2 && agent.running("shop") == 0
    })
    .await;
    let state = "SELECT status_reason AS text FROM deployments";
    assert_eq!(cloud.row(state).await, "DEPLOYED");
    assert!(agent.fewest_running() >= 2);
}
