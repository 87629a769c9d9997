//! A Docker Engine and an image to run in, or a clear word why there is none.

use std::process::{Command, Stdio};

/// The image that tests run in: Debian's, made once by `packaging/make-base-image.sh`.
pub(crate) const IMAGE: &str = "switchyard/test-base:latest";

/// Whether there is an Engine with the image; under CI there must be.
pub(crate) fn is_there() -> bool {
    let missing = match () {
        () if !succeeds("docker", &["version"]) => "no Docker Engine answers",
        () if succeeds("docker", &["image", "inspect", IMAGE]) => return true,
        () if make() => return true,
        () => "the image cannot be made: see packaging/make-base-image.sh",
    };
    assert!(std::env::var_os("CI").is_none(), "under CI: {missing}");
    println!("skipped: {missing}");
    false
}

fn make() -> bool {
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../packaging/make-base-image.sh"
    );
    succeeds(script, &[IMAGE, "bash", "python3-minimal"])
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
