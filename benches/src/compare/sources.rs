//! When a run was, and of which sources.

use std::process::Command;

/// Now, as RFC 3339 in UTC.
pub(crate) fn today() -> anyhow::Result<String> {
    let output = Command::new("date").args(["-u", "+%FT%TZ"]).output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// The commit of the sources, with a mark when what is measured or measures was changed since.
pub(crate) fn commit() -> String {
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else {
        return "unknown".to_owned();
    };
    // Results are not sources: they change with each answer.
    match git(&[
        "status",
        "--porcelain",
        "--",
        "Cargo.lock",
        "router",
        "benches/src",
    ]) {
        Some(changed) if changed.is_empty() => commit,
        _ => commit + " with changes",
    }
}

/// What git says in the folder of the workspace; nothing if there is none of the two.
fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .args(["-C", concat!(env!("CARGO_MANIFEST_DIR"), "/..")])
        .args(args)
        .output()
        .ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| said.trim().to_owned())
}
