//! Instances that crash again and again, and nodes that are emptied, through the whole controller.

use std::time::Duration;

use control::health::HealthSettings;
use serde_json::{Value, json};

use crate::agent::Agent;
use crate::cloud::{Cloud, eventually, soon};

/// A policy whose waits are short; agents of these tests report every two seconds.
pub(crate) fn hasty() -> HealthSettings {
    HealthSettings {
        heartbeat_interval: Duration::from_secs(2),
        droplet_lost: Duration::from_secs(5),
        min_restart_delay: Duration::from_secs(1),
        restart_noise: Duration::ZERO,
        ..HealthSettings::default()
    }
}

async fn ask(cloud: &Cloud, subject: &str, question: Value) -> Value {
    let mut answers = cloud.bus.subscribe("_INBOX.asked").await.unwrap();
    cloud.bus.flush().await.unwrap();
    let question = question.to_string().into();
    let asked = cloud
        .bus
        .publish_with_reply(subject, "_INBOX.asked", question);
    asked.await.unwrap();
    serde_json::from_slice(&soon(answers.next()).await.unwrap().payload).unwrap()
}

#[tokio::test]
async fn what_crashes_again_and_again_is_given_up_also_by_the_next_controller() {
    let mut cloud = Cloud::start_with(hasty()).await;
    let agent = Agent::start(&cloud, "0-one", 4096).await;
    cloud.heard(1).await;
    cloud.app("shop", 1, 64).await;
    cloud.controller.app_changed("shop");
    for crash in 1..=5 {
        eventually("it runs", || {
            agent.starts().len() == crash && agent.running("shop") == 1
        })
        .await;
        agent.crash("shop", "app instance exited").await;
    }
    let count = "SELECT CAST(COALESCE(MAX(crashes), 0) AS TEXT) AS text FROM crash_counts";
    cloud.row_becomes(count, "5").await;
    let events = "SELECT CAST(COUNT(*) AS TEXT) AS text FROM audit_events \
                  WHERE type = 'audit.app.process.crash'";
    cloud.row_becomes(events, "5").await;
    let flapping = json!({ "droplet": "shop", "state": "FLAPPING" });
    let told = ask(&cloud, "healthmanager.status", flapping.clone()).await;
    assert_eq!(told["indices"][0]["index"], 0, "{told}");
    cloud.kill_controller().await;
    // This one is missing when the controller comes back, and is looked at together with the other.
    cloud.app("blog", 1, 64).await;
    cloud.start_controller().await;
    eventually("the missing one runs", || agent.running("blog") == 1).await;
    assert_eq!(agent.running("shop"), 0);
    let told = ask(&cloud, "healthmanager.status", flapping).await;
    assert_eq!(told["indices"][0]["index"], 0, "{told}");
    cloud
        .write("UPDATE processes SET version = 'v-2' WHERE guid = 'shop'")
        .await;
    cloud.controller.app_changed("shop");
    eventually("a restart by its owner counts", || {
        agent.running("shop") == 1
    })
    .await;
}

#[tokio::test]
async fn what_is_known_of_processes_is_answered_on_the_bus() {
    let cloud = Cloud::start().await;
    let agent = Agent::start(&cloud, "0-one", 4096).await;
    cloud.heard(1).await;
    cloud.app("shop", 2, 64).await;
    cloud.controller.app_changed("shop");
    eventually("they are seen", || cloud.seen_running("shop") == 2).await;
    let droplets = json!({ "droplets": [{ "droplet": "shop", "version": "v-shop" }] });
    let told = ask(&cloud, "healthmanager.health", droplets.clone()).await;
    assert_eq!(
        told,
        json!({ "droplet": "shop", "version": "v-shop", "healthy": 2 })
    );
    let record = ask(&cloud, "healthmanager.droplet", droplets).await;
    assert_eq!(
        (&record["desired"], &record["running"]["v-shop"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(record["indices"][1]["state"], "RUNNING", "{record}");
    let crashed = agent.instances("shop").remove(0);
    agent.crash("shop", "out of memory").await;
    eventually("another one runs", || agent.starts().len() == 3).await;
    let question = json!({ "droplet": "shop", "version": "v-shop", "state": "CRASHED" });
    let told = ask(&cloud, "healthmanager.status", question).await;
    assert_eq!(told["instances"][0]["instance"], crashed, "{told}");
}

#[tokio::test]
async fn a_node_that_is_emptied_keeps_its_instances_until_others_run_and_is_then_told_to_end_them()
{
    let cloud = Cloud::start().await;
    let leaving = Agent::start(&cloud, "0-leaving", 4096).await;
    cloud.heard(1).await;
    cloud.app("shop", 3, 64).await;
    cloud.controller.app_changed("shop");
    eventually("all run", || cloud.seen_running("shop") == 3).await;
    let staying = Agent::start(&cloud, "1-staying", 4096).await;
    leaving.evacuate().await;
    eventually("all run elsewhere", || {
        let (old, new) = (leaving.running("shop"), staying.running("shop"));
        assert!(old + new >= 3, "{old} and {new}");
        old == 0 && new == 3
    })
    .await;
    assert_eq!(staying.starts().len(), 3);
}
