//! Agents that fall silent or leave, and what a controller that comes back makes of what is missing.

use std::time::Duration;

use control::controller::Room;
use control::health::HealthSettings;
use control::wire::{Heartbeat, HeartbeatInstance, RollCall, Wire};
use tokio::time::{Instant, sleep};

use crate::agent::Agent;
use crate::cloud::{Cloud, eventually, soon};
use crate::crashes::hasty;
use crate::postgres::Postgres;

/// A policy that never takes silence for an absence, so that only answers can explain a start.
fn patient() -> HealthSettings {
    HealthSettings {
        droplet_lost: Duration::from_secs(3600),
        ..HealthSettings::default()
    }
}

/// Four instances of `shop`, which run on two nodes.
async fn on_two_nodes(cloud: &Cloud) -> (Agent, Agent) {
    let one = Agent::start(cloud, "0-one", 4096).await;
    let two = Agent::start(cloud, "1-two", 4096).await;
    cloud.heard(2).await;
    cloud.app("shop", 4, 64).await;
    cloud.controller.app_changed("shop");
    eventually("all run", || one.running("shop") + two.running("shop") == 4).await;
    (one, two)
}

#[tokio::test]
async fn what_ended_unheard_is_back_when_every_node_has_answered() {
    back_when_every_node_has_answered(Cloud::start_with(patient()).await).await;
}

#[tokio::test]
async fn what_ended_unheard_is_back_when_every_node_has_answered_on_postgresql() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    back_when_every_node_has_answered(Cloud::start_at(postgres.url(), patient()).await).await;
}

async fn back_when_every_node_has_answered(mut cloud: Cloud) {
    let (one, two) = on_two_nodes(&cloud).await;
    let known = "SELECT CAST(COUNT(*) AS TEXT) AS text FROM nodes";
    assert_eq!(cloud.row(known).await, "2");
    cloud.kill_controller().await;
    one.lose("shop");
    // The other one is restarted: another agent, the same node, and nothing is left there.
    drop(two);
    let again = Agent::start(&cloud, "1-again", 4096).await;
    cloud.start_controller().await;
    eventually("all run again", || {
        one.running("shop") + again.running("shop") == 4
    })
    .await;
    assert_eq!(one.starts().len() + again.starts().len(), 2 + 3);
}

#[tokio::test]
async fn a_node_that_took_another_name_is_written_down_when_it_tells_what_it_has() {
    let cloud = Cloud::start().await;
    let agent = Agent::start(&cloud, "0-one", 4096).await;
    cloud.heard(1).await;
    cloud.app("shop", 1, 64).await;
    cloud.controller.app_changed("shop");
    eventually("it runs", || agent.running("shop") == 1).await;
    let known =
        |name| format!("SELECT CAST(COUNT(*) AS TEXT) AS text FROM nodes WHERE name = '{name}'");
    // As the scripted agent names its node.
    cloud.row_becomes(&known("0"), "1").await;
    let told = |node: &str, instances: Vec<HeartbeatInstance>| Heartbeat {
        agent: "1-two".to_owned(),
        node: node.to_owned(),
        instances,
        ..Heartbeat::default()
    };
    let instance = HeartbeatInstance {
        process: "blog".to_owned(),
        version: "v".to_owned(),
        instance: "i".to_owned(),
        ..HeartbeatInstance::default()
    };
    for heartbeat in [told("empty", Vec::new()), told("renamed", vec![instance])] {
        let bytes = heartbeat.encode();
        cloud
            .bus
            .publish("dea.heartbeat", bytes.into())
            .await
            .unwrap();
    }
    cloud.row_becomes(&known("renamed"), "1").await;
    assert_eq!(cloud.row(&known("empty")).await, "0");
}

#[tokio::test]
async fn while_one_node_does_not_answer_nothing_is_taken_for_missing() {
    let mut cloud = Cloud::start_with(patient()).await;
    let (one, two) = on_two_nodes(&cloud).await;
    cloud.kill_controller().await;
    one.lose("shop");
    drop(two);
    let mut calls = cloud.bus.subscribe("healthmanager.start").await.unwrap();
    cloud.bus.flush().await.unwrap();
    cloud.start_controller().await;
    let mut asked = 0;
    while asked < 3 {
        let call = soon(calls.next()).await.unwrap();
        asked += usize::from(RollCall::decode(&call.payload).unwrap().word.is_some());
    }
    assert_eq!((one.starts().len(), one.running("shop")), (2, 1));
}

/// Waits until this much memory is, or is not, to be had on any node.
async fn becomes_so(cloud: &Cloud, memory_mb: u64, expected: bool, within: Duration) {
    let deadline = Instant::now() + within;
    let room = Room {
        memory_mb,
        disk_mb: 1,
        stack: "switchyard".to_owned(),
    };
    while matches!(cloud.controller.has_room(&room), Some(Ok(()))) != expected {
        assert!(Instant::now() < deadline, "room for {memory_mb} MB");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn an_agent_that_falls_silent_is_out_of_the_pool_and_its_instances_run_elsewhere() {
    let cloud = Cloud::start_with(hasty()).await;
    let one = Agent::start(&cloud, "0-one", 1024).await;
    let two = Agent::start(&cloud, "1-two", 4096).await;
    cloud.heard(2).await;
    becomes_so(&cloud, 2048, true, SOON).await;
    cloud.app("shop", 4, 64).await;
    cloud.controller.app_changed("shop");
    eventually("all run", || one.running("shop") + two.running("shop") == 4).await;
    drop(two);
    // 10 s are what an advertisement lives for; the rest is a loaded machine's.
    becomes_so(&cloud, 2048, false, SOON).await;
    eventually("all run on the other one", || one.running("shop") == 4).await;
    assert_eq!(one.starts().len(), 4);
    let known = "SELECT CAST(COUNT(*) AS TEXT) AS text FROM nodes";
    cloud.row_becomes(known, "1").await;
}

#[tokio::test]
async fn an_agent_that_says_goodbye_is_out_of_the_pool_though_it_was_just_heard() {
    let cloud = Cloud::start_with(hasty()).await;
    let leaving = Agent::start(&cloud, "0-leaving", 4096).await;
    becomes_so(&cloud, 2048, true, SOON).await;
    leaving.evacuate().await;
    // Less than an advertisement lives for.
    becomes_so(&cloud, 2048, false, Duration::from_secs(8)).await;
}

const SOON: Duration = Duration::from_secs(30);
