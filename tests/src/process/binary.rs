//! The binary of this build.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::SystemTime;

use crate::source::workspace_root;

/// Runs the binary with `arguments` to its end.
///
/// # Panics
///
/// When it cannot be built.
#[must_use]
pub fn run(arguments: &[&str]) -> Output {
    Command::new(binary())
        .args(arguments)
        .output()
        .expect("the binary runs")
}

/// The binary of this build, made now if it is missing or old.
pub(super) fn binary() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let find = || {
        let suite = env::current_exe().expect("a path of its own");
        let profile = suite
            .parent()
            .and_then(Path::parent)
            .expect("target/<profile>/deps");
        let binary = profile.join("switchyard-router");
        // A build of the whole workspace has made it. Asking cargo for this one package again would
        // compile it anew, because other members want other features of the same dependencies.
        let made = fs::metadata(&binary).and_then(|found| found.modified());
        if !made.is_ok_and(|made| newest_source() < made) {
            build(profile);
        }
        binary
    };
    BUILT.get_or_init(find).clone()
}

fn build(profile: &Path) {
    // `dev` builds into `debug`.
    let name = profile
        .file_name()
        .filter(|name| *name != "debug")
        .unwrap_or_else(|| "dev".as_ref());
    let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet", "--locked", "--profile"])
        .arg(name)
        // The same features as the suite that asks.
        .args(["-p", "router", "-p", "switchyard-tests"])
        .args(["--bin", "switchyard-router"])
        .current_dir(workspace_root())
        .status();
    assert!(status.expect("cargo").success(), "the router builds");
}

/// When the youngest of the files that make the binary was written.
fn newest_source() -> SystemTime {
    let root = workspace_root();
    let parts = ["router", "Cargo.lock", "Cargo.toml", "rust-toolchain.toml"];
    let mut waiting: Vec<PathBuf> = parts.map(|part| root.join(part)).into();
    let mut newest = SystemTime::UNIX_EPOCH;
    while let Some(next) = waiting.pop() {
        if let Ok(entries) = fs::read_dir(&next) {
            waiting.extend(entries.flatten().map(|entry| entry.path()));
        } else {
            let written = fs::metadata(&next).and_then(|found| found.modified());
            newest = newest.max(written.expect("a source has a time"));
        }
    }
    newest
}
