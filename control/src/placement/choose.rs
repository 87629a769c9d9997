//! The choice among the nodes that can: spread first, then free memory, then chance.

use std::mem;

use rand::Rng;

use crate::model::Micros;

use super::node::Role;
use super::pool::Pool;
use super::request::{Chosen, Request};
use super::shortage::Shortage;

/// The least memory in MB that a stager must have free.
const STAGING_MEMORY_MB: i64 = 1024;
/// The least disk in MB that a stager must have free.
const STAGING_DISK_MB: i64 = 4096;
/// Among how many of the stagers with most memory one is drawn.
const STAGERS: usize = 5;

impl Pool {
    /// Chooses a node for one instance and subtracts there what it needs.
    ///
    /// # Errors
    ///
    /// Fails when no node can take it.
    pub fn place(
        &mut self,
        request: &Request<'_>,
        now: Micros,
        random: &mut impl Rng,
    ) -> Result<Chosen, Shortage> {
        let mut scan = mem::take(&mut self.scan);
        let tally = self.scan(&mut scan, Role::Instances, request, now);
        scan.spread(&self.counts, request.process);
        scan.keep_upper_half();
        let drawn = scan.draw(random);
        self.scan = scan;
        let chosen = drawn.and_then(|at| self.promise(now, at.number, Role::Instances, request));
        chosen.ok_or_else(|| tally.shortage(request))
    }

    /// Chooses a node for one staging task and subtracts there what it needs.
    ///
    /// # Errors
    ///
    /// Fails when no stager can take it.
    pub fn choose_stager(
        &mut self,
        request: &Request<'_>,
        now: Micros,
        random: &mut impl Rng,
    ) -> Result<Chosen, Shortage> {
        let request = &Request {
            memory_mb: request.memory_mb.max(STAGING_MEMORY_MB),
            disk_mb: request.disk_mb.max(STAGING_DISK_MB),
            ..*request
        };
        let mut scan = mem::take(&mut self.scan);
        let tally = self.scan(&mut scan, Role::Staging, request, now);
        scan.keep_roomiest(STAGERS);
        let drawn = scan.draw(random);
        self.scan = scan;
        let chosen = drawn.and_then(|at| self.promise(now, at.number, Role::Staging, request));
        chosen.ok_or_else(|| tally.shortage(request))
    }

    /// Whether a node could take one instance now.
    ///
    /// # Errors
    ///
    /// Fails when no node can take it.
    pub fn has_room(&mut self, request: &Request<'_>, now: Micros) -> Result<(), Shortage> {
        let mut scan = mem::take(&mut self.scan);
        let tally = self.scan(&mut scan, Role::Instances, request, now);
        let found = if scan.is_empty() {
            Err(tally.shortage(request))
        } else {
            Ok(())
        };
        self.scan = scan;
        found
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use crate::placement::Step;
    use crate::wire::{Advertisement, PlacementProperties};

    use super::*;

    const NOW: Micros = Micros(0);

    fn node(id: &str, memory: i64) -> Advertisement {
        Advertisement {
            id: id.into(),
            stacks: vec!["s".into()],
            available_memory: memory,
            available_disk: Some(10_000),
            ..Advertisement::default()
        }
    }

    fn zoned(id: &str, zones: &[&str], availability: &str) -> Advertisement {
        Advertisement {
            placement_properties: PlacementProperties {
                zone: None,
                zones: Some(zones.iter().map(|&zone| zone.to_owned()).collect()),
                availability_zone: Some(availability.to_owned()),
            },
            ..node(id, 8192)
        }
    }

    fn pool(nodes: &[Advertisement]) -> Pool {
        let mut pool = Pool::new();
        for node in nodes {
            pool.apply(NOW, Role::Instances, node);
            pool.apply(NOW, Role::Staging, node);
        }
        pool
    }

    fn request(process: &str) -> Request<'_> {
        Request {
            process,
            memory_mb: 1024,
            disk_mb: 1024,
            stack: "s",
            zone: None,
        }
    }

    fn random() -> StdRng {
        StdRng::seed_from_u64(7)
    }

    fn step(found: Result<Chosen, Shortage>) -> Option<Step> {
        found.err().map(|shortage| shortage.step())
    }

    #[test]
    fn each_wish_can_leave_no_node_and_is_named() {
        let mut pool = pool(&[node("a", 2048)]);
        let (random, p) = (&mut random(), request("p"));
        assert_eq!(step(Pool::new().place(&p, NOW, random)), Some(Step::Alive));
        let disk = Request {
            disk_mb: 20_000,
            ..p
        };
        assert_eq!(step(pool.place(&disk, NOW, random)), Some(Step::Disk));
        let stack = Request { stack: "t", ..p };
        assert_eq!(step(pool.place(&stack, NOW, random)), Some(Step::Stack));
        let zone = Request {
            zone: Some("gold"),
            ..p
        };
        assert_eq!(step(pool.place(&zone, NOW, random)), Some(Step::Zone));
        let memory = pool
            .place(
                &Request {
                    memory_mb: 4096,
                    ..p
                },
                NOW,
                random,
            )
            .unwrap_err();
        assert_eq!(
            (memory.step(), memory.most_memory_mb),
            (Step::Memory, Some(2048))
        );
        assert!(pool.place(&p, NOW, random).is_ok());
    }

    #[test]
    fn a_node_that_is_silent_for_more_than_ten_seconds_takes_nothing() {
        let mut pool = pool(&[node("a", 8192)]);
        let random = &mut random();
        assert!(
            pool.place(&request("p"), Micros::from_seconds(10), random)
                .is_ok()
        );
        let late = Micros(10_000_001);
        assert_eq!(
            step(pool.place(&request("p"), late, random)),
            Some(Step::Alive)
        );
    }

    #[test]
    fn disk_that_is_not_told_is_enough() {
        let silent = Advertisement {
            available_disk: None,
            ..node("a", 8192)
        };
        let huge = Request {
            disk_mb: 1 << 40,
            ..request("p")
        };
        assert!(pool(&[silent]).place(&huge, NOW, &mut random()).is_ok());
    }

    #[test]
    fn the_emptier_availability_zone_goes_before_the_emptier_node() {
        let nodes = [
            zoned("a1", &["default"], "a"),
            zoned("a2", &["default"], "a"),
        ];
        let mut pool = pool(&[
            nodes[0].clone(),
            nodes[1].clone(),
            zoned("b1", &["default"], "b"),
        ]);
        let random = &mut random();
        let placed: Vec<String> = (0..4)
            .map(|_| pool.place(&request("p"), NOW, random).unwrap().agent)
            .collect();
        // Two in each zone, though `b` has only one node.
        assert_eq!(
            placed.iter().filter(|agent| *agent == "b1").count(),
            2,
            "{placed:?}"
        );
    }

    #[test]
    fn an_application_without_a_zone_stays_out_of_the_others() {
        let mut pool = pool(&[zoned("a", &["gold"], "x"), zoned("b", &["default"], "x")]);
        let random = &mut random();
        for _ in 0..3 {
            assert_eq!(pool.place(&request("p"), NOW, random).unwrap().agent, "b");
            let gold = Request {
                zone: Some("gold"),
                ..request("p")
            };
            assert_eq!(pool.place(&gold, NOW, random).unwrap().agent, "a");
        }
    }

    #[test]
    fn fewer_instances_go_before_more_memory() {
        let busy = Advertisement {
            instances: [("p".into(), 1)].into(),
            ..node("big", 90_000)
        };
        let mut pool = pool(&[busy, node("small", 2048)]);
        assert_eq!(
            pool.place(&request("p"), NOW, &mut random()).unwrap().agent,
            "small"
        );
    }

    #[test]
    fn only_the_upper_half_by_memory_is_drawn_from() {
        let nodes: Vec<_> = [
            ("a", 4000),
            ("b", 5000),
            ("c", 6000),
            ("d", 7000),
            ("e", 8000),
        ]
        .map(|(id, memory)| node(id, memory))
        .into();
        let random = &mut random();
        for _ in 0..50 {
            let agent = pool(&nodes)
                .place(&request("p"), NOW, random)
                .unwrap()
                .agent;
            assert!(["c", "d", "e"].contains(&agent.as_str()), "{agent}");
        }
    }

    #[test]
    fn a_stager_is_one_of_the_five_with_most_memory() {
        let nodes: Vec<_> = (0..8).map(|n| node(&n.to_string(), 4000 + n)).collect();
        let random = &mut random();
        for _ in 0..50 {
            let agent = pool(&nodes)
                .choose_stager(&request("p"), NOW, random)
                .unwrap()
                .agent;
            assert!(
                ["3", "4", "5", "6", "7"].contains(&agent.as_str()),
                "{agent}"
            );
        }
    }

    #[test]
    fn a_stager_needs_more_than_a_small_application() {
        let small = Request {
            memory_mb: 64,
            disk_mb: 64,
            ..request("p")
        };
        let random = &mut random();
        assert_eq!(
            step(pool(&[node("a", 1000)]).choose_stager(&small, NOW, random)),
            Some(Step::Memory)
        );
        let full = Advertisement {
            available_disk: Some(4000),
            ..node("a", 2000)
        };
        assert_eq!(
            step(pool(&[full]).choose_stager(&small, NOW, random)),
            Some(Step::Disk)
        );
    }

    #[test]
    fn what_is_promised_to_a_stager_is_gone_for_instances() {
        let mut pool = pool(&[node("a", 2000)]);
        let random = &mut random();
        assert!(pool.choose_stager(&request("p"), NOW, random).is_ok());
        assert_eq!(
            step(pool.place(&request("p"), NOW, random)),
            Some(Step::Memory)
        );
    }

    #[test]
    fn asking_for_room_promises_nothing() {
        let mut pool = pool(&[node("a", 1024)]);
        for _ in 0..3 {
            assert_eq!(pool.has_room(&request("p"), NOW), Ok(()));
        }
        assert!(pool.place(&request("p"), NOW, &mut random()).is_ok());
        assert!(pool.has_room(&request("p"), NOW).is_err());
    }
}
