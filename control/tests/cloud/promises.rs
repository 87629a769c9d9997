//! What is promised of a busy cloud: nobody loses a request, and nothing takes more than there is.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use bus::{Bus, BusOptions};
use control::wire::{AgentStatus, Wire};
use rustix::process::{Signal, kill_process};

use crate::cloud::{eventually, lives, within};
use crate::deaths::{WHOLE, expect_running, instances};
use crate::load::Load;
use crate::world::{World, command_line, example};

/// After how long a router that was killed serves again.
const BACK: Duration = Duration::from_secs(2);

#[test]
fn no_request_fails_while_controller_and_agent_are_killed_and_the_router_is_back_in_2_s() {
    let Some(world) = World::start() else { return };
    world.kato(&["scale", "hello", "-i", "2"]);
    let before = instances(&world);
    let load = Load::start(world.router, "hello.localhost");
    for part in [" controller ", " agent "] {
        let victim = world.part(part);
        let killed = Instant::now();
        kill_process(victim, Signal::KILL).unwrap();
        within(WHOLE, killed, "next life", || {
            (world.part(part) != victim).then_some(())
        });
        expect_running(&world, killed, "2 of 2 running");
        println!("without{part}for {:?}", killed.elapsed());
        load.flows();
        let same = before.iter().all(|pid| lives(*pid));
        assert!(same, "instances died with {part}");
        assert_eq!(instances(&world), before, "instances were started anew");
    }
    let said = world.kato(&["scale", "hello", "-i", "3"]);
    assert!(said.contains("3 of 3 running"), "{said}");
    load.expect_no_failure("two deaths and a scale");
    let before = instances(&world);
    let killed = Instant::now();
    kill_process(world.part("switchyard-router"), Signal::KILL).unwrap();
    expect_back(&world, killed);
    expect_running(&world, killed, "3 of 3 running");
    assert_eq!(instances(&world), before, "instances were started anew");
    let load = Load::start(world.router, "hello.localhost");
    load.expect_no_failure("the first requests at the next router");
}

/// Waits until the sample is served again by a router that was killed.
fn expect_back(world: &World, killed: Instant) {
    within(BACK, killed, "the next router", || {
        (world.get("hello.localhost", "/")?.0 == 200).then_some(())
    });
}

#[test]
fn a_router_serves_what_its_last_life_knew_before_anybody_tells_it() {
    let Some(world) = World::start() else { return };
    let snapshot = world.cloud.dir.path().join("routes.snapshot");
    eventually("the route in the snapshot", || {
        let text = fs::read_to_string(&snapshot).ok()?;
        text.contains("hello.localhost").then_some(())
    });
    let voices = [world.part(" controller "), world.part(" agent ")];
    for voice in voices {
        kill_process(voice, Signal::STOP).unwrap();
    }
    let killed = Instant::now();
    kill_process(world.part("switchyard-router"), Signal::KILL).unwrap();
    expect_back(&world, killed);
    for voice in voices {
        kill_process(voice, Signal::CONT).unwrap();
    }
    let load = Load::start(world.router, "hello.localhost");
    load.expect_no_failure("the first requests at the next router");
}

#[test]
fn no_request_fails_while_an_application_is_scaled_and_replaced() {
    let Some(world) = World::start() else { return };
    let manifest = example("static").join("manifest.yml");
    let manifest = manifest.to_str().unwrap();
    world.kato(&["push", "mine", "-f", manifest]);
    world.kato(&["scale", "mine", "-i", "3"]);
    let load = Load::start(world.router, "mine.localhost");
    world.kato(&["push", "mine", "-f", manifest, "--strategy", "rolling"]);
    let said = world.kato(&["app", "mine"]);
    assert!(said.contains("3 of 3 running"), "{said}");
    load.flows();
    for count in ["5", "2"] {
        let said = world.kato(&["scale", "mine", "-i", count]);
        assert!(
            said.contains(&format!("{count} of {count} running")),
            "{said}"
        );
        load.flows();
    }
    // The sample's instance is the third.
    eventually("the end of those that went", || {
        (instances(&world).len() == 3).then_some(())
    });
    load.expect_no_failure("a rolling push and two scales");
}

#[test]
fn no_request_is_cut_off_by_the_end_of_a_program_that_ends_at_once() {
    let Some(world) = World::start() else { return };
    let app = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cloud/abrupt");
    let app = app.to_str().unwrap();
    let push = ["push", "abrupt", "-p", app, "-m", "128M"];
    world.kato(&push);
    world.kato(&["scale", "abrupt", "-i", "3"]);
    // Nobody may try such a request twice.
    let load = Load::start_with(world.router, "abrupt.localhost", "POST");
    world.kato(&[&push[..], &["--strategy", "rolling"]].concat());
    load.flows();
    for count in ["5", "2"] {
        world.kato(&["scale", "abrupt", "-i", count]);
        load.flows();
    }
    load.expect_no_failure("a rolling push and two scales of a program without manners");
}

#[test]
fn twenty_pushes_at_once_are_all_staged_within_the_memory_there_is() {
    let Some(world) = World::start() else { return };
    let manifest = example("static").join("manifest.yml");
    let names: Vec<String> = (0..20).map(|number| format!("app-{number}")).collect();
    let push = |name: &String| {
        let words = ["push", name, "-f", manifest.to_str().unwrap()];
        let mut command = world.kato_command(&words);
        let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        piped.spawn().unwrap()
    };
    let mut pushes: Vec<_> = names.iter().map(push).collect();
    let mut most = 0;
    eventually("the end of twenty pushes", || {
        let status = agent_status(&world);
        assert!(status.reserved_memory <= status.max_memory, "{status:?}");
        most = most.max(status.reserved_memory);
        let mut running = pushes.iter_mut().map(|push| push.try_wait().unwrap());
        running.all(|end| end.is_some()).then_some(())
    });
    println!("at most {most} MB promised");
    for push in pushes {
        let output = push.wait_with_output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{complaint}");
    }
    for name in &names {
        world.expect_page(&format!("{name}.localhost"), 200);
    }
}

/// What the agent says of itself on the bus.
fn agent_status(world: &World) -> AgentStatus {
    let line = command_line(world.part(" agent "));
    let url = line
        .split(' ')
        .find_map(|word| word.strip_prefix("nats://"));
    let address: SocketAddr = url.unwrap().parse().unwrap();
    let options = BusOptions {
        servers: vec![address.into()],
        ..BusOptions::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let bus = Bus::connect(options).await.unwrap();
        let reply = bus.request("dea.status", "{}".into()).await.unwrap();
        AgentStatus::decode(&reply.payload).unwrap()
    })
}
