//! How instances end by themselves, and what is said of it.

use control::wire::{HealthCheck, HealthCheckData, HealthCheckKind};
use rustix::process::{Pid, Signal};
use serde_json::Value;

use crate::files::Droplet;
use crate::scene::{Scene, runs, worker};

/// The end of the instance that is started with this.
async fn end_of(change: impl FnOnce(&mut control::wire::StartMessage)) -> (Value, Scene) {
    let droplet = Droplet::serve(&[("run", "")]).await;
    let mut scene = Scene::start(&["--memory-mb", "1000"]).await;
    let mut start = worker(&droplet, "true");
    change(&mut start);
    scene.start_instance(&start).await;
    let exited = scene.hear("droplet.exited", |_| true).await;
    assert_eq!(exited["reason"], "CRASHED");
    assert!(exited["crash_timestamp"].as_f64().unwrap() > 0.0);
    (exited, scene)
}

fn text(exited: &Value) -> &str {
    exited["exit_description"].as_str().unwrap()
}

#[tokio::test]
async fn a_crash_is_told_with_its_status_and_last_words() {
    let (exited, mut scene) =
        end_of(|start| start.start_command = Some("echo no such luck >&2; exit 3".into())).await;
    assert_eq!(exited["exit_status"], 3);
    assert_eq!(
        text(&exited),
        "app instance exited (exit status 3): no such luck"
    );
    assert_eq!(exited["node_fault"], false);
    scene.eventually("CRASHED", 1).await;
}

#[tokio::test]
async fn too_much_memory_is_out_of_memory() {
    let hog = "exec python3 -c 'x = bytearray(200 << 20)\nimport time\ntime.sleep(600)'";
    let (exited, _scene) = end_of(|start| start.start_command = Some(hog.into())).await;
    assert_eq!(text(&exited), "out of memory (limit 64 MB)");
    assert_eq!(exited["exit_status"], -1);
}

#[tokio::test]
async fn a_wrong_digest_is_no_droplet() {
    let (exited, _scene) = end_of(|start| start.sha256 = Some("0".repeat(64))).await;
    assert!(text(&exited).starts_with("Could not download the droplet: its digest is"));
    assert_eq!(exited["node_fault"], true);
}

#[tokio::test]
async fn a_droplet_that_is_not_there_is_told() {
    let (exited, _scene) =
        end_of(|start| start.executable_uri = start.executable_uri.replace("droplet", "none"))
            .await;
    assert_eq!(
        text(&exited),
        "Could not download the droplet: the answer was 404 Not Found"
    );
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_numbers() {
    let (exited, _scene) = end_of(|start| start.limits.mem = 1001).await;
    assert_eq!(
        text(&exited),
        "Not enough memory resource available. 1001 MB wanted, 1000 MB free."
    );
    assert_eq!(exited["node_fault"], true);
}

#[tokio::test]
async fn an_instance_that_never_answers_is_told_why() {
    let (exited, _scene) = end_of(|start| {
        start.start_command = Some("sleep 600".into());
        start.health_check = Some(HealthCheck {
            kind: HealthCheckKind::Port,
            data: HealthCheckData {
                timeout: Some(1),
                ..HealthCheckData::default()
            },
        });
    })
    .await;
    let text = text(&exited);
    let known = "failed to accept connections within health check timeout (1 s): port ";
    assert!(text.starts_with(known), "{text}");
    assert!(
        text.ends_with("listen on 0.0.0.0 and on the port in $PORT"),
        "{text}"
    );
}

#[tokio::test]
async fn a_program_that_will_not_end_is_killed_after_its_grace() {
    let droplet = Droplet::serve(&[("run", "")]).await;
    let mut scene = Scene::start(&[]).await;
    let command = "trap '' TERM; echo pid=$$; while :; do sleep 0.05; done";
    let mut start = worker(&droplet, command);
    start.other.insert("stop_grace_period".into(), 1.into());
    scene.start_instance(&start).await;
    let running = scene.eventually("RUNNING", 1).await;
    let pid = scene
        .said(running[0]["instance"].as_str().unwrap(), "pid=")
        .await;
    let stop = control::wire::Stop {
        process: "p1".into(),
        ..control::wire::Stop::default()
    };
    scene.tell("dea.stop", &stop).await;
    let exited = scene.hear("droplet.exited", |_| true).await;
    assert_eq!(exited["reason"], "STOPPED");
    assert!(!runs(&pid));
}

#[tokio::test]
async fn a_killed_keeper_leaves_no_program_behind() {
    let droplet = Droplet::serve(&[("run", "")]).await;
    let mut scene = Scene::start(&[]).await;
    let command = "echo pid=$$; echo keeper=$PPID; exec sleep 600";
    scene.start_instance(&worker(&droplet, command)).await;
    let running = scene.eventually("RUNNING", 1).await;
    let instance = running[0]["instance"].as_str().unwrap();
    let (pid, keeper) = (
        scene.said(instance, "pid=").await,
        scene.said(instance, "keeper=").await,
    );
    let keeper = Pid::from_raw(keeper.parse().unwrap()).unwrap();
    rustix::process::kill_process(keeper, Signal::KILL).unwrap();
    let exited = scene.hear("droplet.exited", |_| true).await;
    assert_eq!(text(&exited), "app instance exited (nobody saw how)");
    assert!(!runs(&pid));
}
