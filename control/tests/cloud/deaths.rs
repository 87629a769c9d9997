//! Parts of the platform are killed; applications neither die nor miss a request.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::cloud::{lives, within};
use crate::world::{World, command_line, example, processes_under};

/// After how long everything is whole again, whatever was killed.
pub(crate) const WHOLE: Duration = Duration::from_secs(30);

/// After how long an instance that died is back.
const REPLACED: Duration = Duration::from_secs(10);

/// After how long a change of the number of instances is carried out.
const CONVERGED: Duration = Duration::from_secs(15);

#[test]
fn applications_outlive_the_controller_and_the_agent_and_all_is_whole_within_30_s() {
    let Some(world) = World::start() else { return };
    let before = instances(&world);
    assert!(!before.is_empty());
    for part in [" controller ", " agent "] {
        let victim = world.part(part);
        kill_process(victim, Signal::KILL).unwrap();
        let killed = Instant::now();
        let mut answers = 0;
        within(WHOLE, killed, "next life", || {
            let (status, _) = world.get("hello.localhost", "/").unwrap();
            assert_eq!(status, 200, "while {part} was away");
            answers += 1;
            (world.part(part) != victim).then_some(())
        });
        assert!(answers > 0);
        expect_running(&world, killed, "1 of 1 running");
        println!("whole without{part}after {:?}", killed.elapsed());
        assert!(
            before.iter().all(|pid| lives(*pid)),
            "instances died with {part}"
        );
    }
    assert_eq!(instances(&world), before, "instances were started anew");
}

/// Waits until the API says that so many of the sample's instances run.
pub(crate) fn expect_running(world: &World, since: Instant, count: &str) {
    within(WHOLE, since, "word that the sample runs", || {
        let output = world.kato_command(&["app", "hello"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        said.contains(count).then_some(())
    });
}

#[test]
fn a_router_that_is_killed_serves_again_and_all_is_whole_within_30_s() {
    let Some(world) = World::start() else { return };
    let victim = world.part("switchyard-router");
    kill_process(victim, Signal::KILL).unwrap();
    let killed = Instant::now();
    assert_eq!(world.cloud.expect("died")["part"], "router");
    for host in ["hello.localhost", "api.localhost"] {
        within(WHOLE, killed, host, || {
            (world.get(host, "/")?.0 == 200).then_some(())
        });
    }
    println!("whole after {:?}", killed.elapsed());
    assert_ne!(world.part("switchyard-router"), victim);
}

#[test]
fn an_instance_that_is_killed_is_replaced_within_10_s() {
    let Some(world) = World::start() else { return };
    let before = instances(&world);
    for pid in &before {
        kill_process(*pid, Signal::KILL).unwrap();
    }
    let killed = Instant::now();
    within(REPLACED, killed, "another instance", || {
        let now = instances(&world);
        let fresh = now.iter().any(|pid| !before.contains(pid));
        let page = world.get("hello.localhost", "/")?;
        (fresh && page.0 == 200).then_some(())
    });
    println!("replaced after {:?}", killed.elapsed());
}

#[test]
fn an_instance_that_dies_with_the_controller_and_the_agent_is_back_within_30_s() {
    let Some(world) = World::start() else { return };
    let before = instances(&world);
    let parts = [world.part(" controller "), world.part(" agent ")];
    for victim in parts.iter().chain(&before) {
        kill_process(*victim, Signal::KILL).unwrap();
    }
    let killed = Instant::now();
    within(WHOLE, killed, "another instance", || {
        let (status, _) = world.get("hello.localhost", "/")?;
        (status == 200).then_some(())
    });
    expect_running(&world, killed, "1 of 1 running");
    println!("whole after {:?}", killed.elapsed());
}

#[test]
fn a_second_start_on_the_same_directory_serves_everything_within_30_s() {
    let Some(world) = World::start() else { return };
    let app = example("static");
    world.kato(&["push", "mine", "-p", app.to_str().unwrap()]);
    let dir = world.stop();
    let dir = serves_again(dir, "stopped").stop_hard();
    serves_again(dir, "killed");
}

fn serves_again(dir: tempfile::TempDir, after: &str) -> World {
    let began = Instant::now();
    let world = World::start_in(dir).unwrap();
    for host in ["hello.localhost", "mine.localhost"] {
        within(WHOLE, began, host, || {
            (world.get(host, "/")?.0 == 200).then_some(())
        });
    }
    println!(
        "{after} and started again: serves after {:?}",
        began.elapsed()
    );
    world
}

#[test]
fn a_cloud_that_is_stopped_without_its_agent_leaves_nothing_behind() {
    let Some(world) = World::start() else { return };
    let before = instances(&world);
    assert!(!before.is_empty());
    kill_process(world.part(" agent "), Signal::KILL).unwrap();
    let dir = world.stop();
    assert!(processes_under(dir.path()).is_empty());
    assert!(before.iter().all(|pid| !lives(*pid)));
}

#[test]
fn a_cloud_that_was_killed_and_started_again_leaves_nothing_behind() {
    let Some(world) = World::start() else { return };
    let dir = world.stop_hard();
    let Some(world) = World::start_in(dir) else {
        return;
    };
    let dir = world.stop();
    assert!(processes_under(dir.path()).is_empty());
}

#[test]
fn as_many_instances_run_as_are_wanted_within_15_s() {
    let Some(world) = World::start() else { return };
    for count in [4, 1, 2] {
        let asked = Instant::now();
        world.kato(&["scale", "hello", "-i", &count.to_string()]);
        within(CONVERGED, asked, "right number of instances", || {
            (instances(&world).len() == count).then_some(())
        });
        println!("{count} after {:?}", asked.elapsed());
    }
}

/// The processes of the sample's instances.
pub(crate) fn instances(world: &World) -> Vec<Pid> {
    let mut found = processes_under(world.cloud.dir.path());
    found.retain(|pid| command_line(*pid).contains(" static "));
    found
}
