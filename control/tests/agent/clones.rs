//! A machine, or an agent's directory, that was copied: two nodes, each with a name of its own.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::files::Droplet;
use crate::node::Agent;
use crate::scene::{DEADLINE, Scene, runs, worker};

/// Copies files and directories; what else is there belongs to processes.
fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&to).unwrap();
            copy(&entry.path(), &to);
        } else if let Err(error) = fs::copy(entry.path(), &to) {
            assert_eq!(error.kind(), ErrorKind::NotFound, "{entry:?}");
        }
    }
}

/// What the agent of this number says of itself.
async fn advertised(scene: &mut Scene, index: char, is_it: impl Fn(&Value) -> bool) -> Value {
    let nothing: &[u8] = b"{}";
    scene
        .bus
        .publish("dea.locate", nothing.into())
        .await
        .unwrap();
    let of = |ad: &Value| ad["id"].as_str().unwrap().starts_with(index);
    scene.hear("dea.advertise", |ad| of(ad) && is_it(ad)).await
}

/// What the one agent has, told now.
async fn all(scene: &mut Scene) -> Vec<Value> {
    let nothing: &[u8] = b"{}";
    let asking = scene.bus.publish("healthmanager.start", nothing.into());
    asking.await.unwrap();
    scene.eventually("RUNNING", 1).await
}

/// A scene with one instance, that instance's process, and the name of the node.
async fn original() -> (Scene, String, Value) {
    let droplet = Droplet::serve(&[("run", "")]).await;
    let mut scene = Scene::start(&[]).await;
    let start = worker(&droplet, "echo pid=$$; exec sleep 600");
    scene.start_instance(&start).await;
    let running = scene.eventually("RUNNING", 1).await;
    let instance = running[0]["instance"].as_str().unwrap();
    let pid = scene.said(instance, "pid=").await;
    let name = advertised(&mut scene, '0', |_| true).await["node"].clone();
    (scene, pid, name)
}

#[tokio::test]
async fn a_copied_directory_is_another_node_and_leaves_the_first_ones_instances_in_peace() {
    let (mut scene, pid, name) = original().await;
    let before = all(&mut scene).await;
    scene.kill_agent();
    let dir = TempDir::new().unwrap();
    copy(scene.dir.path(), dir.path());
    scene.start_agent().await;
    let again = advertised(&mut scene, '0', |_| true).await;
    assert_eq!(again["node"], name, "restarted where it was");

    let mut ends = scene.bus.subscribe("droplet.exited").await.unwrap();
    scene.bus.flush().await.unwrap();
    let mut clone = Agent::start(dir.path(), &scene.nats(), &["--index", "1"]);
    let ad = advertised(&mut scene, '1', |_| true).await;
    assert_ne!(ad["node"], name);
    assert_eq!(ad["app_id_to_count"], json!({}));
    for forgotten in ["instances", "containers", "offsets"] {
        let left = fs::read_dir(dir.path().join(forgotten)).unwrap().count();
        assert_eq!(left, 0, "{forgotten}");
    }
    clone.signal(Signal::TERM);
    assert!(timeout(DEADLINE, clone.ended()).await.unwrap());

    assert!(runs(&pid));
    let after = all(&mut scene).await;
    assert_eq!(after[0]["instance"], before[0]["instance"]);
    let last: &[u8] = b"the last one";
    scene
        .bus
        .publish("droplet.exited", last.into())
        .await
        .unwrap();
    let first = timeout(DEADLINE, ends.next()).await.unwrap().unwrap();
    assert_eq!(first.payload, last, "nothing has ended");
}

#[tokio::test]
async fn of_two_agents_with_one_name_the_one_without_instances_takes_another() {
    let (mut scene, _pid, name) = original().await;
    let dir = TempDir::new().unwrap();
    // As if nothing told one machine from the other.
    let file = dir.path().join("node-name");
    fs::write(&file, name.as_str().unwrap()).unwrap();
    let _clone = Agent::start(dir.path(), &scene.nats(), &["--index", "1"]);
    let ad = advertised(&mut scene, '1', |_| true).await;
    assert_eq!(ad["node"], name);
    let ad = advertised(&mut scene, '1', |ad| ad["node"] != name).await;
    let kept = fs::read_to_string(&file).unwrap();
    assert_eq!(kept.lines().next(), ad["node"].as_str());
    let kept = advertised(&mut scene, '0', |_| true).await;
    assert_eq!(kept["node"], name);
}
