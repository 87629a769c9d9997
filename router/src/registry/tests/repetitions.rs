//! Repeated announcements: the short way does what the long way does, whatever came between.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Desk, addresses, at};
use crate::config::RegistryConfig;
use crate::registry::{Hearing, Pruner};
use crate::route::{Lookup, Millis, Pool};

/// A few messages that meet each other: three addresses, shared routes, changed facts, several URIs, faults.
const MESSAGES: [&str; 14] = [
    r#"{"host":"10.0.0.1","port":80,"uris":["a.com"],"app":"one"}"#,
    r#"{"host":"10.0.0.1","port":80,"uris":["A.com"],"app":"one"}"#,
    r#"{"host":"10.0.0.1","port":80,"uris":["a.com"],"app":"two"}"#,
    r#"{"host":"10.0.0.2","port":80,"uris":["a.com"],"tags":{"component":"uaa"}}"#,
    r#"{"host":"10.0.0.2","port":80,"uris":["a.com","b.com/x","c.com"],"tags":{"component":"uaa"}}"#,
    r#"{"host":"10.0.0.2","port":80,"uris":["b.com/x"],"stale_threshold_in_seconds":30}"#,
    r#"{"host":"10.0.0.2","tls_port":443,"uris":["c.com"],"server_cert_domain_san":"san"}"#,
    r#"{"host":"10.0.0.1","port":80,"uris":["a.com"],"options":{"loadbalancing":"least-connection"}}"#,
    r#"{"host":"10.0.0.3","port":80,"uris":["a.com"],"options":{"loadbalancing":"round-robin"}}"#,
    r#"{"host":"10.0.0.3","port":80,"uris":["a.com"],"options":{"loadbalancing":"fastest"}}"#,
    r#"{"host":"10.0.0.3","port":80,"uris":["a.com"],"route_service_url":"https://rs"}"#,
    r#"{"host":"10.0.0.3","port":80,"uris":["b.com","b.com"]}"#,
    r#"{"host":"10.0.0.3","port":80,"uris":["b.com",""]}"#,
    r#"{"host":"10.0.0.3","port":80,"uris":[]}"#,
];

#[derive(Clone, Copy, Debug)]
enum Step {
    Register(usize),
    Unregister(usize),
    Evict(usize),
    Wait(u64),
    Prune,
}

fn step() -> impl Strategy<Value = Step> {
    let message = || 0..MESSAGES.len();
    prop_oneof![
        12 => message().prop_map(Step::Register),
        2 => message().prop_map(Step::Unregister),
        1 => (0..4_usize).prop_map(Step::Evict),
        2 => (1..90_u64).prop_map(Step::Wait),
        1 => Just(Step::Prune),
    ]
}

/// Two desks that are told the same: one hears bytes, one is handed what they say.
struct Twins {
    short: Desk,
    long: Desk,
    pruners: [Pruner; 2],
    now: u64,
}

impl Twins {
    fn new() -> Self {
        let config = RegistryConfig::default();
        Self {
            short: Desk::new(&config),
            long: Desk::new(&config),
            pruners: [Pruner::new(&config), Pruner::new(&config)],
            now: 0,
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Register(nth) => {
                self.short.hear(MESSAGES[nth], self.now);
                self.long.register(MESSAGES[nth], self.now);
            }
            Step::Unregister(nth) => {
                self.short.unregister(MESSAGES[nth], self.now);
                self.long.unregister(MESSAGES[nth], self.now);
            }
            Step::Evict(nth) => [&self.short, &self.long]
                .into_iter()
                .for_each(|desk| evict(desk, nth)),
            Step::Wait(secs) => self.now += secs,
            Step::Prune => {
                let desks = [&mut self.short, &mut self.long];
                for (desk, pruner) in desks.into_iter().zip(&mut self.pruners) {
                    // One round takes as many steps.
                    (0..64).for_each(|_| {
                        let now = Millis(self.now * 1000);
                        pruner.step(&mut desk.registry, Hearing::Good, now);
                    });
                }
            }
        }
    }
}

fn evict(desk: &Desk, nth: usize) {
    let mut endpoints = Vec::new();
    for pool in pools(desk) {
        endpoints.extend(pool.members().iter().map(|m| m.endpoint().clone()));
    }
    endpoints.sort_by(|a, b| (a.address(), a.id().0).cmp(&(b.address(), b.id().0)));
    endpoints.dedup_by_key(|endpoint| endpoint.id());
    if let Some(endpoint) = endpoints.get(nth) {
        endpoint.evict();
    }
}

/// The pools that the messages' routes lead to; a visit of all shards after each step would take too long.
fn pools(desk: &Desk) -> Vec<Arc<Pool>> {
    let table = desk.registry.table();
    let uris = [
        ("a.com", "/"),
        ("b.com", "/"),
        ("b.com", "/x"),
        ("c.com", "/"),
    ];
    let lookups = uris.map(|(host, path)| table.find(host, path));
    let found = lookups.into_iter().filter_map(|lookup| match lookup {
        Lookup::Found(pool) | Lookup::Empty(pool) => Some(pool),
        Lookup::Unknown => None,
    });
    found.collect()
}

/// Everything that can be seen of a desk: its table, and its counters.
fn seen(desk: &Desk) -> (Vec<String>, Vec<String>) {
    let table = desk.registry.table();
    let mut routes = vec![format!(
        "{} routes, {} endpoints, {:?}",
        table.len(),
        table.endpoint_count(),
        table.last_update()
    )];
    routes.extend(pools(desk).iter().map(|pool| shown(pool)));
    let mut text = Vec::new();
    desk.metrics.render(&mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let counted = text.lines().filter(|line| line.contains("regist"));
    (routes, counted.map(str::to_owned).collect())
}

fn shown(pool: &Pool) -> String {
    let members = pool.members().iter().map(|member| {
        let endpoint = member.endpoint();
        format!(
            "{} {} {} {:?} {}",
            endpoint.address(),
            endpoint.app_id(),
            endpoint.is_evicted(),
            member.last_seen(),
            member.is_hearsay(),
        )
    });
    let members: Vec<_> = members.collect();
    let (algorithm, service) = (pool.algorithm(), pool.route_service_url());
    format!("{} {algorithm:?} {service:?} {members:?}", pool.key())
}

proptest! {
    // A pruning visits all shards of two tables.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_short_way_does_what_the_long_way_does(steps in vec(step(), 1..100)) {
        let mut twins = Twins::new();
        for step in steps {
            twins.take(step);
            prop_assert_eq!(seen(&twins.short), seen(&twins.long), "after {:?}", step);
        }
    }
}

impl Desk {
    fn hear(&mut self, json: &str, secs: u64) {
        self.registry.hear(json.as_bytes(), at(secs)).unwrap();
    }

    /// Whether the message is known to say nothing new, by its bytes alone.
    fn knows(&mut self, json: &str, secs: u64) -> bool {
        let print = self.registry.fingerprint(json.as_bytes());
        self.registry.repeat(print, at(secs))
    }
}

#[test]
fn the_third_of_equal_messages_is_not_read_any_more() {
    for json in [MESSAGES[0], MESSAGES[4]] {
        let mut desk = Desk::usual();
        desk.hear(json, 0);
        assert!(!desk.knows(json, 1), "it was added, not renewed");
        desk.hear(json, 2);
        assert!(desk.knows(json, 3));
        for pool in pools(&desk) {
            assert_eq!(pool.members()[0].last_seen(), at(3).millis);
        }
    }
}

#[test]
fn what_was_repeated_is_read_again_after_a_change_of_any_of_its_routes() {
    for change in [
        MESSAGES[5],
        r#"{"host":"10.0.0.2","port":80,"uris":["c.com"],"app":"new"}"#,
    ] {
        let mut desk = Desk::usual();
        (0..3).for_each(|secs| desk.hear(MESSAGES[4], secs));
        assert!(desk.knows(MESSAGES[4], 3));
        desk.hear(change, 4);
        assert!(!desk.knows(MESSAGES[4], 5), "{change}");
        desk.unregister(MESSAGES[4], 6);
        assert!(!desk.knows(MESSAGES[4], 7));
        assert!(addresses(&desk.registry.table(), "c.com").is_empty());
    }
}

#[test]
fn what_has_something_wrong_with_it_is_read_each_time() {
    for json in [MESSAGES[9], MESSAGES[12]] {
        let mut desk = Desk::usual();
        (0..4).for_each(|secs| desk.hear(json, secs));
        assert!(!desk.knows(json, 5), "{json}");
    }
    assert!(Desk::usual().registry.hear(b"{", at(0)).is_err());
}
