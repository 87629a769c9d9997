//! Deployments that pause, go on, and are taken back.

use crate::agent::Agent;
use crate::cloud::{Cloud, eventually};
use crate::running;

const STATE: &str = "SELECT state AS text FROM deployments";

async fn paused_canary() -> (Cloud, Agent) {
    let (cloud, agent) = running(2).await;
    cloud.deployment("shop", "shop-new", 2).await;
    cloud
        .write("UPDATE deployments SET strategy = 'canary'")
        .await;
    cloud.controller.deployment_changed("deployment-shop");
    cloud.row_becomes(STATE, "PAUSED").await;
    assert_eq!(agent.running("shop-new"), 1);
    (cloud, agent)
}

#[tokio::test]
async fn a_canary_waits_until_somebody_says_go_on() {
    let (cloud, agent) = paused_canary().await;
    cloud
        .write("UPDATE deployments SET state = 'DEPLOYING', status_reason = 'DEPLOYING'")
        .await;
    cloud.controller.deployment_changed("deployment-shop");
    eventually("only new ones run", || {
        agent.running("shop-new") == 2 && agent.running("shop") == 0
    })
    .await;
    cloud.row_becomes(STATE, "DEPLOYED").await;
    assert!(agent.fewest_running() >= 2);
}

#[tokio::test]
async fn a_canary_of_several_steps_waits_after_each() {
    let (cloud, agent) = running(4).await;
    agent.count_anew();
    cloud.deployment("shop", "shop-new", 4).await;
    cloud
        .write("UPDATE deployments SET strategy = 'canary', canary_steps = '[50, 75]'")
        .await;
    // One more than wanted while the canaries run, none after.
    for (new, old, state) in [(2, 3, "PAUSED"), (3, 2, "PAUSED"), (4, 0, "DEPLOYED")] {
        cloud.controller.deployment_changed("deployment-shop");
        cloud.row_becomes(STATE, state).await;
        eventually("old ones gave way", || {
            (agent.running("shop-new"), agent.running("shop")) == (new, old)
        })
        .await;
        cloud
            .write("UPDATE deployments SET state = 'DEPLOYING' WHERE state = 'PAUSED'")
            .await;
    }
    assert!(agent.fewest_running() >= 4);
}

#[tokio::test]
async fn a_deployment_that_is_canceled_gives_the_old_instances_back() {
    let (cloud, agent) = paused_canary().await;
    cloud
        .write("UPDATE deployments SET state = 'CANCELING', status_reason = 'CANCELING'")
        .await;
    cloud.controller.deployment_changed("deployment-shop");
    eventually("only old ones run", || {
        agent.running("shop") == 2 && agent.running("shop-new") == 0
    })
    .await;
    cloud.row_becomes(STATE, "CANCELED").await;
    assert!(agent.fewest_running() >= 2);
}

#[tokio::test]
async fn numbers_of_instances_come_from_their_agents() {
    let (cloud, agent) = running(2).await;
    eventually("they are seen", || cloud.seen_running("shop") == 2).await;
    let mut stats = cloud.controller.stats("shop").await;
    stats.sort_by_key(|one| one.index);
    let found: Vec<_> = stats.iter().map(|one| one.index).collect();
    assert_eq!(found, [0, 1]);
    assert!(agent.instances("shop").contains(&stats[0].instance));
    let usage = stats[0].usage.unwrap();
    assert_eq!((usage.mem_bytes, usage.disk_bytes), (5 * 1024, 6));
    assert_eq!(stats[0].uptime_s, Some(7));
    assert!(cloud.controller.stats("unheard-of").await.is_empty());
}
