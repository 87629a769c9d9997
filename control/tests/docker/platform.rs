//! A whole micro cloud whose builds and instances are containers.

use std::fs;
use std::process::Stdio;

use rustix::process::Signal;

use crate::cloud::{eventually, lives};
use crate::image::{Containers, Customised, IMAGE, is_there};
use crate::world::{World, example};

/// A cloud on Docker, and its containers.
fn start() -> Option<(World, Containers)> {
    if !is_there() {
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    // Links resolved, as the agent does: its containers see the directory by its full path.
    let node = dir.path().canonicalize().unwrap().join("agent");
    let words = ["--runtime", "docker", "--docker-images", IMAGE];
    let world = World::start_with(dir, &words)?;
    Some((world, Containers::of(&node)))
}

fn push(world: &World, name: &str, app: &str) -> String {
    let path = example(app);
    world.kato(&["push", name, "-p", path.to_str().unwrap()])
}

fn count(containers: &Containers, wanted: usize) {
    eventually(&format!("{wanted} containers"), || {
        let running = containers.running().len();
        (running == wanted && containers.all().len() == wanted).then_some(())
    });
}

#[test]
fn applications_are_staged_and_run_in_containers_until_the_cloud_ends() {
    let Some((world, containers)) = start() else {
        return;
    };
    // The sample was staged and runs in a container, or the cloud would not be ready.
    count(&containers, 1);
    let said = push(&world, "snake", "python");
    assert!(said.contains("detected: python"), "{said}");
    let page = world.expect_page("snake.localhost", 200);
    assert!(page.contains("from Python"), "{page}");
    push(&world, "site", "static");
    world.expect_page("site.localhost", 200);
    world.kato(&["scale", "snake", "-i", "2"]);
    count(&containers, 4);
    assert!(containers.all().iter().all(|[_, image, ..]| image == IMAGE));
    let log = eventually("a line of the program", || {
        world.get("snake.localhost", "/")?;
        let log = world.kato(&["logs", "snake", "--recent"]);
        log.contains("APP/PROC/WEB").then_some(log)
    });
    assert!(log.contains("Container is running"), "{log}");
    world.kato(&["delete", "site", "-r"]);
    count(&containers, 3);
    world.expect_page("site.localhost", 404);
    drop(world.stop());
    assert!(containers.all().is_empty());
}

#[test]
fn a_killed_agent_costs_no_container_and_its_builds_are_done_again() {
    let Some((world, containers)) = start() else {
        return;
    };
    count(&containers, 1);
    let before = containers.all();
    let slow = tempfile::tempdir().unwrap();
    let hooks = "hooks:\n  pre-staging: [sleep 3]\n";
    fs::write(slow.path().join("stackato.yml"), hooks).unwrap();
    let start = "web: exec python3 -m http.server $PORT\n";
    fs::write(slow.path().join("Procfile"), start).unwrap();
    let words = ["push", "slow", "-p", slow.path().to_str().unwrap()];
    let mut push = world.kato_command(&words);
    let push = push.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    // The second one is the build's.
    count(&containers, 2);

    let agent = world.part(" agent ");
    rustix::process::kill_process(agent, Signal::KILL).unwrap();
    eventually("the end of the agent", || (!lives(agent)).then_some(()));
    assert_eq!(world.get("hello.localhost", "/").unwrap().0, 200);
    let pushed = push.unwrap().wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&pushed.stdout);
    assert!(pushed.status.success(), "{said}");
    assert!(
        said.contains("does not answer, trying another one"),
        "{said}"
    );
    world.expect_page("slow.localhost", 200);
    count(&containers, 2);
    assert!(containers.all().contains(&before[0]));
    world.kato(&["scale", "hello", "-i", "2"]);
    count(&containers, 3);
    assert!(containers.all().contains(&before[0]));
}

#[test]
fn what_is_staged_after_another_image_was_set_runs_in_it_with_its_hooks() {
    let Some((world, containers)) = start() else {
        return;
    };
    let customised = Customised::make();
    count(&containers, 1);
    let before = containers.all();
    let images = world.cloud.dir.path().join("agent/images");
    fs::write(images, format!("{}\n{IMAGE}\n", customised.0)).unwrap();
    let said = push(&world, "snake", "python");
    for hook in ["customised pre-staging", "customised post-staging"] {
        assert!(said.contains(hook), "{hook}: {said}");
    }
    world.expect_page("snake.localhost", 200);
    count(&containers, 2);
    let both = containers.all();
    assert!(both.contains(&before[0]), "{both:?}");
    assert!(both.iter().any(|[_, image, ..]| *image == customised.0));
    eventually("the hook before its start", || {
        let log = world.kato(&["logs", "snake", "--recent"]);
        log.contains("customised pre-running").then_some(())
    });
    // What was staged before stays with its image, also when it is started anew.
    world.kato(&["restart", "hello"]);
    eventually("the new container in the old image", || {
        let all = containers.all();
        let fresh = |one: &&[String; 4]| one[1] == IMAGE && one[0] != before[0][0];
        (all.len() == 2 && all.iter().any(|one| fresh(&one))).then_some(())
    });
}

#[test]
fn a_push_without_any_image_is_told_which_is_missing_and_what_runs_stays() {
    let Some((world, containers)) = start() else {
        return;
    };
    count(&containers, 1);
    let before = containers.all();
    let images = world.cloud.dir.path().join("agent/images");
    fs::write(&images, "switchyard/none:none\n").unwrap();
    let app = example("static");
    let words = ["push", "site", "-p", app.to_str().unwrap()];
    let refused = world.kato_command(&words).output().unwrap();
    let said = [refused.stdout, refused.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(!refused.status.success(), "{said}");
    assert!(
        said.contains("there is no image `switchyard/none:none`"),
        "{said}"
    );
    assert_eq!(containers.all(), before);
    world.expect_page("hello.localhost", 200);
    fs::remove_file(&images).unwrap();
    push(&world, "site", "static");
    world.expect_page("site.localhost", 200);
}
