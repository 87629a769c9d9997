//! Registration and unregistration, as gorouter means them.

use std::time::Duration;

use super::{Desk, addresses};
use crate::config::{RegistryConfig, ShardingMode};
use crate::registry::{Hearing, Pruner};
use crate::route::{Algorithm, Lookup, Millis, Pool};

const A: &str = r#"{"host":"10.0.0.1","port":80,"uris":["a.com","b.com/x"],"app":"g","tags":{"component":"uaa"}}"#;

fn pool(desk: &Desk, host: &str) -> std::sync::Arc<Pool> {
    match desk.registry.table().find(host, "/") {
        Lookup::Found(pool) | Lookup::Empty(pool) => pool,
        Lookup::Unknown => panic!("{host} is not registered"),
    }
}

#[test]
fn a_message_registers_one_endpoint_under_all_its_uris() {
    let mut desk = Desk::usual();
    desk.register(A, 0);
    let table = desk.registry.table();
    let (Lookup::Found(a), Lookup::Found(b)) =
        (table.find("a.com", "/"), table.find("b.com", "/x"))
    else {
        panic!("both are registered")
    };
    assert!(std::sync::Arc::ptr_eq(
        a.members()[0].endpoint(),
        b.members()[0].endpoint()
    ));
    assert_eq!((table.len(), table.endpoint_count()), (2, 2));
}

#[test]
fn registrations_are_counted_by_component_and_action() {
    let mut desk = Desk::usual();
    desk.register(A, 0);
    desk.register(A, 1);
    desk.unregister(A, 2);
    assert!(desk.shows(r#"registry_message{action="added",component="uaa"} 2"#));
    assert!(desk.shows(r#"registry_message{action="updated",component="uaa"} 2"#));
    assert!(desk.shows(r#"unregistry_message{component="uaa"} 2"#));
}

#[test]
fn unregistering_needs_address_and_uri_only() {
    let mut desk = Desk::usual();
    desk.register(A, 0);
    desk.unregister(r#"{"host":"10.0.0.1","port":81,"uris":["a.com"]}"#, 1);
    assert_eq!(addresses(&desk.registry.table(), "a.com"), ["10.0.0.1:80"]);
    desk.unregister(
        r#"{"host":"10.0.0.1","port":80,"uris":["a.com"],"app":"other"}"#,
        1,
    );
    assert_eq!(desk.registry.table().len(), 1);
}

#[test]
fn the_tls_port_is_the_endpoints_address() {
    let mut desk = Desk::usual();
    desk.register(
        r#"{"host":"h","port":80,"tls_port":443,"uris":["a.com"]}"#,
        0,
    );
    assert_eq!(addresses(&desk.registry.table(), "a.com"), ["h:443"]);
    desk.unregister(r#"{"host":"h","tls_port":443,"uris":["a.com"]}"#, 0);
    assert!(desk.registry.table().is_empty());
}

#[test]
fn a_changed_registration_replaces_the_endpoint_in_place_and_keeps_its_id() {
    let mut desk = Desk::usual();
    desk.register(A, 0);
    let before = pool(&desk, "a.com").members()[0].endpoint().clone();
    desk.register(&A.replace("\"g\"", "\"g2\""), 1);
    let after = pool(&desk, "a.com").members()[0].endpoint().clone();
    assert_eq!((after.app_id(), after.id()), ("g2", before.id()));
}

#[test]
fn another_certificate_name_is_another_endpoint() {
    let mut desk = Desk::usual();
    let tls = |san: &str| {
        format!(
            r#"{{"host":"h","tls_port":443,"uris":["a.com"],"server_cert_domain_san":"{san}"}}"#
        )
    };
    desk.register(&tls("one"), 0);
    let before = pool(&desk, "a.com").members()[0].endpoint().clone();
    desk.register(&tls("two"), 0);
    let after = pool(&desk, "a.com");
    assert_eq!(after.members().len(), 1);
    assert_ne!(after.members()[0].endpoint().id(), before.id());
    assert!(before.is_evicted());
}

#[test]
fn the_last_registration_sets_the_route_service_and_the_algorithm() {
    let mut desk = Desk::usual();
    let with =
        |port: u16, rest: &str| format!(r#"{{"host":"h","port":{port},"uris":["a.com"]{rest}}}"#);
    let (one, two) = (with(1, r#","route_service_url":"https://rs""#), with(2, ""));
    desk.register(&one, 0);
    assert_eq!(pool(&desk, "a.com").route_service_url(), Some("https://rs"));
    desk.register(&two, 1);
    assert_eq!(pool(&desk, "a.com").route_service_url(), None);
    desk.register(&one, 2);
    assert_eq!(pool(&desk, "a.com").route_service_url(), Some("https://rs"));
    desk.register(
        &with(2, r#","options":{"loadbalancing":"least-connection"}"#),
        3,
    );
    assert_eq!(pool(&desk, "a.com").algorithm(), Algorithm::LeastConnection);
    desk.register(&with(1, r#","options":{"loadbalancing":"fastest"}"#), 4);
    assert_eq!(pool(&desk, "a.com").algorithm(), Algorithm::LeastConnection);
}

#[test]
fn the_route_service_of_an_endpoint_leaves_with_it() {
    let mut desk = Desk::usual();
    desk.register(
        r#"{"host":"h","port":1,"uris":["a.com"],"route_service_url":"https://one"}"#,
        0,
    );
    desk.register(
        r#"{"host":"h","port":2,"uris":["a.com"],"route_service_url":"https://two"}"#,
        1,
    );
    desk.unregister(r#"{"host":"h","port":2,"uris":["a.com"]}"#, 2);
    assert_eq!(
        pool(&desk, "a.com").route_service_url(),
        Some("https://one")
    );
}

#[test]
fn other_segments_are_ignored_both_ways() {
    let config = RegistryConfig {
        routing_table_sharding_mode: ShardingMode::SharedAndSegments,
        isolation_segments: vec!["ours".into()],
        ..RegistryConfig::default()
    };
    let mut desk = Desk::new(&config);
    let of = |segment: &str| {
        format!(r#"{{"host":"h","port":1,"uris":["a.com"],"isolation_segment":"{segment}"}}"#)
    };
    desk.register(&of("theirs"), 0);
    assert!(desk.registry.table().is_empty());
    desk.register(&of("ours"), 0);
    desk.unregister(&of("theirs"), 0);
    assert_eq!(desk.registry.table().len(), 1);
    assert!(desk.shows(r#"registry_message{action="added",component=""} 1"#));
}

#[test]
fn the_stale_threshold_is_clamped_to_the_configured_one() {
    let mut desk = Desk::usual();
    for (announced, effective) in [(0, 120), (30, 30), (121, 120), (i64::MAX, 120), (-1, 0)] {
        let json = format!(
            r#"{{"host":"h","port":1,"uris":["a.com"],"stale_threshold_in_seconds":{announced}}}"#
        );
        desk.register(&json, 0);
        let effective_now = pool(&desk, "a.com").members()[0]
            .endpoint()
            .stale_threshold_secs();
        assert_eq!(effective_now, effective, "{announced}");
    }
}

#[test]
fn an_emptied_route_stays_where_503_is_asked_for() {
    let config = RegistryConfig {
        empty_pool_response_code_503: true,
        empty_pool_timeout: Duration::from_secs(60),
        ..RegistryConfig::default()
    };
    let mut desk = Desk::new(&config);
    desk.register(A, 0);
    desk.unregister(A, 0);
    assert!(matches!(
        desk.registry.table().find("a.com", "/"),
        Lookup::Empty(_)
    ));
    let mut usual = Desk::usual();
    usual.register(A, 0);
    usual.unregister(A, 0);
    assert!(matches!(
        usual.registry.table().find("a.com", "/"),
        Lookup::Unknown
    ));
}

/// One whole round over the table.
fn round(pruner: &mut Pruner, desk: &mut Desk, hearing: Hearing, secs: u64) {
    for _ in 0..64 {
        pruner.step(&mut desk.registry, hearing, Millis(secs * 1000));
    }
}

#[test]
fn a_round_of_pruning_removes_what_is_stale_and_reports() {
    let mut desk = Desk::usual();
    desk.register(A, 0);
    let mut pruner = Pruner::new(&RegistryConfig::default());
    round(&mut pruner, &mut desk, Hearing::Good, 100);
    assert!(desk.shows("total_routes 2") && desk.shows("ms_since_last_registry_update 100000"));
    round(&mut pruner, &mut desk, Hearing::Good, 121);
    assert!(desk.shows("total_routes 0") && desk.shows("routes_pruned 2"));
}

#[test]
fn while_the_bus_is_away_nothing_is_pruned_and_then_everybody_has_a_full_term() {
    let config = RegistryConfig {
        suspend_pruning_if_nats_unavailable: true,
        ..RegistryConfig::default()
    };
    let mut desk = Desk::new(&config);
    desk.register(A, 0);
    let mut pruner = Pruner::new(&config);
    round(&mut pruner, &mut desk, Hearing::Deaf, 500);
    round(&mut pruner, &mut desk, Hearing::Good, 600);
    round(&mut pruner, &mut desk, Hearing::Good, 720);
    assert_eq!(desk.registry.table().len(), 2);
    round(&mut pruner, &mut desk, Hearing::Good, 721);
    assert!(desk.registry.table().is_empty());
}

#[test]
fn without_pruning_only_evicted_endpoints_leave() {
    let config = RegistryConfig {
        prune_stale_droplets_interval: None,
        ..RegistryConfig::default()
    };
    let mut desk = Desk::new(&config);
    desk.register(A, 0);
    desk.register(&A.replace("80", "81"), 0);
    pool(&desk, "a.com").members()[0].endpoint().evict();
    round(&mut Pruner::new(&config), &mut desk, Hearing::Good, 10_000);
    assert_eq!(addresses(&desk.registry.table(), "a.com"), ["10.0.0.1:81"]);
}
