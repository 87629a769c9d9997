//! What must hold of every sequence of placements: spread, room, no overcommitment.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::model::Micros;
use crate::wire::{Advertisement, AgentHello, PlacementProperties};

use super::*;

/// A node as it really is, behind the bus: what was sent to it arrives late, and it refuses what
/// does not fit.
#[derive(Clone, Debug)]
struct RealNode {
    id: String,
    memory: i64,
    disk: i64,
    stack: &'static str,
    zone: &'static str,
    instances: BTreeMap<String, u32>,
    sent: Vec<(String, i64, i64)>,
    refused: u32,
}

impl RealNode {
    fn new(n: usize, memory: i64) -> Self {
        Self {
            id: format!("{n}-ab"),
            memory,
            disk: 100_000,
            stack: "s",
            zone: "default",
            instances: BTreeMap::new(),
            sent: Vec::new(),
            refused: 0,
        }
    }

    fn advertisement(&self) -> Advertisement {
        Advertisement {
            id: self.id.clone(),
            stacks: vec![self.stack.into()],
            available_memory: self.memory,
            available_disk: Some(self.disk),
            instances: self.instances.clone(),
            placement_properties: PlacementProperties {
                zones: Some(vec![self.zone.into()]),
                ..PlacementProperties::default()
            },
            ..Advertisement::default()
        }
    }

    fn receive(&mut self) {
        for (process, memory, disk) in self.sent.drain(..) {
            if memory > self.memory || disk > self.disk {
                self.refused += 1;
                continue;
            }
            self.memory -= memory;
            self.disk -= disk;
            *self.instances.entry(process).or_default() += 1;
        }
    }

    fn count(&self, process: &str) -> u32 {
        let sent = self
            .sent
            .iter()
            .filter(|(sent, ..)| sent == process)
            .count();
        self.instances.get(process).copied().unwrap_or(0) + u32::try_from(sent).unwrap()
    }
}

/// The pool, the nodes behind it, and a clock.
struct World {
    pool: Pool,
    nodes: Vec<RealNode>,
    now: Micros,
    random: StdRng,
}

impl World {
    fn new(nodes: Vec<RealNode>, seed: u64) -> Self {
        let mut world = Self {
            pool: Pool::new(),
            nodes,
            now: Micros(0),
            random: StdRng::seed_from_u64(seed),
        };
        (0..world.nodes.len()).for_each(|n| world.advertise(n));
        world
    }

    fn advertise(&mut self, n: usize) {
        let told = self.nodes[n].advertisement();
        self.pool.apply(self.now, Role::Instances, &told);
        self.pool.apply(self.now, Role::Staging, &told);
    }

    fn place(&mut self, request: &Request<'_>) -> Result<usize, Shortage> {
        let chosen = self.pool.place(request, self.now, &mut self.random)?;
        let at = self
            .nodes
            .iter()
            .position(|node| node.id == chosen.agent)
            .unwrap();
        let sent = (
            request.process.to_owned(),
            request.memory_mb,
            request.disk_mb,
        );
        self.nodes[at].sent.push(sent);
        Ok(at)
    }

    fn spread(&self, process: &str) -> (u32, u32) {
        let counts = self.nodes.iter().map(|node| node.count(process));
        (counts.clone().min().unwrap(), counts.max().unwrap())
    }
}

fn request(process: &str) -> Request<'_> {
    Request {
        process,
        memory_mb: 64,
        disk_mb: 64,
        stack: "s",
        zone: None,
    }
}

/// What may happen between two looks; numbers are taken modulo the number of nodes.
#[derive(Clone, Copy, Debug)]
enum Event {
    Advertise(usize),
    Place(u8),
    Receive(usize),
    Wait,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (0..64_usize).prop_map(Event::Advertise),
        (0..3_u8).prop_map(Event::Place),
        (0..64_usize).prop_map(Event::Receive),
        Just(Event::Wait),
    ]
}

const PROCESSES: [&str; 3] = ["p", "q", "r"];

proptest! {
    #[test]
    fn instances_of_a_process_differ_by_at_most_one_per_node(
        nodes in 1..9_usize,
        events in prop::collection::vec(event(), 1..120),
        seed: u64,
    ) {
        let real = (0..nodes).map(|n| RealNode::new(n, 1 << 20)).collect();
        let mut world = World::new(real, seed);
        for event in events {
            match event {
                Event::Advertise(n) => world.advertise(n % nodes),
                Event::Place(process) => {
                    world.place(&request(PROCESSES[usize::from(process)])).unwrap();
                }
                Event::Receive(n) => world.nodes[n % nodes].receive(),
                Event::Wait => {
                    // Whatever was sent arrives long before it is given up for lost.
                    world.nodes.iter_mut().for_each(RealNode::receive);
                    world.now = world.now.after(SETTLE);
                    (0..nodes).for_each(|n| world.advertise(n));
                }
            }
            for process in PROCESSES {
                let (fewest, most) = world.spread(process);
                prop_assert!(most - fewest <= 1, "{process}: {fewest}..{most}");
            }
        }
    }

    #[test]
    fn a_node_never_gets_what_it_cannot_take(
        kinds in prop::collection::vec((0..400_i64, 0..400_i64, any::<bool>(), any::<bool>()), 1..9),
        wishes in prop::collection::vec((1..300_i64, 1..300_i64, any::<bool>(), any::<bool>()), 1..60),
        seed: u64,
    ) {
        let node = |(n, &(memory, disk, stack, zone)): (usize, &(i64, i64, bool, bool))| RealNode {
            disk,
            stack: if stack { "s" } else { "t" },
            zone: if zone { "default" } else { "gold" },
            ..RealNode::new(n, memory)
        };
        let mut world = World::new(kinds.iter().enumerate().map(node).collect(), seed);
        for (memory_mb, disk_mb, stack, zone) in wishes {
            let stack = if stack { "s" } else { "t" };
            let zone = (!zone).then_some("gold");
            let wish = Request { process: "p", memory_mb, disk_mb, stack, zone };
            let fits = world.nodes.iter().any(|node| {
                let taken = |pick: fn(&(String, i64, i64)) -> i64| node.sent.iter().map(pick).sum::<i64>();
                node.stack == stack
                    && node.zone == zone.unwrap_or("default")
                    && node.memory - taken(|sent| sent.1) >= memory_mb
                    && node.disk - taken(|sent| sent.2) >= disk_mb
            });
            match world.place(&wish) {
                Ok(at) => {
                    prop_assert!(fits);
                    prop_assert_eq!(world.nodes[at].stack, stack);
                    prop_assert_eq!(world.nodes[at].zone, zone.unwrap_or("default"));
                }
                Err(shortage) => prop_assert!(!fits, "{shortage}"),
            }
        }
        world.nodes.iter_mut().for_each(RealNode::receive);
        prop_assert!(world.nodes.iter().all(|node| node.refused == 0));
    }

    #[test]
    fn a_burst_between_advertisements_overfills_no_node(
        memories in prop::collection::vec(0..4_000_i64, 1..20),
        late in prop::collection::vec(0..64_usize, 0..40),
        seed: u64,
    ) {
        let nodes = memories.len();
        let real = memories.iter().enumerate().map(|(n, &memory)| RealNode::new(n, memory));
        let mut world = World::new(real.collect(), seed);
        let room: i64 = memories.iter().map(|memory| memory / 64).sum();
        let mut late = late.into_iter();
        let mut placed = 0;
        for _ in 0..1_000 {
            placed += i64::from(world.place(&request("p")).is_ok());
            // Some nodes speak in the middle of it, before or after they got what was sent.
            match late.next() {
                Some(n) if n % 2 == 0 => world.advertise(n % nodes),
                Some(n) => world.nodes[n % nodes].receive(),
                None => {}
            }
        }
        world.nodes.iter_mut().for_each(RealNode::receive);
        prop_assert!(world.nodes.iter().all(|node| node.refused == 0));
        prop_assert_eq!(placed, room.min(1_000));
    }

    #[test]
    fn replacements_of_a_lost_node_keep_the_spread(
        nodes in 2..9_usize,
        instances in 1..60_u32,
        lost in 0..64_usize,
        seed: u64,
    ) {
        let real = (0..nodes).map(|n| RealNode::new(n, 1 << 20)).collect();
        let mut world = World::new(real, seed);
        for _ in 0..instances {
            world.place(&request("p")).unwrap();
        }
        let gone = world.nodes.remove(lost % nodes);
        world.pool.remove(&gone.id);
        for _ in 0..gone.count("p") {
            world.place(&request("p")).unwrap();
        }
        let (fewest, most) = world.spread("p");
        prop_assert!(most - fewest <= 1, "{fewest}..{most}");
        prop_assert_eq!(world.pool.instances("p"), u64::from(instances));
    }
}

#[test]
fn an_advertisement_that_was_sent_before_a_start_arrived_does_not_wipe_it() {
    let mut world = World::new(vec![RealNode::new(0, 100)], 1);
    world.place(&request("p")).unwrap();
    world.advertise(0);
    assert!(world.place(&request("p")).is_err());
    world.nodes[0].receive();
    world.advertise(0);
    let node = world.pool.nodes(world.now).next().unwrap();
    assert_eq!((node.free_memory_mb, node.instances), (36, 1));
}

#[test]
fn an_advertisement_that_waited_for_its_turn_wipes_nothing_that_was_promised_meanwhile() {
    let mut world = World::new(vec![RealNode::new(0, 100)], 1);
    let sent = world.now;
    let told = world.nodes[0].advertisement();
    world.place(&request("p")).unwrap();
    world.now = world.now.after(2 * SETTLE);
    world
        .pool
        .apply_late(world.now, sent, Role::Instances, &told);
    assert!(world.place(&request("p")).is_err());
    world.nodes[0].receive();
    world.advertise(0);
    assert_eq!(world.pool.instances("p"), 1);
}

#[test]
fn a_start_that_never_arrived_is_given_up() {
    let mut world = World::new(vec![RealNode::new(0, 100)], 1);
    world.place(&request("p")).unwrap();
    world.nodes[0].sent.clear();
    world.now = world.now.after(SETTLE);
    assert_eq!(world.pool.instances("p"), 1);
    world.advertise(0);
    assert_eq!(world.pool.instances("p"), 0);
    assert!(world.place(&request("p")).is_ok());
}

#[test]
fn a_staging_task_has_arrived_when_its_memory_is_gone() {
    let mut world = World::new(vec![RealNode::new(0, 3_000)], 1);
    world
        .pool
        .choose_stager(&request("p"), world.now, &mut world.random)
        .unwrap();
    world.nodes[0].memory -= 1_024;
    world.advertise(0);
    let node = world.pool.nodes(world.now).next().unwrap();
    assert_eq!(node.free_memory_mb, 1_976);
}

#[test]
fn a_build_that_ended_between_two_advertisements_holds_no_room() {
    let mut world = World::new(vec![RealNode::new(0, 3_000)], 1);
    for build in ["b", "c"] {
        let chosen = world
            .pool
            .choose_stager(&request(build), world.now, &mut world.random);
        assert_eq!(chosen.unwrap().agent, "0-ab");
    }
    world.pool.end_staging("0-ab", "b");
    world.pool.end_staging("0-ab", "b");
    world.pool.end_staging("gone", "c");
    let node = world.pool.nodes(world.now).next().unwrap();
    assert_eq!(node.free_memory_mb, 1_976);
    // An instance of the same name is no build.
    world.place(&request("c")).unwrap();
    world.pool.end_staging("0-ab", "c");
    assert_eq!(world.pool.instances("c"), 1);
}

#[test]
fn an_agent_that_was_restarted_is_one_agent() {
    let mut pool = Pool::new();
    for id in ["0-old", "1-other"] {
        let told = Advertisement {
            id: id.into(),
            ip: "10.0.0.1".into(),
            ..Advertisement::default()
        };
        assert_eq!(pool.apply(Micros(0), Role::Instances, &told), Heard::New);
        assert_eq!(pool.apply(Micros(0), Role::Instances, &told), Heard::Known);
    }
    pool.greet(&AgentHello {
        id: "0-new".into(),
        ip: "10.0.0.1".into(),
        version: String::new(),
    });
    assert!(!pool.is_alive("0-old", Micros(0)));
    assert!(pool.is_alive("1-other", Micros(0)));
}

#[test]
fn silent_agents_are_forgotten_with_everything_they_ran() {
    let mut world = World::new(vec![RealNode::new(0, 1_000), RealNode::new(1, 1_000)], 1);
    for _ in 0..2 {
        world.place(&request("p")).unwrap();
    }
    world.now = world.now.after(ADVERTISEMENT_LIFE);
    world.advertise(1);
    world.now = Micros(world.now.0 + 1);
    assert_eq!(world.pool.expire(world.now), ["0-ab"]);
    assert_eq!(world.pool.nodes(world.now).count(), 1);
    assert!(world.pool.expire(world.now).is_empty());
}
