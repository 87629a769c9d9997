//! Builds among stagers that are full, that die, and that outlive their controller.

use crate::cloud::{Cloud, eventually};
use crate::stager::Stager;

#[tokio::test]
async fn twenty_builds_at_once_are_all_staged_and_no_stager_takes_more_than_it_can() {
    let cloud = Cloud::start().await;
    let large = Stager::working(&cloud, "0-large", 4096).await;
    let small = Stager::working(&cloud, "1-small", 2048).await;
    let guids: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    for n in &guids {
        cloud.app(&format!("app-{n}"), 1, 64).await;
        cloud
            .build(&format!("build-{n}"), &format!("app-{n}"))
            .await;
    }
    for n in &guids {
        cloud.controller.stage(&format!("build-{n}"));
    }
    for n in &guids {
        assert_eq!(cloud.build_ended(&format!("build-{n}")).await, "STAGED");
    }
    assert_eq!(large.taken() + small.taken(), 20);
    assert!(large.most() <= 4 && small.most() <= 2);
}

#[tokio::test]
async fn a_build_whose_stager_dies_is_staged_by_another_one() {
    let cloud = Cloud::start().await;
    let dying = Stager::hanging(&cloud, "0-dying").await;
    cloud.app("shop", 1, 64).await;
    cloud.build("build-1", "shop").await;
    cloud.controller.stage("build-1");
    eventually("the first has begun", || dying.taken() == 1).await;
    let alive = Stager::working(&cloud, "1-alive", 4096).await;
    drop(dying);
    assert_eq!(cloud.build_ended("build-1").await, "STAGED");
    assert_eq!(alive.taken(), 1);
    // The order to end the first attempt cannot be taken for one to end the second.
    eventually("the order is out", || !alive.stops().is_empty()).await;
    for stop in alive.stops() {
        assert_eq!(
            (&stop["task_id"], &stop["agent"]),
            (&"build-1".into(), &"0-dying".into())
        );
    }
}

#[tokio::test]
async fn what_a_stager_that_was_given_up_says_later_changes_nothing() {
    let cloud = Cloud::start().await;
    let slow = Stager::hanging(&cloud, "0-slow").await;
    cloud.app("shop", 1, 64).await;
    cloud.build("build-1", "shop").await;
    cloud.controller.stage("build-1");
    eventually("the first has begun", || slow.taken() == 1).await;
    slow.fall_silent();
    let next = Stager::hanging(&cloud, "1-next").await;
    eventually("another one has begun", || next.taken() == 1).await;
    slow.end_one("too late").await;
    next.end_one("serve").await;
    assert_eq!(cloud.build_ended("build-1").await, "STAGED");
    let droplet = "SELECT process_types AS text FROM droplets WHERE guid <> 'droplet-shop'";
    assert_eq!(cloud.row(droplet).await, r#"{"web":"serve"}"#);
}

#[tokio::test]
async fn a_controller_that_takes_over_asks_the_stager_that_is_at_work() {
    let mut cloud = Cloud::start().await;
    let stager = Stager::hanging(&cloud, "0-one").await;
    let other = Stager::hanging(&cloud, "1-two").await;
    cloud.app("shop", 1, 64).await;
    cloud.build("build-1", "shop").await;
    cloud.controller.stage("build-1");
    eventually("one has begun", || stager.taken() + other.taken() == 1).await;
    let before = (stager.taken(), other.taken());
    cloud.restart_controller().await;
    eventually("it is asked again", || {
        (stager.taken(), other.taken()) == (2 * before.0, 2 * before.1)
    })
    .await;
    assert!(stager.stops().is_empty());
}

#[tokio::test]
async fn a_newer_build_ends_the_older_one_by_name() {
    let cloud = Cloud::start().await;
    let stager = Stager::hanging(&cloud, "0-one").await;
    cloud.app("shop", 1, 64).await;
    cloud.build("build-1", "shop").await;
    cloud.controller.stage("build-1");
    eventually("the first has begun", || stager.taken() == 1).await;
    cloud.another_build("build-2", "shop").await;
    cloud.controller.stage("build-2");
    eventually("the second has begun", || stager.taken() == 2).await;
    eventually("the first is ended", || !stager.stops().is_empty()).await;
    for stop in stager.stops() {
        assert_eq!(
            (&stop["app_id"], &stop["task_id"]),
            (&"shop".into(), &"build-1".into())
        );
    }
}
