//! The table goes to disk and comes back.

use std::collections::BTreeSet;
use std::fs;

use proptest::prelude::*;

use super::{Desk, at};
use crate::registry::snapshot::{SnapshotError, load, save};
use crate::route::RouteTable;

/// Everything that a table holds, but times.
fn facts(table: &RouteTable) -> BTreeSet<String> {
    let mut facts = BTreeSet::new();
    table.for_each(|pool| {
        for member in pool.members() {
            let endpoint = member.endpoint();
            let tags: Vec<_> = endpoint.tags().collect();
            let texts = [
                pool.key(),
                pool.context_path(),
                endpoint.address(),
                endpoint.protocol_name(),
                endpoint.app_id(),
                endpoint.instance_id(),
                endpoint.instance_index(),
                endpoint.server_cert_domain_san(),
                endpoint.availability_zone(),
                endpoint.isolation_segment(),
                endpoint.route_service_url(),
            ];
            let numbers = (
                endpoint.is_tls(),
                endpoint.stale_threshold_secs(),
                endpoint.updated_at_ns(),
            );
            facts.insert(format!(
                "{texts:?} {numbers:?} {tags:?} {:?}",
                endpoint.load_balancing()
            ));
        }
    });
    facts
}

/// A message with any text in most of its fields.
fn message() -> impl Strategy<Value = String> {
    let uri = "[a-cA-C*]{1,2}(\\.[a-c]{1,2}){0,2}(/[a-zA-Z0-9%._/-]{0,12})?";
    let options = prop::sample::select(vec!["", "round-robin", "least-connection"]);
    let numbers = (any::<u16>(), 0_u16..2, any::<i64>(), -1_i64..200);
    (prop::collection::vec(uri, 1..3), any::<(String, String, String)>(), numbers, options).prop_map(
        |(uris, (app, tag, zone), (port, tls_port, updated, stale), options)| {
            serde_json::json!({
                "host": "10.0.0.1", "port": port, "tls_port": tls_port, "uris": uris, "app": app,
                "private_instance_id": tag, "tags": {"component": zone, tag: app}, "availability_zone": zone,
                "endpoint_updated_at_ns": updated, "stale_threshold_in_seconds": stale,
                "route_service_url": if tls_port == 0 { "https://rs" } else { "" },
                "options": {"loadbalancing": options},
            })
            .to_string()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn what_was_saved_comes_back(messages in prop::collection::vec(message(), 0..8)) {
        let file = tempfile::NamedTempFile::new().unwrap();
        let (mut before, mut after) = (Desk::usual(), Desk::usual());
        messages.iter().for_each(|message| before.register(message, 0));
        let saved = save(&before.registry.table(), file.path()).unwrap();
        prop_assert_eq!(load(file.path(), &mut after.registry, at(0)).unwrap(), saved);
        prop_assert_eq!(facts(&after.registry.table()), facts(&before.registry.table()));
    }
}

fn saved() -> (tempfile::NamedTempFile, Vec<u8>) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut desk = Desk::usual();
    desk.register(
        r#"{"host":"h","port":1,"uris":["a.com","b.com/Path"],"app":"g"}"#,
        0,
    );
    assert_eq!(save(&desk.registry.table(), file.path()).unwrap(), 2);
    let bytes = fs::read(file.path()).unwrap();
    (file, bytes)
}

#[test]
fn any_damage_is_found_before_anything_is_restored() {
    let (file, bytes) = saved();
    let whole = load(file.path(), &mut Desk::usual().registry, at(0));
    assert_eq!(whole.unwrap(), 2);
    // A refused file leaves nothing behind, so one registry sees them all.
    let mut desk = Desk::usual();
    let mut assert_refused = |bytes: &[u8], what: &str, at_byte: usize| {
        fs::write(file.path(), bytes).unwrap();
        let loaded = load(file.path(), &mut desk.registry, at(0));
        assert!(
            loaded.is_err() && desk.registry.table().is_empty(),
            "{what} {at_byte}"
        );
    };
    for length in 0..bytes.len() {
        assert_refused(&bytes[..length], "cut at", length);
    }
    for changed in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[changed] ^= 1;
        assert_refused(&damaged, "changed at", changed);
    }
    assert_refused(
        &[&bytes, &b"more\n"[..]].concat(),
        "longer than",
        bytes.len(),
    );
}

#[test]
fn a_foreign_file_is_named_as_such() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for foreign in [
        "",
        "\n",
        "{}\n",
        "{\"format\":\"switchyard-routes\",\"version\":2}\n",
        "#!/bin/sh\n",
    ] {
        fs::write(file.path(), foreign).unwrap();
        let loaded = load(file.path(), &mut Desk::usual().registry, at(0));
        assert!(matches!(loaded, Err(SnapshotError::Foreign)), "{foreign:?}");
    }
}

#[test]
fn no_file_is_an_empty_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let loaded = load(
        &folder.path().join("absent"),
        &mut Desk::usual().registry,
        at(0),
    );
    assert_eq!(loaded.unwrap(), 0);
}

#[test]
fn a_failed_save_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("taken");
    fs::create_dir(&taken).unwrap();
    assert!(save(&Desk::usual().registry.table(), &taken).is_err());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn what_comes_back_is_hearsay_until_it_is_announced() {
    let (file, _) = saved();
    let mut desk = Desk::usual();
    load(file.path(), &mut desk.registry, at(0)).unwrap();
    desk.register(r#"{"host":"h","port":1,"uris":["a.com"],"app":"g"}"#, 1);
    let mut hearsay = BTreeSet::new();
    desk.registry.table().for_each(|pool| {
        hearsay.insert((pool.key().to_owned(), pool.members()[0].is_hearsay()));
    });
    assert_eq!(
        hearsay,
        [("a.com".to_owned(), false), ("b.com/path".to_owned(), true)].into()
    );
}
