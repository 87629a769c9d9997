//! What the balancers promise, on real pools.

use std::sync::Arc;

use super::{Algorithm, Choice, Cursors, Tried, Unselectable};
use crate::route::{Announcement, Endpoint, InFlight, Lookup, Millis, Pool, TableWriter};

const INSTANCES: [&str; 6] = ["0", "1", "2", "3", "4", "5"];

fn pool_of(algorithm: Algorithm, endpoints: usize) -> Arc<Pool> {
    let mut writer = TableWriter::new(algorithm);
    for (port, instance_id) in (1..).zip(INSTANCES).take(endpoints) {
        let announcement = Announcement {
            host: "h",
            port,
            instance_id,
            ..Announcement::default()
        };
        writer.register("a.com", &announcement, Millis(0)).unwrap();
    }
    let Lookup::Found(pool) = writer.table().find("a.com", "/") else {
        panic!("registered")
    };
    pool
}

/// One core that asks again and again.
struct Core {
    cursors: Cursors,
    random: u64,
    tried: Tried,
    max_in_flight: u32,
}

impl Core {
    fn new() -> Self {
        Self {
            cursors: Cursors::new(),
            random: 0,
            tried: Tried::new(),
            max_in_flight: 0,
        }
    }

    fn select(&mut self, pool: &Pool, preferred: Option<&str>) -> Result<InFlight, Unselectable> {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        pool.select(&Choice {
            now: NOW,
            cursors: &self.cursors,
            random: self.random,
            tried: &self.tried,
            preferred_instance: preferred,
            max_in_flight: self.max_in_flight,
        })
    }

    fn port(&mut self, pool: &Pool) -> u16 {
        self.select(pool, None).unwrap().port()
    }
}

const NOW: Millis = Millis(1000);
const LATER: Millis = Millis(31_000);

fn endpoint(pool: &Pool, at: usize) -> &Arc<Endpoint> {
    pool.members()[at].endpoint()
}

#[test]
fn round_robin_serves_all_in_turn() {
    let (pool, mut core) = (pool_of(Algorithm::RoundRobin, 3), Core::new());
    let first = core.port(&pool);
    let next: Vec<_> = (0..6).map(|_| core.port(&pool)).collect();
    let turn = |step: u16| (first - 1 + step) % 3 + 1;
    assert_eq!(next, [turn(1), turn(2), turn(3), turn(4), turn(5), turn(6)]);
}

#[test]
fn round_robin_gives_nobody_a_double_share_after_a_skip() {
    let (pool, mut core) = (pool_of(Algorithm::RoundRobin, 4), Core::new());
    endpoint(&pool, 1).mark_failed(LATER);
    let mut served = [0; 5];
    for _ in 0..30 {
        served[usize::from(core.port(&pool))] += 1;
    }
    assert_eq!(served, [0, 10, 0, 10, 10]);
}

#[test]
fn round_robin_positions_of_two_pools_are_independent() {
    let (one, two, mut core) = (
        pool_of(Algorithm::RoundRobin, 2),
        pool_of(Algorithm::RoundRobin, 3),
        Core::new(),
    );
    // Both writers number from 1, so these two meet in one place and share the id.
    assert!((1..=2).contains(&core.port(&one)) && (1..=3).contains(&core.port(&two)));
    assert!((1..=2).contains(&core.port(&one)));
}

#[test]
fn a_mark_ends_when_its_time_is_over() {
    let (pool, mut core) = (pool_of(Algorithm::RoundRobin, 2), Core::new());
    endpoint(&pool, 0).mark_failed(NOW);
    let ports = [core.port(&pool), core.port(&pool)];
    assert!(ports.contains(&1) && ports.contains(&2));
}

#[test]
fn when_all_have_failed_all_are_tried_again() {
    for algorithm in [Algorithm::LeastConnection, Algorithm::RoundRobin] {
        let (pool, mut core) = (pool_of(algorithm, 2), Core::new());
        for at in 0..2 {
            endpoint(&pool, at).mark_failed(LATER);
        }
        core.port(&pool);
        assert!(
            (0..2).all(|at| !endpoint(&pool, at).is_failed(NOW)),
            "{algorithm:?}"
        );
    }
}

#[test]
fn a_retry_prefers_what_was_not_tried() {
    for algorithm in [Algorithm::LeastConnection, Algorithm::RoundRobin] {
        let (pool, mut core) = (pool_of(algorithm, 3), Core::new());
        core.tried.push(endpoint(&pool, 0).id());
        core.tried.push(endpoint(&pool, 2).id());
        assert!((0..9).all(|_| core.port(&pool) == 2), "{algorithm:?}");
        core.tried.push(endpoint(&pool, 1).id());
        assert!((1..=3).contains(&core.port(&pool)), "{algorithm:?}");
    }
}

#[test]
fn a_healthy_endpoint_is_tried_twice_before_a_failed_one_is_tried() {
    let (pool, mut core) = (pool_of(Algorithm::RoundRobin, 2), Core::new());
    core.tried.push(endpoint(&pool, 0).id());
    endpoint(&pool, 1).mark_failed(LATER);
    assert_eq!(core.port(&pool), 1);
}

#[test]
fn full_endpoints_are_skipped_and_all_full_is_said() {
    for algorithm in [Algorithm::LeastConnection, Algorithm::RoundRobin] {
        let (pool, mut core) = (pool_of(algorithm, 6), Core::new());
        core.max_in_flight = 2;
        let held: Vec<_> = (0..12).map(|_| core.select(&pool, None).unwrap()).collect();
        assert!(
            (0..6).all(|at| endpoint(&pool, at).in_flight() == 2),
            "{algorithm:?}"
        );
        assert_eq!(
            core.select(&pool, None).err(),
            Some(Unselectable::Full),
            "{algorithm:?}"
        );
        drop(held);
        assert!(core.select(&pool, None).is_ok(), "{algorithm:?}");
    }
}

#[test]
fn full_endpoints_keep_their_marks_when_nobody_has_room() {
    let (pool, mut core) = (pool_of(Algorithm::RoundRobin, 1), Core::new());
    core.max_in_flight = 1;
    let _held = core.select(&pool, None).unwrap();
    endpoint(&pool, 0).mark_failed(LATER);
    assert_eq!(core.select(&pool, None).err(), Some(Unselectable::Full));
    assert!(endpoint(&pool, 0).is_failed(NOW));
}

#[test]
fn evicted_endpoints_are_never_chosen() {
    for algorithm in [Algorithm::LeastConnection, Algorithm::RoundRobin] {
        let (pool, mut core) = (pool_of(algorithm, 2), Core::new());
        endpoint(&pool, 0).evict();
        assert!((0..4).all(|_| core.port(&pool) == 2), "{algorithm:?}");
        endpoint(&pool, 1).evict();
        assert_eq!(
            core.select(&pool, None).err(),
            Some(Unselectable::Empty),
            "{algorithm:?}"
        );
    }
}

#[test]
fn the_preferred_instance_serves_while_it_can() {
    let (pool, mut core) = (pool_of(Algorithm::RoundRobin, 3), Core::new());
    core.max_in_flight = 1;
    let slot = core.select(&pool, Some("1")).unwrap();
    assert_eq!(slot.instance_id(), "1");
    assert_ne!(core.select(&pool, Some("1")).unwrap().instance_id(), "1");
    drop(slot);
    endpoint(&pool, 1).mark_failed(LATER);
    assert_ne!(core.select(&pool, Some("1")).unwrap().instance_id(), "1");
    assert!(core.select(&pool, Some("gone")).is_ok());
}

#[test]
fn the_preferred_instance_is_not_tried_twice() {
    let (pool, mut core) = (pool_of(Algorithm::RoundRobin, 2), Core::new());
    core.tried.push(endpoint(&pool, 1).id());
    assert_eq!(core.select(&pool, Some("1")).unwrap().instance_id(), "0");
}

#[test]
fn least_connection_is_exact_for_few() {
    let (pool, mut core) = (pool_of(Algorithm::LeastConnection, 4), Core::new());
    let _held: Vec<_> = (0..8).map(|_| core.select(&pool, None).unwrap()).collect();
    assert!((0..4).all(|at| endpoint(&pool, at).in_flight() == 2));
}

#[test]
fn least_connection_breaks_ties_anywhere() {
    let (pool, mut core) = (pool_of(Algorithm::LeastConnection, 4), Core::new());
    let mut served = [false; 5];
    (0..200).for_each(|_| served[usize::from(core.port(&pool))] = true);
    assert_eq!(served, [false, true, true, true, true]);
}

#[test]
fn least_connection_never_takes_the_busiest_of_many() {
    let (pool, mut core) = (pool_of(Algorithm::LeastConnection, 6), Core::new());
    let _busy: Vec<_> = (0..5)
        .map(|_| core.select(&pool, Some("3")).unwrap())
        .collect();
    assert!((0..200).all(|_| core.port(&pool) != 4));
}

#[test]
fn least_connection_honours_failure_marks() {
    for endpoints in [3, 6] {
        let (pool, mut core) = (pool_of(Algorithm::LeastConnection, endpoints), Core::new());
        (1..endpoints).for_each(|at| endpoint(&pool, at).mark_failed(LATER));
        assert!(
            (0..50).all(|_| core.port(&pool) == 1),
            "{endpoints} endpoints"
        );
    }
}

#[test]
fn an_algorithm_is_read_by_its_name() {
    for algorithm in [Algorithm::LeastConnection, Algorithm::RoundRobin] {
        assert_eq!(Algorithm::from_name(algorithm.name()), Some(algorithm));
    }
    assert_eq!(Algorithm::from_name("fastest"), None);
}
