//! The agent is killed at any moment: nothing is lost, and nothing is left over.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use control::wire::{StartMessage, Stop};
use serde_json::Value;

use crate::agent::{DOCKER, containers};
use crate::files::Droplet;
use crate::image::{Containers, is_there};
use crate::scene::{Scene, worker};

/// How often it is killed; `SWITCHYARD_KILLS=100` for the long form.
fn rounds() -> u32 {
    let said = std::env::var("SWITCHYARD_KILLS").ok();
    said.map_or(4, |said| said.parse().unwrap())
}

#[tokio::test]
async fn an_agent_killed_at_any_moment_loses_no_container_and_leaves_none() {
    if !is_there() {
        return;
    }
    let droplet = Droplet::serve(&[("run", "")]).await;
    let start = worker(&droplet, "exec sleep 600");
    let mut scene = Scene::start(DOCKER).await;
    let left = containers(&scene);
    let mut kept = BTreeMap::new();
    for round in 0..rounds() {
        let process = format!("round-{round}");
        begin(&scene, &start, &process).await;
        kill_and_restart(&mut scene).await;
        let running = settled(&mut scene, &left).await;
        let ids = ids(&left);
        for (guid, id) in &kept {
            assert_eq!(ids.get(guid), Some(id), "lost in round {round}");
        }
        kept = ids;
        kept.retain(|guid, _| running.contains(guid));
        // Half of what runs is ended, and the agent killed while it does that.
        if round % 2 == 1 {
            end(&scene, &process).await;
            kill_and_restart(&mut scene).await;
            end(&scene, &process).await;
            gone(&mut scene, &process).await;
            let running = settled(&mut scene, &left).await;
            kept.retain(|guid, _| running.contains(guid));
        }
    }
    for round in 0..rounds() {
        end(&scene, &format!("round-{round}")).await;
    }
    assert!(scene.eventually("RUNNING", 0).await.is_empty());
    settled(&mut scene, &left).await;
    assert!(left.running().is_empty());
}

async fn begin(scene: &Scene, start: &StartMessage, process: &str) {
    for index in 0..2 {
        let mut start = start.clone();
        start.process = process.to_owned();
        start.index = index;
        scene.start_instance(&start).await;
    }
}

async fn end(scene: &Scene, process: &str) {
    let stop = Stop {
        process: process.to_owned(),
        ..Stop::default()
    };
    scene.tell("dea.stop", &stop).await;
}

async fn kill_and_restart(scene: &mut Scene) {
    let after = Duration::from_millis(rand::random_range(0..1500));
    println!("killed after {after:?}");
    // The moment is what is tested, so this is no wait for anything.
    tokio::time::sleep(after).await;
    scene.kill_agent();
    scene.start_agent().await;
}

/// Waits until exactly those containers run whose instances are told as running, and no instance is
/// between two states; says which.
async fn settled(scene: &mut Scene, left: &Containers) -> BTreeSet<String> {
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < SETTLED, "nothing settles");
        let heartbeat = scene.hear("dea.heartbeat", |_| true).await;
        let told = heartbeat["droplets"].as_array().unwrap();
        let states: BTreeSet<&str> = told
            .iter()
            .filter_map(|one| one["state"].as_str())
            .collect();
        let running = guids(told, "RUNNING");
        let calm = states
            .iter()
            .all(|state| ["RUNNING", "CRASHED"].contains(state));
        if calm && left.running() == running {
            return running;
        }
    }
}

/// Waits until nothing of a process runs.
async fn gone(scene: &mut Scene, process: &str) {
    let lives = |one: &Value| one["droplet"] == process && one["state"] != "CRASHED";
    let none = |json: &Value| !json["droplets"].as_array().unwrap().iter().any(lives);
    scene.hear("dea.heartbeat", none).await;
}

/// Longer than any machine takes to start and end a few containers.
const SETTLED: Duration = Duration::from_secs(300);

fn guids(told: &[Value], state: &str) -> BTreeSet<String> {
    let those = told.iter().filter(|one| one["state"] == state);
    those
        .map(|one| one["instance"].as_str().unwrap().to_owned())
        .collect()
}

/// The container of each instance.
fn ids(left: &Containers) -> BTreeMap<String, String> {
    let all = left.all().into_iter();
    all.map(|[id, _, _, instance]| (instance, id)).collect()
}
