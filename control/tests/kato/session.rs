//! Who asks: logins, what is remembered of them, and tokens that grow old.

use serde_json::{Value, json};

use crate::person::Person;
use crate::platform::Platform;

#[test]
fn a_login_is_remembered_with_the_only_space() {
    let platform = Platform::start();
    let person = Person::new(&platform);
    let said = person.log_in().well();
    assert!(said.contains("acme / dev"), "{said}");
    let asked = platform.the("POST /oauth/token");
    assert_eq!(asked.authorization, "Basic Y2Y6");
    let form = String::from_utf8(asked.body).unwrap();
    assert_eq!(form, "grant_type=password&username=ada&password=secret");
    platform.forget();
    platform.lists("GET /v3/apps", json!([]));
    person.kato(&["apps"]).well();
    assert_eq!(platform.lines(), ["GET /v3/apps"]);
}

#[test]
fn a_token_that_grew_old_is_renewed_once() {
    let platform = Platform::start();
    let person = Person::logged_in(&platform);
    let stale = json!({"errors": [{"code": 1000, "title": "CF-InvalidAuthToken", "detail": "Invalid Auth Token"}]});
    platform.answers("GET /v3/apps", 401, stale);
    platform.lists("GET /v3/apps", json!([]));
    person.kato(&["apps"]).well();
    let lines = platform.lines();
    assert_eq!(lines, ["GET /v3/apps", "POST /oauth/token", "GET /v3/apps"]);
    let form = String::from_utf8(platform.the("POST /oauth/token").body).unwrap();
    assert_eq!(form, "grant_type=refresh_token&refresh_token=again");
}

#[test]
fn a_wrong_password_is_told_and_nothing_is_remembered() {
    let platform = Platform::start();
    let denial = json!({"error": "unauthorized", "error_description": "Bad credentials"});
    platform.answers_only("POST /oauth/token", 401, denial);
    let person = Person::new(&platform);
    let ended = person.log_in();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("Bad credentials"), "{ended:?}");
    let ended = person.kato(&["apps"]);
    assert!(ended.err.contains("no API is known yet"), "{ended:?}");
}

#[test]
fn without_a_login_the_next_step_is_named() {
    let platform = Platform::start();
    let person = Person::new(&platform);
    let ended = person.kato(&["apps"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.err.contains("kato login --api"), "{ended:?}");
    let ended = person.kato(&["apps", "--api", &platform.address]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.err.contains("nobody is logged in"), "{ended:?}");
}

#[test]
fn a_platform_that_is_not_there_is_an_error_of_its_own() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let person = Person::new(&Platform::start());
    let ended = person.kato(&["apps", "--api", &address]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(
        ended.err.contains("cannot connect to 127.0.0.1:"),
        "{ended:?}"
    );
}

#[test]
fn several_spaces_ask_for_a_choice() {
    let platform = Platform::start();
    let spaces = json!([{"guid": "space", "name": "dev"}, {"guid": "other", "name": "prod"}]);
    let spaces = json!({"resources": spaces});
    platform.answers_only("GET /v3/spaces", 200, spaces);
    let person = Person::new(&platform);
    person.log_in().well();
    let ended = person.kato(&["target", "--org", "acme"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("acme / dev, acme / prod"), "{ended:?}");
}

#[test]
fn a_target_is_made_where_it_is_missing() {
    let platform = Platform::start();
    let person = Person::logged_in(&platform);
    platform.answers(
        "POST /v3/organizations",
        201,
        json!({"guid": "o", "name": "new"}),
    );
    platform.answers(
        "POST /v3/spaces",
        201,
        json!({"guid": "s", "name": "place"}),
    );
    let words = ["target", "--org", "new", "--space", "place", "--create"];
    person.kato(&words).well();
    let document: Value = serde_json::from_slice(&platform.the("POST /v3/spaces").body).unwrap();
    assert_eq!(
        document["relationships"]["organization"]["data"]["guid"],
        "o"
    );
    platform.lists("GET /v3/apps", json!([]));
    let said = person.kato(&["apps"]).well();
    assert!(said.contains("new / place"), "{said}");
}

#[test]
fn a_space_that_is_named_is_never_taken_for_another() {
    let platform = Platform::start();
    let person = Person::new(&platform);
    let ended = person.log_in_with(&["--space", "nowhere"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("no space `nowhere`"), "{ended:?}");
    // Who they are is known nevertheless, and there is one space only.
    platform.lists("GET /v3/apps", json!([]));
    person.kato(&["apps"]).well();
    let ended = person.kato(&["apps", "--space", "nowhere"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    person.log_in_with(&["--space", "dev"]).well();
    let nothing = json!({"resources": []});
    platform.answers_only("GET /v3/spaces", 200, nothing);
    let ended = person.kato(&["target", "--space", "nowhere"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("`nowhere` in `acme`"), "{ended:?}");
    let said = person.kato(&["target"]).well();
    assert!(said.contains("acme / dev"), "{said}");
}

#[test]
fn a_login_at_a_platform_that_was_made_anew_does_not_keep_the_space_that_is_gone() {
    let platform = Platform::start();
    let person = Person::logged_in(&platform);
    let nothing = json!({"resources": []});
    platform.answers_only("GET /v3/spaces", 200, nothing);
    platform.lists("GET /v3/spaces", json!([{"guid": "p", "name": "prod"}]));
    let said = person.log_in().well();
    assert!(said.contains("acme / prod"), "{said}");
}
