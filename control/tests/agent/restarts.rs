//! The agent ends, in each of its ways, and instances are as they should be.

use rustix::process::{Pid, Signal};

use crate::files::Droplet;
use crate::node::Agent;
use crate::scene::{Scene, runs, web, worker};

#[tokio::test]
async fn instances_outlive_a_killed_agent_untouched() {
    let droplet = Droplet::serve(&[("index.html", "hello")]).await;
    let mut scene = Scene::start(&[]).await;
    scene.start_instance(&web(&droplet)).await;
    let before = scene.hear("router.register", |_| true).await;
    let instance = before["private_instance_id"].as_str().unwrap().to_owned();
    let pid = scene.said(&instance, "pid=").await;

    scene.kill_agent();
    assert!(runs(&pid));
    let addr = format!("127.0.0.1:{}", before["port"]);
    tokio::net::TcpStream::connect(&addr).await.unwrap();

    scene.start_agent().await;
    let after = scene.hear("router.register", |_| true).await;
    assert_eq!(after, before);
    let running = scene.eventually("RUNNING", 1).await;
    assert_eq!(running[0]["instance"], instance);
    assert!(runs(&pid));
}

#[tokio::test]
async fn an_end_while_no_agent_was_there_is_told_afterwards() {
    let droplet = Droplet::serve(&[("run", "")]).await;
    let mut scene = Scene::start(&[]).await;
    let command = "echo pid=$$; trap 'exit 7' TERM; while :; do sleep 0.05; done";
    scene.start_instance(&worker(&droplet, command)).await;
    let running = scene.eventually("RUNNING", 1).await;
    let instance = running[0]["instance"].as_str().unwrap().to_owned();
    let pid = scene.said(&instance, "pid=").await;
    scene.kill_agent();
    let raw = Pid::from_raw(pid.parse().unwrap()).unwrap();
    rustix::process::kill_process(raw, Signal::TERM).unwrap();
    scene.start_agent().await;
    let exited = scene.hear("droplet.exited", |_| true).await;
    assert_eq!(
        (&exited["exit_status"], &exited["reason"]),
        (&7.into(), &"CRASHED".into())
    );
}

#[tokio::test]
async fn an_agent_that_is_told_to_end_takes_its_instances_along() {
    let droplet = Droplet::serve(&[("run", "")]).await;
    let mut scene = Scene::start(&[]).await;
    scene
        .start_instance(&worker(&droplet, "echo pid=$$; exec sleep 600"))
        .await;
    let running = scene.eventually("RUNNING", 1).await;
    let pid = scene
        .said(running[0]["instance"].as_str().unwrap(), "pid=")
        .await;
    scene.agent.as_ref().unwrap().signal(Signal::TERM);
    scene.hear("dea.shutdown", |_| true).await;
    let exited = scene.hear("droplet.exited", |_| true).await;
    assert_eq!(exited["reason"], "DEA_SHUTDOWN");
    assert!(scene.agent_ended().await);
    assert!(!runs(&pid));
}

#[tokio::test]
async fn an_evacuated_instance_serves_until_it_is_stopped() {
    let droplet = Droplet::serve(&[("index.html", "hello")]).await;
    let mut scene = Scene::start(&[]).await;
    scene.start_instance(&web(&droplet)).await;
    let route = scene.hear("router.register", |_| true).await;
    scene.agent.as_ref().unwrap().signal(Signal::USR2);
    scene.hear("dea.shutdown", |_| true).await;
    let exited = scene.hear("droplet.exited", |_| true).await;
    assert_eq!(exited["reason"], "DEA_EVACUATION");
    scene.eventually("EVACUATING", 1).await;
    let addr = format!("127.0.0.1:{}", route["port"]);
    tokio::net::TcpStream::connect(&addr).await.unwrap();

    let stop = control::wire::Stop {
        process: "p1".into(),
        ..control::wire::Stop::default()
    };
    scene.tell("dea.stop", &stop).await;
    scene.hear("router.unregister", |_| true).await;
    assert!(scene.agent_ended().await);
}

#[tokio::test]
async fn an_agent_that_took_up_instances_ends_them_when_it_is_told_to_end() {
    let (mut scene, pid) = left_by_a_killed_agent().await;
    scene.start_agent().await;
    scene.agent.as_ref().unwrap().signal(Signal::TERM);
    assert!(scene.agent_ended().await);
    assert!(!runs(&pid));
}

#[tokio::test]
async fn an_agent_that_is_told_to_end_before_it_has_a_bus_ends_what_was_left() {
    let (scene, pid) = left_by_a_killed_agent().await;
    // Takes connections and never says a word.
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nats = format!("nats://{}", mute.local_addr().unwrap());
    let mut agent = Agent::start(scene.dir.path(), &nats, &[]);
    let _held = mute.accept().await.unwrap();
    agent.signal(Signal::TERM);
    assert!(agent.ended().await);
    assert!(!runs(&pid));
}

#[tokio::test]
async fn what_a_killed_agent_left_can_be_cleared_and_is_no_crash_for_the_next_one() {
    let (mut scene, pid) = left_by_a_killed_agent().await;
    let mut clear = Agent::start(scene.dir.path(), "nats://127.0.0.1:1", &["--clear", "5"]);
    assert!(clear.ended().await);
    assert!(!runs(&pid));
    scene.start_agent().await;
    scene.eventually("RUNNING", 0).await;
}

#[tokio::test]
async fn a_container_whose_record_was_removed_ends() {
    let (scene, pid) = left_by_a_killed_agent().await;
    std::fs::remove_dir_all(scene.dir.path().join("containers")).unwrap();
    let ending = async {
        while runs(&pid) {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let deadline = std::time::Duration::from_secs(60);
    tokio::time::timeout(deadline, ending).await.unwrap();
}

/// A scene whose agent was killed while an instance ran, and that instance's process.
async fn left_by_a_killed_agent() -> (Scene, String) {
    let droplet = Droplet::serve(&[("run", "")]).await;
    let mut scene = Scene::start(&[]).await;
    let command = "echo pid=$$; exec sleep 600";
    scene.start_instance(&worker(&droplet, command)).await;
    let running = scene.eventually("RUNNING", 1).await;
    let instance = running[0]["instance"].as_str().unwrap();
    let pid = scene.said(instance, "pid=").await;
    scene.kill_agent();
    assert!(runs(&pid));
    (scene, pid)
}
