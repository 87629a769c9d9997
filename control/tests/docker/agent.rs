//! An agent whose instances are containers: what it says of their ends, and in which image they run.

use std::fs;
use std::time::Duration;

use tokio::time::timeout;

use crate::files::Droplet;
use crate::image::{Containers, Customised, IMAGE, is_there};
use crate::scene::{Scene, web, worker};

pub(crate) const DOCKER: &[&str] = &[
    "--runtime",
    "docker",
    "--docker-images",
    IMAGE,
    "--memory-mb",
    "4096",
    "--orphan-interval",
    "1",
];

pub(crate) fn containers(scene: &Scene) -> Containers {
    Containers::of(&scene.dir.path().canonicalize().unwrap())
}

/// Asks again and again until there is an answer.
async fn eventually<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask() {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(60), asking).await.unwrap()
}

#[tokio::test]
async fn a_container_that_takes_too_much_memory_is_told_as_out_of_memory() {
    if !is_there() {
        return;
    }
    let droplet = Droplet::serve(&[("run", "")]).await;
    let mut scene = Scene::start(DOCKER).await;
    let _left = containers(&scene);
    let hog = "exec python3 -c 'x = bytearray(200 << 20)\nimport time\ntime.sleep(600)'";
    scene.start_instance(&worker(&droplet, hog)).await;
    let exited = scene.hear("droplet.exited", |_| true).await;
    assert_eq!(exited["reason"], "CRASHED");
    let text = exited["exit_description"].as_str().unwrap();
    assert!(text.starts_with("out of memory (limit 64 MB)"), "{text}");
    assert_eq!(exited["node_fault"], false);
}

#[tokio::test]
async fn an_instance_is_healthy_when_its_program_listens_and_not_when_its_port_is_published() {
    if !is_there() {
        return;
    }
    let droplet = Droplet::serve(&[("run", "")]).await;
    let mut scene = Scene::start(DOCKER).await;
    let left = containers(&scene);
    let mut start = web(&droplet);
    let command = "until [ -e ../go ]; do sleep 0.05; done; exec python3 -m http.server $PORT";
    start.start_command = Some(command.into());
    start.health_check_timeout = Some(2);
    scene.start_instance(&start).await;
    let exited = scene.hear("droplet.exited", |_| true).await;
    let text = exited["exit_description"].as_str().unwrap();
    let known = "failed to accept connections within health check timeout (2 s): port 8080 ";
    assert!(text.starts_with(known), "{text}");

    start.health_check_timeout = None;
    scene.start_instance(&start).await;
    let guid = eventually(|| left.running().into_iter().next()).await;
    let go = scene.dir.path().join("instances").join(guid).join("go");
    fs::write(go, "").unwrap();
    scene.hear("router.register", |_| true).await;
}

#[tokio::test]
async fn a_missing_image_is_the_nodes_fault_and_harms_nobody_else() {
    if !is_there() {
        return;
    }
    let droplet = Droplet::serve(&[("run", "")]).await;
    let mut scene = Scene::start(DOCKER).await;
    let left = containers(&scene);
    let mut neighbour = worker(&droplet, "exec sleep 600");
    neighbour.process = "p0".into();
    scene.start_instance(&neighbour).await;
    scene.eventually("RUNNING", 1).await;
    let before = left.all();
    let mut own = worker(&droplet, "exec sleep 600");
    own.docker_image = Some("switchyard/no-such-image:none".into());
    scene.start_instance(&own).await;
    let exited = scene.hear("droplet.exited", |_| true).await;
    let text = exited["exit_description"].as_str().unwrap();
    assert!(
        text.starts_with("there is no image `switchyard/no-such-image:none`"),
        "{text}"
    );
    assert_eq!(exited["node_fault"], true);
    assert_eq!(exited["reason"], "CRASHED");
    assert_eq!(left.all(), before, "the neighbour, and nothing left over");
    let mut other = worker(&droplet, "exec sleep 600");
    other.process = "p2".into();
    scene.start_instance(&other).await;
    let is_it = |one: &serde_json::Value| one["droplet"] == "p2" && one["state"] == "RUNNING";
    let has_it = |json: &serde_json::Value| json["droplets"].as_array().unwrap().iter().any(is_it);
    scene.hear("dea.heartbeat", has_it).await;
}

#[tokio::test]
async fn another_image_is_for_new_instances_and_a_missing_one_leaves_the_default() {
    if !is_there() {
        return;
    }
    let customised = Customised::make();
    let droplet = Droplet::serve(&[("run", "")]).await;
    let mut scene = Scene::start(DOCKER).await;
    let left = containers(&scene);
    let start = worker(&droplet, "echo up=1; exec sleep 600");
    scene.start_instance(&start).await;
    scene.eventually("RUNNING", 1).await;
    let before = left.all();
    assert_eq!((before.len(), before[0][1].as_str()), (1, IMAGE));

    let images = scene.dir.path().join("images");
    fs::write(&images, format!("{}\n{IMAGE}\n", customised.0)).unwrap();
    let mut second = start.clone();
    second.index = 1;
    scene.start_instance(&second).await;
    let running = scene.eventually("RUNNING", 2).await;
    let new = running.iter().find(|one| one["index"] == 1).unwrap();
    let guid = new["instance"].as_str().unwrap();
    assert_eq!(scene.said(guid, "customised ").await, "pre-running");

    fs::write(&images, format!("switchyard/none:none\n{IMAGE}\n")).unwrap();
    let mut third = start.clone();
    third.index = 2;
    scene.start_instance(&third).await;
    scene.eventually("RUNNING", 3).await;

    let after = left.all();
    assert!(after.contains(&before[0]), "{after:?}");
    let count = |image: &str| after.iter().filter(|one| one[1] == image).count();
    assert_eq!((count(IMAGE), count(&customised.0)), (2, 1));
}

#[tokio::test]
async fn an_agent_that_is_told_to_end_leaves_no_container() {
    if !is_there() {
        return;
    }
    let droplet = Droplet::serve(&[("run", "")]).await;
    let mut scene = Scene::start(DOCKER).await;
    let left = containers(&scene);
    let start = worker(&droplet, "exec sleep 600");
    scene.start_instance(&start).await;
    scene.eventually("RUNNING", 1).await;
    let agent = scene.agent.as_ref().unwrap();
    agent.signal(rustix::process::Signal::TERM);
    assert!(scene.agent_ended().await);
    assert!(left.all().is_empty());
}
