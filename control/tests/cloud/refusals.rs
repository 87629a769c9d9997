//! Pushes that cannot be staged: the exact error, and the reason in the application's log.

use std::fs;

use crate::world::World;

/// Pushes an application of these files, which must fail; what was said.
fn refused(world: &World, name: &str, files: &[(&str, &str)], words: &[&str]) -> String {
    let app = tempfile::tempdir().unwrap();
    for (file, text) in files {
        fs::write(app.path().join(file), text).unwrap();
    }
    let push = ["push", name, "-p", app.path().to_str().unwrap()];
    let output = world.kato_command(&[&push[..], words].concat()).output();
    let output = output.unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(!output.status.success(), "{said}");
    said
}

#[test]
fn a_push_that_cannot_be_staged_gets_the_exact_error_and_the_reason_in_its_log() {
    let Some(world) = World::start() else { return };
    for (name, file, text, error, reason) in [
        (
            "nobodys",
            "main.c",
            "int main;",
            "NoAppDetectedError - An app was not successfully detected by any available buildpack",
            "at its top are: main.c",
        ),
        (
            "broken",
            "package.json",
            "{",
            "BuildpackCompileFailed - App staging failed in the buildpack compile phase",
            "package.json is not valid JSON",
        ),
        (
            "endless",
            "package.json",
            "{}",
            "BuildpackReleaseFailed - App staging failed in the buildpack release phase",
            "nothing says how to start",
        ),
        (
            "garbled",
            "Procfile",
            "web: [",
            "StagingError - ",
            "invalid YAML in Procfile",
        ),
    ] {
        let said = refused(&world, name, &[(file, text)], &[]);
        assert!(said.contains(error), "{said}");
        let log = world.kato(&["logs", name, "--recent"]);
        assert!(log.contains(&format!("Staging failed: {error}")), "{log}");
        assert!(log.contains(reason), "{reason}: {log}");
    }
}

#[test]
fn what_no_stager_can_ever_do_is_refused_before_anything_is_staged() {
    let Some(world) = World::start() else { return };
    let files = [("index.html", "hello")];
    let said = refused(&world, "elsewhere", &files, &["--stack", "amiga"]);
    assert!(said.contains("Stack must be an existing stack"), "{said}");
    let said = refused(&world, "odd", &files, &["--buildpack", "cobol"]);
    let known = "must be an existing admin buildpack or a valid git URI";
    assert!(said.contains(known), "{said}");
}
