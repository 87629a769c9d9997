//! Two controllers on one database: one acts, and when it dies the other one does.

use crate::agent::Agent;
use crate::cloud::{Cloud, eventually};
use crate::crashes::hasty;
use crate::postgres::Postgres;

#[tokio::test]
async fn of_two_controllers_on_one_file_one_leads_and_the_other_takes_over() {
    let cloud = Cloud::start_with(hasty()).await;
    one_leads_and_the_other_takes_over(cloud).await;
}

#[tokio::test]
async fn of_two_controllers_on_postgresql_one_leads_and_the_other_takes_over() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let cloud = Cloud::start_at(postgres.url(), hasty()).await;
    one_leads_and_the_other_takes_over(cloud).await;
}

async fn one_leads_and_the_other_takes_over(mut cloud: Cloud) {
    let leader = "SELECT COALESCE(MAX(holder), '') AS text FROM leases";
    cloud.row_becomes(leader, "the-controller").await;
    let (second, _running) = cloud.another_controller("the-second").await;
    let one = Agent::start(&cloud, "0-one", 4096).await;
    let two = Agent::start(&cloud, "1-two", 4096).await;
    cloud.heard(2).await;
    cloud.app("shop", 3, 64).await;
    // Whichever is told, the one that leads acts.
    second.app_changed("shop");
    cloud.controller.app_changed("shop");
    let running = || one.running("shop") + two.running("shop");
    let starts = || one.starts().len() + two.starts().len();
    eventually("all run", || running() == 3).await;
    let crashing = if one.running("shop") > 0 { &one } else { &two };
    crashing.crash("shop", "out of memory").await;
    eventually("all run again", || running() == 3).await;
    assert_eq!(starts(), 4);
    let holder = "SELECT holder AS text FROM leases";
    assert_eq!(cloud.row(holder).await, "the-controller");
    cloud.kill_controller().await;
    cloud.write("UPDATE processes SET instances = 5").await;
    second.app_changed("shop");
    eventually("the second one acts", || running() == 5).await;
    assert_eq!(cloud.row(holder).await, "the-second");
    assert_eq!(starts(), 6);
    // One that comes back only looks on.
    cloud.start_controller().await;
    cloud.heard(2).await;
    cloud.write("UPDATE processes SET instances = 6").await;
    cloud.controller.app_changed("shop");
    eventually("the leader is told", || running() == 6).await;
    assert_eq!(starts(), 7);
    assert_eq!(cloud.row(holder).await, "the-second");
}
