//! Many instances at once on one node.

use std::collections::BTreeSet;

use crate::files::Droplet;
use crate::scene::{Scene, worker};

#[tokio::test]
async fn fifty_instances_start_in_parallel_each_with_a_port_of_its_own() {
    let droplet = Droplet::serve(&[("run", "")]).await;
    let mut scene = Scene::start(&["--memory-mb", "3200", "--disk-mb", "3200"]).await;
    for index in 0..50 {
        let mut start = worker(&droplet, "echo port=$PORT; exec sleep 600");
        start.index = index;
        scene.start_instance(&start).await;
    }
    // One more than fits: it is refused, the others are not.
    scene.start_instance(&worker(&droplet, "true")).await;
    let refused = scene.hear("droplet.exited", |_| true).await;
    assert!(
        refused["exit_description"]
            .as_str()
            .unwrap()
            .starts_with("Not enough memory")
    );
    let running = scene.eventually("RUNNING", 50).await;
    let mut ports = BTreeSet::new();
    for one in &running {
        ports.insert(scene.said(one["instance"].as_str().unwrap(), "port=").await);
    }
    assert_eq!(ports.len(), 50);
}
