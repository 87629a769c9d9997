//! The fuzz targets' corpora, replayed on stable through the same entry points.

use std::fs;

use harness::source::workspace_root;

/// Replays every seed of a target; a panic names the seed.
fn replay(target: &str, entry: fn(&[u8])) {
    let folder = workspace_root().join("fuzz/corpus").join(target);
    let mut seeds = 0;
    for file in fs::read_dir(&folder)
        .expect("the corpus is in the tree")
        .flatten()
    {
        let bytes = fs::read(file.path()).unwrap();
        println!("{}", file.path().display());
        entry(&bytes);
        // Every beginning of a seed is an input as well: what has not come yet.
        for end in 0..bytes.len() {
            entry(&bytes[..end]);
        }
        seeds += 1;
    }
    assert!(seeds >= 5, "{seeds} seeds for {target}");
    assert!(
        workspace_root()
            .join(format!("fuzz/fuzz_targets/{target}.rs"))
            .is_file()
    );
}

#[test]
fn request_heads() {
    replay("request_head", router::fuzzing::request_head);
}

#[test]
fn response_heads() {
    replay("response_head", router::fuzzing::response_head);
}

#[test]
fn chunked_bodies() {
    replay("chunked_body", router::fuzzing::chunked_body);
}

#[test]
fn route_keys() {
    replay("route_key", router::fuzzing::route_key);
}

#[test]
fn lookups() {
    replay("lookup", router::fuzzing::lookup);
}

#[test]
fn config_files() {
    replay("config_file", router::fuzzing::config_file);
}

#[test]
fn bus_messages() {
    replay("bus_message", bus::fuzzing::message);
}

#[test]
fn the_bus_protocol() {
    replay("nats_protocol", bus::fuzzing::protocol);
}
