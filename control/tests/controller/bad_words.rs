//! Messages that make no sense are dropped, one by one, and nothing else suffers.

use control::controller::Room;
use serde_json::json;

use crate::agent::Agent;
use crate::cloud::{Cloud, eventually};
use crate::crashes::hasty;
use crate::said::seconds;

fn has_room(cloud: &Cloud, memory_mb: u64) -> bool {
    let stack = "switchyard".to_owned();
    let room = Room {
        memory_mb,
        disk_mb: 1,
        stack,
    };
    matches!(cloud.controller.has_room(&room), Some(Ok(())))
}

#[tokio::test]
async fn advertisements_without_an_id_or_with_stacks_that_are_no_list_get_nothing() {
    let cloud = Cloud::start().await;
    let _small = Agent::start(&cloud, "1-small", 8).await;
    cloud.heard(1).await;
    let nameless = json!({ "stacks": ["switchyard"], "available_memory": 4096 });
    let empty = json!({ "id": "", "stacks": ["switchyard"], "available_memory": 4096 });
    let stackless = json!({ "id": "0-a", "stacks": "switchyard", "available_memory": 4096 });
    for text in [
        nameless.to_string(),
        empty.to_string(),
        stackless.to_string(),
        "no JSON".to_owned(),
        "[]".to_owned(),
        String::new(),
    ] {
        let said = cloud.bus.publish("dea.advertise", text.into());
        said.await.unwrap();
    }
    // What comes last shows that what came before was heard.
    let _larger = Agent::start(&cloud, "2-larger", 16).await;
    eventually("the last one is heard", || has_room(&cloud, 16)).await;
    assert!(!has_room(&cloud, 17));
}

#[tokio::test]
async fn an_advertisement_counts_whatever_the_clock_of_its_node_says() {
    let cloud = Cloud::start().await;
    let _small = Agent::start(&cloud, "2-small", 8).await;
    cloud.heard(1).await;
    for (id, memory_mb, off) in [("0-slow", 16, -7_200.0), ("1-fast", 32, 7_200.0)] {
        let told = json!({
            "id": id, "stacks": ["switchyard"], "available_memory": memory_mb,
            "available_disk": 64, "time": seconds() + off, "timestamp": seconds() + off,
        });
        let said = cloud.bus.publish("dea.advertise", told.to_string().into());
        said.await.unwrap();
        eventually("it is in the pool", || has_room(&cloud, memory_mb)).await;
    }
    assert!(!has_room(&cloud, 33));
}

#[tokio::test]
async fn malformed_heartbeats_and_exits_are_skipped_and_change_nothing() {
    let cloud = Cloud::start_with(hasty()).await;
    let agent = Agent::start(&cloud, "0-one", 4096).await;
    cloud.heard(1).await;
    cloud.app("shop", 2, 64).await;
    cloud.controller.app_changed("shop");
    eventually("they are seen", || cloud.seen_running("shop") == 2).await;
    let before = agent.instances("shop");
    let guid = &before[0];
    let without_index = json!({ "dea": "0-one", "droplets": [{
        "droplet": "shop", "version": "v-shop", "instance": guid, "state": "RUNNING",
    }] });
    let nameless = json!({ "droplets": [] });
    let listless = json!({ "dea": "0-one", "droplets": 7 });
    let whose = json!({ "droplet": "shop", "index": 0, "reason": "CRASHED" });
    let why = json!({ "droplet": "shop", "instance": guid, "index": 0, "reason": "BORED" });
    for (subject, text) in [
        ("dea.heartbeat", without_index.to_string()),
        ("dea.heartbeat", nameless.to_string()),
        ("dea.heartbeat", listless.to_string()),
        ("dea.heartbeat", "{\"dea\": \"0-one\", \"dro".to_owned()),
        ("droplet.exited", whose.to_string()),
        ("droplet.exited", why.to_string()),
        ("droplet.exited", "\u{0}\u{7}".to_owned()),
        ("dea.shutdown", "{}".to_owned()),
        ("healthmanager.status", "crashed?".to_owned()),
        ("droplet.updated", "{\"droplet\": 1}".to_owned()),
    ] {
        let said = cloud.bus.publish(subject, text.into());
        said.await.unwrap();
    }
    // An application that is started after all of it shows that the controller goes on.
    cloud.app("blog", 1, 64).await;
    cloud.controller.app_changed("blog");
    eventually("it is seen", || cloud.seen_running("blog") == 1).await;
    assert_eq!(agent.instances("shop"), before);
    assert_eq!((agent.starts().len(), cloud.seen_running("shop")), (3, 2));
}
