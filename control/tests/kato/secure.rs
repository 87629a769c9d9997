//! An API behind TLS: who is trusted, and who is not.

use crate::front::front;
use crate::person::Person;
use crate::platform::Platform;

#[test]
fn an_api_behind_tls_is_spoken_to_when_its_authority_is_trusted() {
    let platform = Platform::start();
    let person = Person::new(&platform);
    let behind = platform.address.replace("http://", "").parse().unwrap();
    let (port, authority) = front(behind, &person.app());
    let api = format!("https://localhost:{port}");
    let words = ["login", "--api", &api, "--user", "ada"];
    let password = person.app().join("../password");
    let password = ["--password-file", password.to_str().unwrap()];
    let trust = ["--ca-file", authority.to_str().unwrap()];

    let stranger = person.kato(&[&words[..], &password].concat());
    assert_ne!(stranger.code, Some(0));
    assert!(stranger.err.contains("certificate"), "{stranger:?}");
    assert!(platform.asked().is_empty());

    let said = person
        .kato(&[&words[..], &password, &trust].concat())
        .well();
    assert!(said.contains(&api), "{said}");
}
