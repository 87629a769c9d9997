//! Droplets that are damaged or too large, disks that fill, programs that stop answering: each ends with
//! its reason, and what runs beside it goes on.

use control::wire::{HealthCheck, HealthCheckData, HealthCheckKind, StartMessage};
use serde_json::Value;

use crate::files::Droplet;
use crate::scene::{Scene, runs, web, worker};

fn text(exited: &Value) -> &str {
    exited["exit_description"].as_str().unwrap()
}

/// Starts something of another process than `p1`, which must crash.
async fn crash_of(scene: &mut Scene, mut start: StartMessage) -> Value {
    start.process = "p2".into();
    scene.start_instance(&start).await;
    let exited = scene
        .hear("droplet.exited", |exited| exited["droplet"] == "p2")
        .await;
    assert_eq!(exited["reason"], "CRASHED");
    exited
}

#[tokio::test]
async fn what_cannot_be_unpacked_crashes_with_its_reason_and_others_live_on() {
    let good = Droplet::serve(&[("run", "")]).await;
    let mut scene = Scene::start(&[]).await;
    scene
        .start_instance(&worker(&good, "echo pid=$$; exec sleep 600"))
        .await;
    let running = scene.eventually("RUNNING", 1).await;
    let instance = running[0]["instance"].as_str().unwrap().to_owned();
    let pid = scene.said(&instance, "pid=").await;

    let garbage = Droplet::of(b"no archive at all".to_vec()).await;
    let exited = crash_of(&mut scene, worker(&garbage, "true")).await;
    assert!(
        text(&exited).starts_with("The droplet is damaged: "),
        "{exited}"
    );

    let whole = Droplet::serve(&[("run", "x")]).await;
    let mut wrong = worker(&whole, "true");
    wrong.sha256 = Some("f".repeat(64));
    let exited = crash_of(&mut scene, wrong).await;
    let known = "Could not download the droplet: its digest is";
    assert!(text(&exited).starts_with(known), "{exited}");

    let large = "0".repeat(3 << 20);
    let oversize = Droplet::serve(&[("large", large.as_str())]).await;
    let mut start = worker(&oversize, "true");
    start.limits.disk = 1;
    let exited = crash_of(&mut scene, start).await;
    let known = "The droplet does not fit into the disk quota of 1 MB";
    assert_eq!(text(&exited), known);
    assert_eq!(exited["node_fault"], false);

    assert!(runs(&pid));
    let heartbeat = scene.hear("dea.heartbeat", |_| true).await;
    let all = heartbeat["droplets"].as_array().unwrap();
    let first = all.iter().find(|one| one["instance"] == instance.as_str());
    assert_eq!(first.unwrap()["state"], "RUNNING");
}

#[tokio::test]
async fn an_instance_that_fills_its_disk_crashes_with_its_reason() {
    let droplet = Droplet::serve(&[("run", "")]).await;
    let mut scene = Scene::start(&[]).await;
    let mut start = worker(
        &droplet,
        "dd if=/dev/zero of=full bs=1M count=6 2>/dev/null; exec sleep 600",
    );
    start.limits.disk = 2;
    let exited = crash_of(&mut scene, start).await;
    assert!(
        text(&exited).starts_with("disk quota exceeded (") && text(&exited).ends_with(" of 2 MB)"),
        "{exited}"
    );
    assert_eq!(exited["node_fault"], false);
}

#[tokio::test]
async fn an_instance_that_stops_answering_crashes_with_its_reason() {
    let droplet = Droplet::serve(&[("alive", "yes")]).await;
    let mut scene = Scene::start(&[]).await;
    let mut start = web(&droplet);
    start.health_check = Some(HealthCheck {
        kind: HealthCheckKind::Http,
        data: HealthCheckData {
            timeout: Some(60),
            interval: Some(1),
            invocation_timeout: Some(20),
            endpoint: Some("/alive".into()),
        },
    });
    scene.start_instance(&start).await;
    let route = scene.hear("router.register", |_| true).await;
    let instance = route["private_instance_id"].as_str().unwrap();
    let pid = scene.said(instance, "pid=").await;
    let below = format!("instances/{instance}/app/alive");
    std::fs::remove_file(scene.dir.path().join(below)).unwrap();
    scene.hear("router.unregister", |_| true).await;
    let exited = scene.hear("droplet.exited", |_| true).await;
    assert_eq!(
        text(&exited),
        "failed its health check: GET /alive was answered with 404"
    );
    assert_eq!(exited["reason"], "CRASHED");
    assert!(!runs(&pid));
    scene.eventually("CRASHED", 1).await;
}

#[tokio::test]
async fn a_container_that_nobody_knows_is_removed_and_one_that_is_known_is_not() {
    let droplet = Droplet::serve(&[("run", "")]).await;
    let mut scene = Scene::start(&["--orphan-interval", "1"]).await;
    let start = worker(&droplet, "echo pid=$$; exec sleep 600");
    scene.start_instance(&start).await;
    let orphan = pid_of_the_one(&mut scene).await;
    scene.kill_agent();
    std::fs::remove_file(scene.dir.path().join("db/instances.json")).unwrap();
    scene.start_agent().await;
    scene.start_instance(&start).await;
    let known = pid_of_the_one(&mut scene).await;
    assert!(known != orphan && runs(&orphan));
    let gone = async {
        while runs(&orphan) {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let deadline = std::time::Duration::from_secs(60);
    tokio::time::timeout(deadline, gone).await.unwrap();
    assert!(runs(&known));
    scene.eventually("RUNNING", 1).await;
}

/// The process of the only instance.
async fn pid_of_the_one(scene: &mut Scene) -> String {
    let running = scene.eventually("RUNNING", 1).await;
    let instance = running[0]["instance"].as_str().unwrap();
    scene.said(instance, "pid=").await
}
