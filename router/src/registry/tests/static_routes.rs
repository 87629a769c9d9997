//! The watched file.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Desk, addresses, at};
use crate::config::RegistryConfig;
use crate::registry::source::file::FileSource;

struct Watched {
    desk: Desk,
    source: FileSource,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Watched {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("routes.yml");
        let config = RegistryConfig {
            static_routes: Some(path.clone()),
            ..RegistryConfig::default()
        };
        Self {
            desk: Desk::new(&config),
            source: FileSource::of(&config).unwrap(),
            path,
            _folder: folder,
        }
    }

    /// Puts the file in place as editors do, so that it is another one each time.
    fn write(&self, yaml: &str) {
        let beside: &Path = &self.path.with_extension("new");
        fs::write(beside, yaml).unwrap();
        fs::rename(beside, &self.path).unwrap();
    }

    fn poll(&mut self, secs: u64) -> Vec<String> {
        self.source.poll(&mut self.desk.registry, at(secs));
        addresses(&self.desk.registry.table(), "a.com")
    }
}

const ONE: &str =
    "- uris: [a.com, b.com]\n  host: 10.0.0.1\n  port: 80\n  tags: {component: static}\n";

#[test]
fn a_changed_file_changes_the_table() {
    let mut watched = Watched::new();
    assert!(watched.poll(0).is_empty());
    watched.write(ONE);
    assert_eq!(watched.poll(1), ["10.0.0.1:80"]);
    watched.write("- {uris: [a.com], host: 10.0.0.1, tls_port: 443}\n- {uris: [a.com], host: 10.0.0.2, port: 80}\n");
    assert_eq!(watched.poll(2), ["10.0.0.1:443", "10.0.0.2:80"]);
    assert!(addresses(&watched.desk.registry.table(), "b.com").is_empty());
}

#[test]
fn a_bad_or_absent_file_keeps_the_last_good_routes() {
    let mut watched = Watched::new();
    watched.write(ONE);
    watched.poll(0);
    for bad in [
        "[",
        "- {uris: [a.com]}",
        "- {host: h, port: '80', uris: [a.com]}",
        "a: b",
        "- 7",
    ] {
        watched.write(bad);
        assert_eq!(watched.poll(1), ["10.0.0.1:80"], "{bad}");
    }
    fs::remove_file(&watched.path).unwrap();
    assert_eq!(watched.poll(2), ["10.0.0.1:80"]);
}

#[test]
fn an_empty_list_takes_all_routes_back() {
    let mut watched = Watched::new();
    watched.write(ONE);
    watched.poll(0);
    watched.write("[]");
    assert!(watched.poll(1).is_empty());
}

#[test]
fn static_routes_are_refreshed_before_they_are_stale() {
    let mut watched = Watched::new();
    watched.write(ONE);
    for secs in [0, 39, 40, 80] {
        watched.poll(secs);
    }
    let mut seen = Vec::new();
    watched
        .desk
        .registry
        .table()
        .for_each(|pool| seen.push(pool.members()[0].last_seen().0));
    assert_eq!(seen, [80_000, 80_000]);
}
