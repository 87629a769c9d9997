//! The rules of the reconciler, one by one.

use crate::model::{CrashCount, InstanceState, Micros};
use crate::wire::ExitReason;

use super::model::{RealAgent, World};
use super::*;

fn reasons(world: &World) -> Vec<StartReason> {
    let reason = |(_, action): &(i64, Action)| match action {
        Action::Start { reason, .. } => Some(*reason),
        Action::Stop { .. } => None,
    };
    world.log.iter().filter_map(reason).collect()
}

#[test]
fn what_is_newly_desired_is_started_at_once() {
    let mut world = World::settled(2, 2);
    world.desire("p", "v1", 4);
    world.run(1);
    assert_eq!(reasons(&world), [StartReason::Changed; 2]);
    world.run(5);
    assert_eq!(world.serving("p", "v1"), [0, 1, 2, 3]);
}

#[test]
fn a_start_that_its_node_fails_is_tried_ever_more_rarely_and_never_given_up() {
    let mut world = World::settled(1, 1);
    let mut waits = Vec::new();
    for _ in 0..7 {
        let (begin, known) = (world.second, world.starts().len());
        let guid = world.agents[0].instances[0].instance.clone();
        let why = "Could not download the droplet";
        world.end(&guid, ExitReason::Crashed, why);
        while world.starts().len() == known {
            world.run(1);
        }
        waits.push(world.starts()[known].0 - begin);
    }
    for (wait, expected) in waits.iter().zip([10, 20, 40, 60, 60, 60, 60]) {
        assert!((wait - expected).abs() <= 2, "{waits:?}");
    }
    assert!(world.health.flapping("p").is_empty());
    world.run(10);
    assert_eq!(world.serving("p", "v1"), [0]);
}

#[test]
fn scaling_in_stops_the_highest_indices() {
    let mut world = World::settled(2, 3);
    world.desire("p", "v1", 1);
    world.run(1);
    let mut stops = world.stops();
    stops.sort_unstable_by_key(|(index, _)| *index);
    assert_eq!(stops, [(1, StopReason::Extra), (2, StopReason::Extra)]);
    assert_eq!(world.living("p"), [0]);
}

#[test]
fn a_stopped_process_is_stopped_whole() {
    let mut world = World::settled(2, 2);
    world.desire("p", "v1", 0);
    world.run(1);
    assert!(world.living("p").is_empty());
    world.run(300);
    assert!(world.starts().is_empty());
}

#[test]
fn a_deleted_process_is_stopped_at_once_and_a_forgotten_one_after_two_snapshots() {
    let mut world = World::settled(2, 1);
    world.desired.clear();
    world.health.removed("p");
    world.run(1);
    assert_eq!(world.stops(), [(0, StopReason::Unknown)]);

    let mut world = World::settled(2, 1);
    world.desired.clear();
    world.health.desired(world.now(), Vec::new());
    world.run(1);
    assert!(world.log.is_empty());
    world.health.desired(world.now(), Vec::new());
    world.run(1);
    assert_eq!(world.stops(), [(0, StopReason::Unknown)]);
}

#[test]
fn an_instance_that_its_agent_does_not_name_any_more_is_missing_after_thirty_seconds() {
    let mut world = World::settled(2, 1);
    let begin = world.second;
    world
        .agents
        .iter_mut()
        .for_each(|agent| agent.instances.clear());
    world.run(100);
    assert_eq!(reasons(&world), [StartReason::Missing]);
    let waited = world.starts()[0].0 - begin;
    assert!((30..=50).contains(&waited), "{waited}");
}

#[test]
fn instances_of_a_silent_node_are_started_elsewhere_and_only_they() {
    let mut world = World::settled(3, 6);
    let lost = world.agents.remove(0).instances;
    world.run(120);
    let mut started: Vec<u32> = world.starts().iter().map(|(_, index)| *index).collect();
    started.sort_unstable();
    let mut expected: Vec<u32> = lost.iter().map(|instance| instance.index).collect();
    expected.sort_unstable();
    assert_eq!((started, world.stops()), (expected, Vec::new()));
    assert!(
        reasons(&world)
            .iter()
            .all(|reason| *reason == StartReason::NodeGone)
    );
}

#[test]
fn an_agent_that_is_restarted_keeps_what_it_runs() {
    let mut world = World::settled(2, 4);
    world.agents[0].id = "0-new".into();
    world.run(600);
    assert!(world.log.is_empty(), "{:?}", world.log);
}

#[test]
fn crashes_are_answered_at_once_then_later_then_never() {
    let mut world = World::settled(1, 1);
    // The run before was long and healthy, so the count begins here.
    let mut waits = Vec::new();
    for crash in 0..4 {
        let begin = world.second;
        world.crash("p", 0);
        let flaps = !world.health.flapping("p").is_empty();
        assert_eq!(flaps, crash > 0, "flapping from the second crash on");
        let known = world.starts().len();
        while world.starts().len() == known {
            world.run(1);
        }
        waits.push(world.starts()[known].0 - begin);
        world.run(10);
    }
    for (wait, expected) in waits.iter().zip([1, 60, 120, 240]) {
        assert!((wait - expected).abs() <= 6, "{waits:?}");
    }
    world.crash("p", 0);
    let known = world.starts().len();
    world.run(3_000);
    assert_eq!(world.starts().len(), known, "given up");
    let report = &world.health.instances("p")[0];
    assert_eq!(report.state, InstanceState::Crashed);
    assert_eq!(report.details.as_deref(), Some("app instance exited"));
    assert_eq!(
        (
            world.health.crashes("p").len(),
            world.health.flapping("p").len()
        ),
        (5, 1)
    );
}

#[test]
fn ten_minutes_without_a_controller_restart_nothing() {
    let mut world = World::settled(3, 6);
    world.control = false;
    world.run(600);
    world.restart_control();
    world.run(600);
    assert!(world.log.is_empty(), "{:?}", world.log);
}

#[test]
fn a_delay_that_is_nearly_over_is_kept_by_the_next_controller() {
    let mut world = World::settled(1, 1);
    world.crash("p", 0);
    world.run(5);
    let crashed = world.second;
    world.crash("p", 0);
    let counts = world.health.take_crash_counts();
    world.run(45);
    world.log.clear();
    world.restart_control_knowing(&counts);
    world.run(60);
    let waited = world.starts()[0].0 - crashed;
    assert!((55..=66).contains(&waited), "{waited}");
    assert_eq!(world.starts().len(), 1);
}

#[test]
fn a_delay_that_ends_before_it_is_known_what_runs_starts_nothing_twice() {
    let mut world = World::settled(2, 1);
    let runs = |agent: &RealAgent| !agent.instances.is_empty();
    let home = world.agents.iter().position(runs).unwrap();
    // The last leader has just restarted it, a little early.
    let counts = [CrashCount {
        process: "p".into(),
        version: "v1".into(),
        index: 0,
        crashes: 2,
        last: Micros::from_seconds(world.second - 58),
    }];
    world.agents[home].cut_until = world.second + 20;
    world.restart_control_knowing(&counts);
    world.run(100);
    assert!(world.log.is_empty(), "{:?}", world.log);
}

#[test]
fn a_clock_that_is_off_hides_no_crash_loop_and_makes_none() {
    for off in [-7_200.0, 7_200.0] {
        let mut world = World::settled(1, 1);
        world.agents[0].clock_off = off;
        for _ in 0..5 {
            world.crash("p", 0);
            world.run(300);
        }
        assert!(world.living("p").is_empty(), "given up with {off}");

        let mut world = World::settled(1, 1);
        world.agents[0].clock_off = off;
        world.crash("p", 0);
        world.run(600);
        world.crash("p", 0);
        world.run(5);
        assert_eq!(world.serving("p", "v1"), [0], "forgiven with {off}");
    }
}

#[test]
fn a_new_version_begins_with_a_clean_record() {
    let mut world = World::settled(1, 1);
    for _ in 0..5 {
        world.crash("p", 0);
        world.run(300);
    }
    assert!(world.living("p").is_empty());
    world.desire("p", "v2", 1);
    world.run(5);
    assert_eq!(world.serving("p", "v2"), [0]);
}

#[test]
fn a_healthy_run_of_500_seconds_forgets_the_crashes_before_it() {
    let mut world = World::settled(1, 1);
    for _ in 0..8 {
        world.crash("p", 0);
        let begin = world.second;
        let known = world.starts().len();
        world.run(600);
        assert!(world.starts()[known].0 - begin <= 2);
    }
}

#[test]
fn what_the_node_did_is_not_counted_against_the_application() {
    let mut world = World::settled(2, 1);
    for _ in 0..10 {
        let guid = world
            .agents
            .iter()
            .flat_map(|a| &a.instances)
            .next()
            .unwrap()
            .instance
            .clone();
        world.end(
            &guid,
            ExitReason::Crashed,
            "Not enough memory resource available.",
        );
        world.run(15);
        assert_eq!(world.serving("p", "v1").len(), 1);
    }
    assert!(world.health.flapping("p").is_empty());
}

#[test]
fn a_crash_that_is_told_twice_is_counted_once() {
    let mut world = World::settled(1, 1);
    let ended = world.agents[0].instances[0].clone();
    world.crash("p", 0);
    world.run(5);
    world.say_exit(&ended, ExitReason::Crashed, "app instance exited");
    world.run(100);
    assert_eq!(world.starts().len(), 1);
}

#[test]
fn an_evacuated_instance_is_stopped_when_its_replacement_runs() {
    let mut world = World::settled(2, 2);
    world.evacuate(0);
    world.run(2);
    assert!(
        reasons(&world)
            .iter()
            .all(|reason| *reason == StartReason::Evacuated)
    );
    assert_eq!((world.starts().len(), world.stops().len()), (1, 0));
    world.run(3);
    assert_eq!(world.stops().len(), 1);
    assert!(world.agents[0].instances.is_empty());
    assert_eq!(world.serving("p", "v1"), [0, 1]);
}

#[test]
fn an_instance_that_is_evacuated_as_soon_as_it_is_heard_is_replaced_at_once() {
    let mut world = World::settled(1, 1);
    world.desire("p", "v1", 2);
    world.run(1);
    world.add_agent();
    world.evacuate(0);
    world.run(5);
    assert_eq!(world.serving("p", "v1"), [0, 1]);
}

#[test]
fn a_shutdown_is_no_crash_and_goes_first() {
    let mut world = World::settled(2, 2);
    let gone = world.agents.remove(0);
    for instance in &gone.instances {
        world.say_exit(instance, ExitReason::Shutdown, "");
    }
    world.run(1);
    let urgent = |(_, action): &(i64, Action)| {
        matches!(
            action,
            Action::Start {
                priority: Priority::High,
                ..
            }
        )
    };
    assert!(world.log.len() == gone.instances.len() && world.log.iter().all(urgent));
}

#[test]
fn of_two_instances_of_one_index_the_younger_goes_after_a_while() {
    let mut world = World::settled(2, 1);
    let home = world
        .agents
        .iter()
        .position(|agent| !agent.instances.is_empty())
        .unwrap();
    let mut twin = world.agents[home].instances[0].clone();
    (twin.instance, twin.state_timestamp) = ("twin".into(), world.second as f64);
    world.agents[1 - home].instances.push(twin);
    world.run(110);
    assert!(world.log.is_empty());
    world.run(40);
    assert_eq!(world.stops(), [(0, StopReason::Duplicate)]);
    assert_eq!(world.agents[home].instances.len(), 1);
}

#[test]
fn a_start_without_room_is_tried_again_until_there_is() {
    let mut world = World::settled(1, 1);
    world.agents[0].evacuating = true;
    world.desire("p", "v1", 2);
    for _ in 0..30 {
        let known = world.starts().len();
        world.run(1);
        if world.starts().len() > known {
            world.health.unplaced(world.now(), "p", 1, "no room");
            let report = &world.health.instances("p")[1];
            assert_eq!(report.details.as_deref(), Some("no room"));
        }
    }
    assert!(
        (3..=4).contains(&world.starts().len()),
        "{:?}",
        world.starts()
    );
    world.agents[0].evacuating = false;
    world.health.room_appeared(world.now());
    world.run(5);
    assert_eq!(world.serving("p", "v1"), [0, 1]);
}

#[test]
fn stale_desired_state_is_not_acted_upon() {
    let mut world = World::settled(2, 2);
    // The store cannot be read, but the bus works.
    let (first, last) = (world.second + 1, world.second + 400);
    for second in first..=last {
        world.second = second;
        (0..2).for_each(|at| world.beat(at));
        if second == last - 100 {
            world
                .agents
                .iter_mut()
                .for_each(|agent| agent.instances.clear());
        }
        let now = world.now();
        let actions = world.health.tick(now, &mut rand::rng());
        assert!(actions.is_empty(), "{actions:?}");
    }
}
