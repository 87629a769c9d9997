//! What must hold of every history, whatever happens to agents, bus and controller.

use proptest::prelude::*;

use super::model::{Lag, World};

/// A way to be blind, and for how long.
#[derive(Clone, Copy, Debug)]
enum Outage {
    Bus(i64),
    BusTold(i64),
    Pause(i64),
    Restart(i64),
    /// A restart while one agent is cut off, and for how long it is after that.
    RestartWithout(i64, usize, i64),
}

fn outage() -> impl Strategy<Value = Outage> {
    prop_oneof![
        (0..700_i64).prop_map(Outage::Bus),
        (0..700_i64).prop_map(Outage::BusTold),
        (0..700_i64).prop_map(Outage::Pause),
        (0..700_i64).prop_map(Outage::Restart),
        (0..700_i64, 0..8_usize, 0..25_i64)
            .prop_map(|(away, agent, cut)| Outage::RestartWithout(away, agent, cut)),
    ]
}

fn lag() -> impl Strategy<Value = Lag> {
    (0..=2_i64, 0..=1_i64).prop_map(|(orders, heartbeats)| Lag { orders, heartbeats })
}

/// Something that happens to the world.
#[derive(Clone, Copy, Debug)]
enum Event {
    Away(Outage),
    Crash(u32),
    Evacuate(usize),
    KillAgent(usize),
    NewVersion,
    Rename(usize),
    Scale(u32),
    Wait(i64),
}

fn change() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::NewVersion),
        (1..6_u32).prop_map(Event::Scale),
        (0..8_usize).prop_map(Event::Evacuate),
        (0..8_usize).prop_map(Event::Rename),
        (1..60_i64).prop_map(Event::Wait),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => change(),
        1 => outage().prop_map(Event::Away),
        1 => (0..6_u32).prop_map(Event::Crash),
        1 => (0..8_usize).prop_map(Event::KillAgent),
    ]
}

impl World {
    fn suffer(&mut self, outage: Outage) {
        match outage {
            Outage::Bus(seconds) | Outage::BusTold(seconds) => {
                self.bus = false;
                if matches!(outage, Outage::BusTold(_)) {
                    self.health.bus_lost(self.now());
                }
                self.run(seconds);
                self.bus = true;
            }
            Outage::Pause(seconds) => {
                self.control = false;
                self.run(seconds);
                self.control = true;
                self.health
                    .desired(self.now(), self.desired.values().cloned().collect());
            }
            Outage::Restart(seconds) => {
                self.control = false;
                self.run(seconds);
                self.restart_control();
            }
            Outage::RestartWithout(seconds, agent, cut) => {
                let at = agent % self.agents.len();
                self.agents[at].cut_until = self.second + seconds + cut;
                self.suffer(Outage::Restart(seconds));
            }
        }
    }

    fn undergo(&mut self, event: Event, n: usize) {
        let desired = self.desired["p"].clone();
        let at = |pick: usize| pick % self.agents.len();
        match event {
            Event::Away(outage) => self.suffer(outage),
            Event::Crash(index) => self.crash("p", index),
            Event::Evacuate(pick) => {
                let at = at(pick);
                self.evacuate(at);
                self.add_agent();
            }
            Event::KillAgent(pick) => {
                let at = at(pick);
                self.agents.remove(at);
                self.add_agent();
            }
            Event::NewVersion => self.desire("p", &format!("n{n}"), desired.instances),
            Event::Rename(pick) => {
                let at = at(pick);
                self.agents[at].id = format!("0-r{n}");
            }
            Event::Scale(instances) => self.desire("p", &desired.version, instances),
            Event::Wait(seconds) => self.run(seconds),
        }
    }
}

proptest! {

    #[test]
    fn being_blind_restarts_nothing(
        outages in prop::collection::vec((outage(), 40..90_i64), 1..6),
        agents in 1..4_usize,
        instances in 1..6_u32,
        lag in lag(),
    ) {
        let mut world = World::settled(agents, instances);
        world.lag = lag;
        for (outage, rest) in outages {
            world.suffer(outage);
            world.run(rest);
        }
        world.run(200);
        prop_assert!(world.log.is_empty(), "{:?}", world.log);
    }

    #[test]
    fn what_the_last_leader_ordered_is_not_ordered_again(
        scales in prop::collection::vec((1..8_u32, 0..4_i64, 0..40_i64), 1..6),
        lag in lag(),
    ) {
        let mut world = World::settled(3, 1);
        world.lag = lag;
        let mut most = 1;
        for (instances, away, rest) in scales {
            // Only up, so that nothing is ended and every instance counts.
            most = most.max(instances);
            world.desire("p", "v1", most);
            world.run(1);
            world.suffer(Outage::Restart(away));
            world.run(rest);
        }
        world.run(60);
        prop_assert_eq!(world.living("p"), (0..most).collect::<Vec<_>>());
        prop_assert_eq!(world.starts().len(), most as usize - 1, "{:?}", world.log);
    }

    #[test]
    fn what_is_gone_is_back_in_seconds_once_every_node_has_said_so(
        agents in 1..4_usize,
        instances in 1..6_u32,
        away in 0..700_i64,
        lag in lag(),
    ) {
        let mut world = World::settled(agents, instances);
        world.lag = lag;
        world.control = false;
        world.run(away);
        world.restart_all();
        world.run(15);
        let all: Vec<u32> = (0..instances).collect();
        prop_assert_eq!(world.serving("p", "v1"), &all[..]);
        prop_assert_eq!(world.starts().len(), all.len());
    }

    #[test]
    fn a_node_that_does_not_answer_is_waited_for(
        instances in 3..9_u32,
        away in 0..700_i64,
        silent in 0..3_usize,
        lag in lag(),
    ) {
        let mut world = World::settled(3, instances);
        world.lag = lag;
        world.control = false;
        world.run(away);
        world.agents.remove(silent);
        world.restart_control();
        world.run(29);
        prop_assert!(world.log.is_empty(), "{:?}", world.log);
        world.run(31);
        prop_assert_eq!(world.serving("p", "v1"), (0..instances).collect::<Vec<_>>());
        prop_assert!(world.stops().is_empty());
    }

    #[test]
    fn changes_never_leave_an_index_without_an_instance_that_serves(
        events in prop::collection::vec(change(), 1..12),
    ) {
        let mut world = World::settled(3, 3);
        let mut floor = 3;
        for (n, event) in events.into_iter().enumerate() {
            if let Event::Scale(instances) = event {
                floor = floor.min(instances);
            }
            world.undergo(event, n);
            for _ in 0..20 {
                world.run(1);
                let served = world.living("p");
                for index in 0..floor {
                    prop_assert!(served.contains(&index), "{index} of {floor}: {served:?}");
                }
            }
        }
    }

    #[test]
    fn whatever_happens_the_world_becomes_as_desired(
        events in prop::collection::vec(event(), 1..14),
    ) {
        let mut world = World::settled(3, 3);
        for (n, event) in events.into_iter().enumerate() {
            world.undergo(event, n);
        }
        // Longer than any delay of a restart, and than the patience with duplicates.
        world.run(3_600);
        let desired = world.desired["p"].clone();
        let crashes = world.health.flapping("p");
        let wanted: Vec<u32> = (0..desired.instances)
            .filter(|index| !crashes.iter().any(|(crashed, _)| crashed == index))
            .collect();
        prop_assert_eq!(&world.serving("p", &desired.version), &wanted);
        prop_assert_eq!(world.living("p"), wanted);
    }
}
