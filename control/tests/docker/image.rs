//! A Docker Engine and an image to run in, or a clear word why there is none.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The image that tests run in: Debian's, made once by `packaging/make-base-image.sh`.
pub(crate) const IMAGE: &str = "switchyard/test-base:2";

/// Whether there is an Engine with the image; under CI there must be.
pub(crate) fn is_there() -> bool {
    let missing = match () {
        () if !succeeds("docker", &["version"]) => "no Docker Engine answers",
        () if is_made() => return true,
        () if make() => return true,
        () => "the image cannot be made: see packaging/make-base-image.sh",
    };
    assert!(std::env::var_os("CI").is_none(), "under CI: {missing}");
    println!("skipped: {missing}");
    false
}

fn is_made() -> bool {
    succeeds("docker", &["image", "inspect", IMAGE])
}

fn make() -> bool {
    // Tests are processes of their own: one makes it, the others wait.
    let turn = File::create(std::env::temp_dir().join("switchyard-test-base.lock"));
    let turn = turn.and_then(|file| file.lock().map(|()| file));
    if is_made() {
        return true;
    }
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../packaging/make-base-image.sh"
    );
    let made = succeeds(script, &[IMAGE, "bash", "python3"]);
    drop(turn);
    made
}

/// Runs `docker`, which must succeed; what it said.
pub(crate) fn docker(words: &[&str]) -> String {
    let ran = Command::new("docker").args(words).output().unwrap();
    let complaint = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "docker {words:?}: {complaint}");
    String::from_utf8_lossy(&ran.stdout).trim().to_owned()
}

/// The base image with hooks of an operator, under a name of the test's own; gone when dropped.
pub(crate) struct Customised(pub(crate) String);

impl Customised {
    pub(crate) fn make() -> Self {
        let key = format!("{:08x}", rand::random::<u32>());
        let (name, container) = (
            format!("switchyard/test-{key}:latest"),
            format!("make-{key}"),
        );
        let hooks = tempfile::tempdir().unwrap();
        for hook in ["pre-staging", "post-staging", "pre-running"] {
            let path = hooks.path().join(hook);
            std::fs::write(&path, format!("#!/bin/sh\necho customised {hook}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let from = format!("{}/.", hooks.path().display());
        docker(&["create", "--name", &container, IMAGE, "true"]);
        docker(&["cp", &from, &format!("{container}:/etc/stackato/hooks")]);
        docker(&["commit", &container, &name]);
        docker(&["rm", &container]);
        Self(name)
    }
}

impl Drop for Customised {
    fn drop(&mut self) {
        succeeds("docker", &["rmi", "--force", &self.0]);
    }
}

/// The containers of an agent's directory; those that are left are removed when it is dropped.
pub(crate) struct Containers(PathBuf);

impl Containers {
    pub(crate) fn of(node: &Path) -> Self {
        Self(node.to_owned())
    }

    /// Of each container: its id, the image's name, its state, its instance.
    pub(crate) fn all(&self) -> Vec<[String; 4]> {
        let own = format!("label=switchyard_node={}", self.0.display());
        let format = "{{.ID}} {{.Image}} {{.State}} {{.Label \"instance_guid\"}}";
        let listed = docker(&[
            "ps",
            "--all",
            "--no-trunc",
            "--filter",
            &own,
            "--format",
            format,
        ]);
        let words = |line: &str| {
            let mut words = line.split(' ').map(str::to_owned);
            std::array::from_fn(|_| words.next().unwrap_or_default())
        };
        listed.lines().map(words).collect()
    }

    /// The instances whose containers run.
    pub(crate) fn running(&self) -> BTreeSet<String> {
        let all = self.all().into_iter();
        all.filter(|[_, _, state, _]| state == "running")
            .map(|[_, _, _, instance]| instance)
            .collect()
    }
}

impl Drop for Containers {
    fn drop(&mut self) {
        for [id, ..] in self.all() {
            succeeds("docker", &["rm", "--force", &id]);
        }
    }
}

fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let ran = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    ran.is_ok_and(|status| status.success())
}
