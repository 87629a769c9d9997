//! What is done to an application that is there.

use serde_json::{Value, json};

use crate::person::Person;
use crate::platform::Platform;

fn platform() -> (Platform, Person) {
    let platform = Platform::start();
    let app = json!({"guid": "app", "name": "hello", "state": "STARTED"});
    platform.lists("GET /v3/apps", json!([app]));
    let process = json!({"guid": "process", "type": "web", "instances": 2, "memory_in_mb": 64, "disk_in_mb": 128});
    platform.lists("GET /v3/apps/app/processes", json!([process]));
    platform.answers(
        "GET /v3/apps/app/droplets/current",
        404,
        json!({"errors": [{"code": 10010, "detail": "Droplet not found"}]}),
    );
    let person = Person::logged_in(&platform);
    (platform, person)
}

fn route(platform: &Platform, users: &[&str]) {
    let users: Vec<Value> = users
        .iter()
        .map(|guid| json!({"app": {"guid": guid}}))
        .collect();
    let route = json!({"guid": "route", "url": "hello.localhost", "destinations": users});
    platform.lists("GET /v3/apps/app/routes", json!([route]));
}

#[test]
fn another_number_of_instances_needs_no_restart() {
    let (platform, person) = platform();
    route(&platform, &["app"]);
    platform.instance("RUNNING");
    platform.answers(
        "POST /v3/apps/app/processes/web/actions/scale",
        202,
        json!({}),
    );
    let said = person.kato(&["scale", "hello", "-i", "2"]).well();
    let asked = platform.the("POST /v3/apps/app/processes/web/actions/scale");
    let document: Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!(document, json!({"instances": 2}));
    assert!(
        !platform
            .lines()
            .iter()
            .any(|line| line.contains("deployments"))
    );
    assert!(said.contains("1 of 2 running"), "{said}");
}

#[test]
fn another_size_replaces_one_instance_after_the_other() {
    let (platform, person) = platform();
    route(&platform, &["app"]);
    platform.instance("RUNNING");
    platform.answers(
        "POST /v3/apps/app/processes/web/actions/scale",
        202,
        json!({}),
    );
    let done = json!({"guid": "d", "status": {"value": "FINALIZED", "reason": "DEPLOYED"}});
    platform.answers("POST /v3/deployments", 201, done);
    person.kato(&["scale", "hello", "-m", "1G"]).well();
    let asked = platform.the("POST /v3/apps/app/processes/web/actions/scale");
    let document: Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!(document, json!({"memory_in_mb": 1024}));
    platform.the("POST /v3/deployments");
}

#[test]
fn a_route_that_another_application_uses_is_not_deleted_with_this_one() {
    let (platform, person) = platform();
    route(&platform, &["app", "other"]);
    let ended = person.kato(&["delete", "hello", "-r"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended
            .err
            .contains("another application uses hello.localhost too"),
        "{ended:?}"
    );
    assert!(
        !platform
            .lines()
            .iter()
            .any(|line| line.starts_with("DELETE"))
    );
}

#[test]
fn a_delete_is_over_when_its_jobs_are() {
    let (platform, person) = platform();
    route(&platform, &["app"]);
    platform.answers("DELETE /v3/apps/app", 202, json!({"job": "/v3/jobs/gone"}));
    platform.answers("GET /v3/jobs/gone", 200, json!({"state": "PROCESSING"}));
    platform.answers("GET /v3/jobs/gone", 200, json!({"state": "COMPLETE"}));
    let failed = json!({"state": "FAILED", "errors": [{"code": 10008, "detail": "it sticks"}]});
    platform.answers(
        "DELETE /v3/routes/route",
        202,
        json!({"job": "/v3/jobs/stuck"}),
    );
    platform.answers("GET /v3/jobs/stuck", 200, failed);
    let ended = person.kato(&["delete", "hello", "-r"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.err.contains("cannot delete hello: it sticks"),
        "{ended:?}"
    );
}

#[test]
fn recent_lines_are_printed_as_cf_prints_them() {
    let (platform, person) = platform();
    platform.says("APP/PROC/WEB", "hello world\n");
    let said = person.kato(&["logs", "hello", "--recent"]).well();
    assert_eq!(
        said,
        "2025-11-25T12:00:00.123Z [APP/PROC/WEB/0] OUT hello world\n"
    );
}

#[test]
fn an_application_that_is_not_there_is_named() {
    let platform = Platform::start();
    platform.lists("GET /v3/apps", json!([]));
    let person = Person::logged_in(&platform);
    let ended = person.kato(&["app", "ghost"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.err.contains("there is no application `ghost`"),
        "{ended:?}"
    );
    assert!(ended.err.contains("kato apps"), "{ended:?}");
}
