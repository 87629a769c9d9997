//! Routes that are mapped and taken away while their application runs.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cloud::eventually;
use crate::world::World;

/// After how long a change of a route is seen at the router.
const SEEN: Duration = Duration::from_secs(1);

#[test]
fn a_route_is_served_and_gone_within_a_second_of_its_change() {
    let Some(world) = World::start() else { return };
    let (_, apps) = world.ask("GET /v3/apps?names=hello", &Value::Null);
    let app = &apps["resources"][0];
    let (_, domains) = world.ask("GET /v3/domains?names=localhost", &Value::Null);
    let (status, route) = world.ask(
        "POST /v3/routes",
        &json!({ "host": "second", "relationships": {
            "space": app["relationships"]["space"],
            "domain": { "data": { "guid": domains["resources"][0]["guid"] } },
        } }),
    );
    assert_eq!(status, 201, "{route}");
    let destinations = format!(
        "/v3/routes/{}/destinations",
        route["guid"].as_str().unwrap()
    );
    let (mut mapped, mut unmapped) = (Vec::new(), Vec::new());
    for _ in 0..TRIES {
        let body = json!({ "destinations": [{ "app": { "guid": app["guid"] } }] });
        let (status, answer) = world.ask(&format!("POST {destinations}"), &body);
        assert_eq!(status, 200, "{answer}");
        mapped.push(seen(&world, 200));
        let one = answer["destinations"][0]["guid"].as_str().unwrap();
        let (status, answer) = world.ask(&format!("DELETE {destinations}/{one}"), &Value::Null);
        assert_eq!(status, 204, "{answer}");
        unmapped.push(seen(&world, 404));
    }
    println!("mapped after {mapped:?}, unmapped after {unmapped:?}");
    // Other tests share the machine, so the quickest of some tries counts.
    for times in [mapped, unmapped] {
        assert!(times.iter().any(|time| *time <= SEEN), "{times:?}");
    }
}

/// How long it takes until the router gives this status for the route.
fn seen(world: &World, status: u16) -> Duration {
    let changed = Instant::now();
    eventually(&format!("{status} of the route"), || {
        (world.get("second.localhost", "/")?.0 == status).then_some(())
    });
    changed.elapsed()
}

const TRIES: usize = 5;
