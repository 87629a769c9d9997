//! The walk of a push, request by request, and the ways in which it fails.

use std::fs;

use serde_json::{Value, json};

use crate::person::Person;
use crate::platform::Platform;

#[test]
fn a_push_asks_in_the_order_that_the_api_promises() {
    let platform = Platform::start();
    platform.expects_hello();
    platform.lists("GET /v3/processes/process/stats", json!([]));
    platform.instance("STARTING");
    platform.instance("RUNNING");
    let person = Person::logged_in(&platform);
    let said = person.kato(&["push", "hello", "-m", "64M"]).well();
    assert_eq!(
        platform.lines(),
        [
            "POST /v3/spaces/space/actions/apply_manifest",
            "GET /v3/jobs/apply",
            "GET /v3/apps",
            "POST /v3/packages",
            "POST /v3/packages/package/upload",
            "GET /v3/packages/package",
            "GET /api/v1/read/app",
            "POST /v3/builds",
            "GET /api/v1/read/app",
            "GET /v3/builds/build",
            "GET /api/v1/read/app",
            "GET /v3/droplets/droplet",
            "GET /v3/apps/app/processes",
            "GET /v3/processes/process/stats",
            "PATCH /v3/apps/app/relationships/current_droplet",
            "POST /v3/apps/app/actions/restart",
            "GET /v3/apps/app/processes",
            "GET /v3/processes/process/stats",
            "GET /v3/apps",
            "GET /v3/apps/app/routes",
            "GET /v3/info",
            "GET /v3/apps/app/droplets/current",
            "GET /v3/apps/app/processes",
            "GET /v3/processes/process/stats",
        ]
    );
    assert!(said.contains("hello.localhost"), "{said}");
    assert!(said.contains("1 of 1 running"), "{said}");
}

#[test]
fn the_manifest_and_the_package_arrive_whole() {
    let platform = Platform::start();
    platform.expects_hello();
    platform.instance("RUNNING");
    let person = Person::logged_in(&platform);
    let manifest = "applications:\n- name: hello\n  memory: 32M\n  env: {A: b}\n";
    fs::write(person.app().join("manifest.yml"), manifest).unwrap();
    person.kato(&["push", "-m", "64M", "-i", "2"]).well();
    platform.the("POST /v3/spaces/space/manifest_diff");
    let applied = platform.the("POST /v3/spaces/space/actions/apply_manifest");
    assert_eq!(applied.content_type, "application/x-yaml");
    assert_eq!(applied.authorization, "bearer good");
    let document: Value = serde_json::from_slice(&applied.body).unwrap();
    let application = json!({"name": "hello", "memory": "64M", "instances": 2,
        "env": {"A": "b"}, "default-route": true});
    assert_eq!(document["applications"], json!([application]));
    let upload = platform.the("POST /v3/packages/package/upload");
    assert!(
        upload
            .content_type
            .starts_with("multipart/form-data; boundary=")
    );
    let text = String::from_utf8_lossy(&upload.body);
    assert!(text.contains("name=\"bits\"; filename=\"package.zip\""));
    let at = upload
        .body
        .windows(4)
        .position(|bytes| bytes == b"PK\x03\x04");
    let end = upload
        .body
        .windows(4)
        .rposition(|bytes| bytes == b"\r\n--")
        .unwrap();
    let zip = std::io::Cursor::new(&upload.body[at.unwrap()..end]);
    let mut zip = zip::ZipArchive::new(zip).unwrap();
    let page = std::io::read_to_string(zip.by_name("index.html").unwrap()).unwrap();
    assert_eq!((zip.len(), page.as_str()), (1, "hello"));
}

#[test]
fn a_staging_that_fails_is_told_with_its_lines_and_its_reason() {
    let platform = Platform::start();
    platform.expects_hello();
    platform.says("STG", "Detecting a buildpack");
    let reason = "NoAppDetectedError - none of the buildpacks fits";
    let failed = json!({"guid": "build", "state": "FAILED", "error": reason, "droplet": null});
    platform.answers_only("GET /v3/builds/build", 200, failed);
    let person = Person::logged_in(&platform);
    let ended = person.kato(&["push", "hello"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains(reason), "{ended:?}");
    assert!(ended.out.contains("  | Detecting a buildpack"), "{ended:?}");
}

#[test]
fn an_application_that_crashes_is_told_with_its_last_words() {
    let platform = Platform::start();
    platform.expects_hello();
    platform.lists("GET /v3/processes/process/stats", json!([]));
    platform.instance("CRASHED");
    platform.says("APP/PROC/WEB", "no such module");
    let person = Person::logged_in(&platform);
    let ended = person.kato(&["push", "hello"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.err.contains("hello does not start: it says why"),
        "{ended:?}"
    );
    assert!(ended.err.contains("| no such module"), "{ended:?}");
    assert!(ended.err.contains("kato logs NAME --recent"), "{ended:?}");
}

#[test]
fn a_refused_manifest_is_told_in_the_platforms_words() {
    let platform = Platform::start();
    let fault = json!({"errors": [{"code": 10008, "title": "CF-UnprocessableEntity",
        "detail": "For application 'hello': Memory must use a supported unit"}]});
    let path = "POST /v3/spaces/space/actions/apply_manifest";
    platform.answers(path, 422, fault);
    let person = Person::logged_in(&platform);
    let ended = person.kato(&["push", "hello", "-m", "64"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let wanted = "cannot apply the manifest: For application 'hello': Memory must use";
    assert!(ended.err.contains(wanted), "{ended:?}");
}

#[test]
fn a_rolling_push_of_a_running_application_is_a_deployment() {
    let platform = Platform::start();
    platform.expects_hello();
    let app = json!({"guid": "app", "name": "hello", "state": "STARTED"});
    let apps = json!({"resources": [app]});
    platform.answers_only("GET /v3/apps", 200, apps);
    let status = |value: &str, reason: &str| json!({"guid": "deployment", "status": {"value": value, "reason": reason}});
    platform.answers("POST /v3/deployments", 201, status("ACTIVE", "DEPLOYING"));
    let path = "GET /v3/deployments/deployment";
    platform.answers(path, 200, status("FINALIZED", "CANCELED"));
    let person = Person::logged_in(&platform);
    let ended = person.kato(&["push", "hello", "--strategy", "rolling"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.err.contains("the deployment ended as CANCELED"),
        "{ended:?}"
    );
    let asked = platform.the("POST /v3/deployments");
    let document: Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!(document["strategy"], "rolling");
    assert_eq!(document["droplet"]["guid"], "droplet");
}

#[test]
fn nothing_is_asked_when_there_is_nothing_to_push() {
    let platform = Platform::start();
    let person = Person::logged_in(&platform);
    let ended = person.kato(&["push"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.err.contains("no application was named"), "{ended:?}");
    assert_eq!(platform.lines(), [""; 0]);
}

#[test]
fn files_that_are_not_there_leave_no_application_behind() {
    let platform = Platform::start();
    platform.expects_hello();
    let person = Person::logged_in(&platform);
    let ended = person.kato(&["push", "hello", "-p", "nowhere"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("cannot use nowhere"), "{ended:?}");
    assert_eq!(platform.lines(), Vec::<String>::new());
}
