//! From the first line to the last, and from one run to the next.

use std::net::TcpListener;

use rustix::process::Signal;

use crate::cloud::{Cloud, children, eventually, lives, micro, micro_on, real_router};
use crate::world::{World, example, processes_under, text};

#[test]
fn ready_means_that_the_sample_answers_through_the_router() {
    let Some(world) = World::start() else { return };
    assert!(world.proof.starts_with("http://hello.localhost:"));
    let (status, page) = world.get("hello.localhost", "/").unwrap();
    assert_eq!(status, 200);
    assert!(page.contains("Hello from Switchyard"), "{page}");
    let said = world.kato(&["app", "hello"]);
    assert!(said.contains("1 of 1 running"), "{said}");
    let address = format!("hello.localhost:{}", world.router.port());
    assert!(said.contains(&address), "{said}");
}

#[test]
fn the_api_is_reached_through_the_router_as_well() {
    let Some(world) = World::start() else { return };
    let page = world.expect_page("api.localhost", 200);
    assert!(page.contains("cloud_controller_v3"), "{page}");
}

#[test]
fn figures_count_what_went_through_the_router_and_what_the_platform_takes() {
    let Some(world) = World::start() else { return };
    let resident = eventually("figures above zero", || {
        world.get("hello.localhost", "/")?;
        let figures = world.cloud.expect("figures");
        let rate = figures["requests_per_second"].as_f64()?;
        figures["rss_bytes"].as_u64().filter(|_| rate > 0.0)
    });
    println!("{resident} bytes resident");
    assert!(
        (1 << 20..RESIDENT_MAX_BYTES).contains(&resident),
        "{resident}"
    );
}

/// What the platform may take without its applications. A debug build takes more than twice as much
/// as what is shipped.
const RESIDENT_MAX_BYTES: u64 = 512 << 20;

#[test]
fn without_an_administrator_a_link_is_shown_before_ready() {
    let Some(router) = real_router() else { return };
    let dir = tempfile::tempdir().unwrap();
    let command = micro(dir.path(), &router);
    let cloud = Cloud::start(dir, command);
    let account = cloud.expect("api");
    let link = text(&account, "setup_link");
    assert!(link.starts_with(&text(&account, "url")), "{link}");
    cloud.expect("ready");
}

#[test]
fn a_second_run_finds_the_applications_of_the_first() {
    let Some(world) = World::start() else { return };
    let app = example("static");
    world.kato(&["push", "mine", "-p", app.to_str().unwrap()]);
    world.kato(&["delete", "hello", "-r"]);
    let world = World::start_in(world.stop()).unwrap();
    assert!(world.proof.starts_with("http://api.localhost:"));
    world.expect_page("mine.localhost", 200);
    world.expect_page("hello.localhost", 404);
}

#[test]
fn stop_leaves_nobody_behind() {
    let Some(world) = World::start() else { return };
    let family = children(world.cloud.pid());
    assert_eq!(family.len(), 3);
    let dir = world.cloud.dir.path().to_owned();
    let everybody = processes_under(&dir);
    assert!(everybody.len() > family.len());
    let kept = world.stop();
    assert!(everybody.iter().all(|pid| !lives(*pid)), "{everybody:?}");
    assert!(processes_under(&dir).is_empty());
    drop(kept);
}

#[test]
fn a_cloud_that_is_killed_takes_its_applications_along() {
    let Some(world) = World::start() else { return };
    let everybody = processes_under(world.cloud.dir.path());
    world.cloud.signal(Signal::KILL);
    eventually("the end of everybody", || {
        everybody.iter().all(|pid| !lives(*pid)).then_some(())
    });
}

#[test]
fn a_busy_port_is_named_and_the_next_free_one_taken() {
    let Some(router) = real_router() else { return };
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = busy.local_addr().unwrap().port();
    let dir = tempfile::tempdir().unwrap();
    let command = micro_on(port, dir.path(), &router);
    let cloud = Cloud::start(dir, command);
    let taken = cloud.expect("port-taken");
    assert_eq!(taken["port"], port);
    assert_eq!(taken["pid"], std::process::id());
    let ready = text(&cloud.expect("ready"), "url");
    assert!(!ready.contains(&format!(":{port}/")), "{ready}");
}
