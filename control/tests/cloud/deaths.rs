//! Parts of the platform are killed; applications neither die nor miss a request.

use rustix::process::{Pid, Signal, kill_process};

use crate::cloud::{eventually, lives};
use crate::world::{World, command_line, processes_under};

#[test]
fn applications_outlive_the_controller_and_the_agent() {
    let Some(world) = World::start() else { return };
    let before = instances(&world);
    assert!(!before.is_empty());
    for part in [" controller ", " agent "] {
        let victim = world.part(part);
        kill_process(victim, Signal::KILL).unwrap();
        let mut answers = 0;
        eventually("the next life", || {
            let (status, _) = world.get("hello.localhost", "/").unwrap();
            assert_eq!(status, 200, "while {part} was away");
            answers += 1;
            (world.part(part) != victim).then_some(())
        });
        assert!(answers > 0);
        eventually("the API's word that the sample runs", || {
            let output = world.kato_command(&["app", "hello"]).output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            said.contains("1 of 1 running").then_some(())
        });
        assert!(
            before.iter().all(|pid| lives(*pid)),
            "instances died with {part}"
        );
    }
    assert_eq!(instances(&world), before, "instances were started anew");
}

#[test]
fn a_router_that_is_killed_serves_again() {
    let Some(world) = World::start() else { return };
    let victim = world.part("switchyard-router");
    kill_process(victim, Signal::KILL).unwrap();
    assert_eq!(world.cloud.expect("died")["part"], "router");
    world.expect_page("hello.localhost", 200);
    assert_ne!(world.part("switchyard-router"), victim);
}

#[test]
fn an_instance_that_is_killed_is_replaced() {
    let Some(world) = World::start() else { return };
    let before = instances(&world);
    for pid in &before {
        kill_process(*pid, Signal::KILL).unwrap();
    }
    eventually("another instance", || {
        let now = instances(&world);
        let fresh = now.iter().any(|pid| !before.contains(pid));
        let page = world.get("hello.localhost", "/")?;
        (fresh && page.0 == 200).then_some(())
    });
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
    world.cloud.signal(Signal::KILL);
    let (_, dir) = world.cloud.end();
    let Some(world) = World::start_in(dir) else {
        return;
    };
    let dir = world.stop();
    assert!(processes_under(dir.path()).is_empty());
}

/// The processes of the sample's instances.
pub(crate) fn instances(world: &World) -> Vec<Pid> {
    let mut found = processes_under(world.cloud.dir.path());
    found.retain(|pid| command_line(*pid).contains(" static "));
    found
}
