//! Every example is pushed, served, scaled, heard and deleted.

use crate::cloud::eventually;
use crate::world::{World, example};

#[test]
fn the_static_example_lives_and_goes() {
    life("static");
}

#[test]
fn the_python_example_lives_and_goes() {
    life("python");
}

#[test]
fn the_node_example_lives_and_goes() {
    life("node");
}

fn life(name: &str) {
    let Some(world) = World::start() else { return };
    let manifest = example(name).join("manifest.yml");
    let manifest = manifest.to_str().unwrap();
    let said = world.kato(&["push", "mine", "-f", manifest]);
    assert!(said.contains("mine.localhost"), "{said}");
    let host = "mine.localhost";
    let page = world.expect_page(host, 200);
    assert!(!page.is_empty());
    let said = world.kato(&["scale", "mine", "-i", "2"]);
    assert!(said.contains("2 of 2 running"), "{said}");
    eventually("lines of the application or its staging", || {
        let said = world.kato(&["logs", "mine", "--recent"]);
        said.contains("[STG/0] OUT").then_some(())
    });
    let said = world.kato(&["apps"]);
    assert!(said.contains("web:2/2"), "{said}");
    world.kato(&["stop", "mine"]);
    eventually("the end of its route", || {
        world.get(host, "/").filter(|(status, _)| *status != 200)
    });
    world.kato(&["start", "mine"]);
    world.expect_page(host, 200);
    world.kato(&["delete", "mine", "-r"]);
    world.expect_page(host, 404);
    let said = world.kato(&["apps"]);
    assert!(!said.contains("mine"), "{said}");
}
