//! What goes wrong around the router is said clearly, and leaves nothing behind.

use std::fs;

use rustix::process::{Pid, Signal};

use crate::cloud::{Cloud, children, eventually, lives, micro, outcome, script};

#[test]
fn a_missing_router_is_a_usage_error_that_says_how_to_build_it() {
    let dir = tempfile::tempdir().unwrap();
    let (code, said) = outcome(&mut micro(dir.path(), &dir.path().join("nowhere")));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.starts_with("error: there is no router at "), "{said}");
    assert!(said.contains("cargo build --release -p router"), "{said}");
}

#[test]
fn a_router_that_dies_again_and_again_is_given_up_with_its_last_words() {
    let dir = tempfile::tempdir().unwrap();
    let router = script(
        dir.path(),
        "echo 'Error loading config: port is a word' >&2; exit 1",
    );
    let (code, said) = outcome(&mut micro(dir.path(), &router));
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("router died 6 times in a row, the last time with exit status: 1"),
        "{said}"
    );
    assert!(
        said.contains("| Error loading config: port is a word"),
        "{said}"
    );
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let router = script(dir.path(), "exec sleep 600");
    let (code, said) = outcome(&mut micro(&file.join("data"), &router));
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains(&*file.join("data").to_string_lossy()),
        "{said}"
    );
}

#[test]
fn a_second_cloud_in_the_same_directory_names_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let router = script(dir.path(), "echo started; exec sleep 600");
    let command = micro(dir.path(), &router);
    let first = Cloud::start(dir, command);
    let holder = first.pid().as_raw_nonzero().to_string();
    let lock = first.dir.path().join("lock");
    eventually("lock", || {
        (fs::read_to_string(&lock).ok()?.trim() == holder).then_some(())
    });
    let (code, said) = outcome(&mut micro(first.dir.path(), &router));
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains(&format!("is in use by process {holder}")),
        "{said}"
    );
    assert!(said.contains("--dir DIR"), "{said}");
}

/// A cloud whose router never answers, and its children.
fn starting() -> (Cloud, Vec<Pid>) {
    let dir = tempfile::tempdir().unwrap();
    let router = script(dir.path(), "exec sleep 600");
    let command = micro(dir.path(), &router);
    let cloud = Cloud::start(dir, command);
    let family = eventually("children", || {
        let family = children(cloud.pid());
        (family.len() == 3).then_some(family)
    });
    (cloud, family)
}

#[test]
fn a_cloud_that_is_killed_leaves_no_orphan() {
    let (cloud, family) = starting();
    // The shim has become the programs once none of them is called by its own name any more.
    eventually("router", || {
        let names = family.iter().map(|pid| {
            fs::read_to_string(format!("/proc/{}/cmdline", pid.as_raw_nonzero()))
                .unwrap_or_default()
        });
        let shims = names.filter(|line| line.contains("--parent")).count();
        (shims == 0).then_some(())
    });
    cloud.signal(Signal::KILL);
    for child in family {
        eventually("end of a child", || (!lives(child)).then_some(()));
    }
}

#[test]
fn stop_is_heard_before_anything_is_ready() {
    let (cloud, family) = starting();
    cloud.signal(Signal::TERM);
    let (status, _dir) = cloud.end();
    assert_eq!(status.code(), Some(0));
    assert!(family.into_iter().all(|child| !lives(child)));
}

#[test]
fn a_password_file_that_is_missing_is_a_usage_error() {
    let dir = tempfile::tempdir().unwrap();
    let router = script(dir.path(), "exec sleep 600");
    let mut command = micro(dir.path(), &router);
    let missing = dir.path().join("password");
    command.args(["--admin-user", "ada", "--admin-password-file"]);
    let (code, said) = outcome(command.arg(&missing));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains(&*missing.to_string_lossy()), "{said}");
}

#[test]
fn without_docker_a_cloud_that_was_told_to_use_it_ends_and_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let router = script(dir.path(), "exec sleep 600");
    let mut command = micro(dir.path(), &router);
    let nowhere = format!("unix://{}", dir.path().join("no.sock").display());
    command
        .args(["--runtime", "docker"])
        .env("DOCKER_HOST", nowhere);
    let (code, said) = outcome(&mut command);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("the Docker Engine: Socket not found"),
        "{said}"
    );
    assert!(said.contains("apt-get install docker.io"), "{said}");
}
