//! PyPI's cloudfoundry-client carries an application through its whole life.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use zip::write::SimpleFileOptions;

use crate::world::World;

#[test]
fn cloudfoundry_client_logs_in_pushes_scales_reads_logs_and_deletes() {
    let Some(python) = python() else { return };
    let Some(world) = World::start() else { return };
    let archive = world.cloud.dir.path().join("package.zip");
    let mut zip = zip::ZipWriter::new(File::create(&archive).unwrap());
    zip.start_file("index.html", SimpleFileOptions::default())
        .unwrap();
    zip.write_all(b"pushed by python").unwrap();
    zip.finish().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cloud/client.py");
    let mut client = Command::new(python)
        .arg(script)
        .args([&world.api, "ada", "correct horse"])
        .arg(&archive)
        .arg("snake")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(client.stdout.take().unwrap()).lines();
    assert_eq!(said.next().unwrap().unwrap(), "served");
    assert!(
        world
            .expect_page("snake.localhost", 200)
            .contains("pushed by python")
    );
    client.stdin.take().unwrap().write_all(b"go on\n").unwrap();
    let rest: Vec<String> = said.map(Result::unwrap).collect();
    assert!(rest.iter().any(|line| line.starts_with("log ")), "{rest:?}");
    assert_eq!(rest.last().unwrap(), "deleted");
    assert!(client.wait().unwrap().success());
    world.expect_page("snake.localhost", 404);
}

/// The interpreter that packaging/install-test-needs.sh prepares.
fn python() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-python");
    let python = target.join("bin/python3");
    if python.exists() {
        return Some(python);
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "under CI cloudfoundry-client must have been installed"
    );
    println!("skipped: no cloudfoundry-client, to get it: packaging/install-test-needs.sh");
    None
}
