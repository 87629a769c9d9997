//! The table against a naive map: thousands of random steps, replayable by their seed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{
    Algorithm, Announcement, EmptyPools, Lookup, Millis, Pool, Registered, RouteKey, RouteTable,
    Sweep, SweepPolicy, TableWriter, Transport,
};

/// Random bits that a seed decides (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.roll() % n as u64) as usize
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

const HOSTS: [&str; 8] = [
    "a.b.example.com",
    "B.example.com",
    "example.com",
    "*.example.com",
    "*.b.example.com",
    "*.com",
    "com",
    "x",
];
const PATHS: [&str; 11] = [
    "",
    "/",
    "/x",
    "/X/y",
    "/x/y/",
    "/x/y/z",
    "//",
    "/x//y",
    "/x.y",
    "/foo.example.com/x",
    "/a%2Fb",
];
const APPS: [&str; 2] = ["v1", "v2"];

/// What the table should hold, kept as simply as can be.
#[derive(Default)]
struct Model {
    pools: BTreeMap<String, ModelPool>,
    evicted: BTreeSet<Identity>,
    floor: u64,
}

#[derive(Default)]
struct ModelPool {
    members: Vec<ModelMember>,
    empty_since: u64,
}

#[derive(Clone, PartialEq)]
struct ModelMember {
    identity: Identity,
    app: &'static str,
    seen: u64,
}

/// Port and whether it is TLS.
type Identity = (u16, bool);

const STALE_SECS: u32 = 120;

impl Model {
    fn register(&mut self, key: &str, member: ModelMember) {
        self.evicted.remove(&member.identity);
        let members = &mut self.pools.entry(key.to_owned()).or_default().members;
        match members
            .iter_mut()
            .find(|known| known.identity.0 == member.identity.0)
        {
            Some(known) => *known = member,
            None => members.push(member),
        }
    }

    fn unregister(&mut self, key: &str, port: u16, empty_pools: EmptyPools, now: u64) {
        self.leave(key, now, |member| member.identity.0 == port);
        self.settle(key, empty_pools, now);
    }

    fn prune(&mut self, empty_pools: EmptyPools, now: u64) {
        let (floor, evicted) = (self.floor, self.evicted.clone());
        for key in self.pools.keys().cloned().collect::<Vec<_>>() {
            let is_stale = |member: &ModelMember| {
                !member.identity.1 && now - member.seen.max(floor) > u64::from(STALE_SECS) * 1000
            };
            self.leave(&key, now, |member| {
                is_stale(member) || evicted.contains(&member.identity)
            });
            self.settle(&key, empty_pools, now);
        }
    }

    fn leave(&mut self, key: &str, now: u64, goes: impl Fn(&ModelMember) -> bool) {
        let Some(pool) = self.pools.get_mut(key) else {
            return;
        };
        let before = pool.members.len();
        pool.members.retain(|member| !goes(member));
        if pool.members.is_empty() && before > 0 {
            pool.empty_since = now;
        }
        let left: BTreeSet<_> = self.identities();
        self.evicted.retain(|identity| left.contains(identity));
    }

    fn settle(&mut self, key: &str, empty_pools: EmptyPools, now: u64) {
        let Some(pool) = self.pools.get(key).filter(|pool| pool.members.is_empty()) else {
            return;
        };
        let kept = match empty_pools {
            EmptyPools::Keep(timeout) => now - pool.empty_since <= timeout.as_millis() as u64,
            EmptyPools::Remove => false,
        };
        if !kept {
            self.pools.remove(key);
        }
    }

    fn identities(&self) -> BTreeSet<Identity> {
        self.pools
            .values()
            .flat_map(|pool| &pool.members)
            .map(|member| member.identity)
            .collect()
    }

    /// gorouter's walk over a tree, done by comparing segment lists.
    fn find(&self, host: &str, path: &str) -> Option<(&str, bool)> {
        let host = host.to_ascii_lowercase();
        let path = path.to_ascii_lowercase();
        let path = path.strip_suffix('/').unwrap_or(&path);
        let labels: Vec<_> = host.split('.').collect();
        let wildcards = (1..labels.len()).map(|cut| format!("*.{}", labels[cut..].join(".")));
        let hosts = std::iter::once(host.clone()).chain(wildcards);
        hosts
            .map(|host| format!("{host}{path}"))
            .find_map(|key| self.walk(&key))
    }

    fn walk(&self, key: &str) -> Option<(&str, bool)> {
        let wanted: Vec<_> = key.split('/').collect();
        let (mut best, mut last) = (None, None);
        for depth in 1..=wanted.len() {
            let prefix = &wanted[..depth];
            let leads = |known: &String| known.split('/').take(depth).eq(prefix.iter().copied());
            if !self.pools.keys().any(leads) {
                break;
            }
            last = self.pools.get_key_value(&prefix.join("/"));
            if let Some((key, pool)) = last
                && pool
                    .members
                    .iter()
                    .any(|member| !self.evicted.contains(&member.identity))
            {
                best = Some((key.as_str(), true));
            }
        }
        best.or_else(|| last.map(|(key, _)| (key.as_str(), false)))
    }
}

/// A registration: URI, key, who, and its application.
type Told = (String, String, Identity, &'static str);

struct Trial {
    dice: Dice,
    writer: TableWriter,
    model: Model,
    sweep: Sweep,
    now: u64,
    told: Vec<Told>,
    /// Registrations that took the short way.
    repetitions: u32,
}

impl Trial {
    fn new(seed: u64) -> Self {
        let table = RouteTable::with_shard_bits([1, 3][(seed % 2) as usize]);
        let writer = TableWriter::of(table, Algorithm::RoundRobin);
        Self {
            dice: Dice(seed),
            writer,
            model: Model::default(),
            sweep: Sweep::default(),
            now: 0,
            told: Vec::new(),
            repetitions: 0,
        }
    }

    fn step(&mut self) {
        let uri = format!("{}{}", self.dice.pick(&HOSTS), self.dice.pick(&PATHS));
        let key = RouteKey::parse(&uri).unwrap().as_str().to_owned();
        let empty_pools = self.dice.pick(&[
            EmptyPools::Remove,
            EmptyPools::Keep(Duration::from_secs(40)),
        ]);
        let identity = (1 + self.dice.below(6) as u16, self.dice.below(4) == 0);
        match self.dice.below(20) {
            0..9 => self.register(&uri, &key, identity),
            9..14 => {
                let (host, port) = ("10.0.0.1", identity.0);
                let announcement = Announcement {
                    host,
                    port,
                    ..Announcement::default()
                };
                let _fate = self
                    .writer
                    .unregister(&uri, &announcement, empty_pools, Millis(self.now))
                    .unwrap();
                self.model.unregister(&key, port, empty_pools, self.now);
            }
            14 => self.evict(identity),
            15..17 => self.now += 100 * self.dice.below(600) as u64,
            17 => {
                self.model.floor =
                    self.now - 100 * self.dice.below(2).min(self.now as usize / 100) as u64
            }
            _ => {
                let policy = SweepPolicy {
                    now: Millis(self.now),
                    heard_floor: Millis(self.model.floor),
                    empty_pools,
                };
                self.writer
                    .sweep(&mut self.sweep, usize::MAX, &policy, |_| {});
                self.model.prune(empty_pools, self.now);
            }
        }
    }

    /// Tells something new, or one of the last messages again.
    fn register(&mut self, uri: &str, key: &str, identity: Identity) {
        let mut message = (
            uri.to_owned(),
            key.to_owned(),
            identity,
            self.dice.pick(&APPS),
        );
        if self.dice.below(3) > 0 && !self.told.is_empty() {
            let back = self.dice.below(self.told.len().min(5));
            message = self.told[self.told.len() - 1 - back].clone();
        }
        self.tell(&message);
        self.told.push(message);
    }

    fn tell(&mut self, (uri, key, identity, app): &Told) {
        let (identity, app) = (*identity, *app);
        let announcement = Announcement {
            host: "10.0.0.1",
            port: identity.0,
            transport: if identity.1 {
                Transport::Tls
            } else {
                Transport::Plain
            },
            app_id: app,
            stale_threshold_secs: STALE_SECS,
            ..Announcement::default()
        };
        let now = Millis(self.now);
        let message = format!("{uri} {identity:?} {app}");
        let print = self.writer.fingerprint(message.as_bytes());
        if self.writer.repeat(print, now).is_some() {
            self.repetitions += 1;
        } else if let Registered::Refreshed(renewed) =
            self.writer.register(uri, &announcement, now).unwrap()
        {
            self.writer.remember(print, &[renewed]);
        }
        self.model.register(
            key,
            ModelMember {
                identity,
                app,
                seen: self.now,
            },
        );
    }

    fn evict(&mut self, identity: Identity) {
        let mut evicted = Vec::new();
        self.writer
            .table()
            .for_each(|pool| evicted.extend(pool.members().iter().map(|m| m.endpoint().clone())));
        evicted.retain(|endpoint| (endpoint.port(), endpoint.is_tls()) == identity);
        if let Some(endpoint) = evicted.first() {
            endpoint.evict();
            self.model.evicted.insert(identity);
        }
    }

    fn compare(&mut self) {
        self.writer.check_invariants();
        let mut seen = BTreeMap::new();
        let table = self.writer.table();
        table.for_each(|pool| assert!(seen.insert(pool.key().to_owned(), members(pool)).is_none()));
        let expected = self
            .model
            .pools
            .iter()
            .map(|(key, pool)| (key.clone(), pool.members.clone()));
        assert!(seen == expected.collect::<BTreeMap<_, _>>());
        for _ in 0..8 {
            let (host, path) = (self.dice.pick(&HOSTS), self.dice.pick(&PATHS));
            let host = format!("{}{host}", self.dice.pick(&["", "", "Q.", "p.q."]));
            let path = format!("{path}{}", self.dice.pick(&["", "", "/", "/more", "more"]));
            if path.starts_with('/') || path.is_empty() {
                assert_eq!(
                    found(&table.find(&host, &path)),
                    self.model.find(&host, &path),
                    "{host} {path}"
                );
            }
        }
    }
}

fn members(pool: &Pool) -> Vec<ModelMember> {
    let member = |member: &super::Member| {
        let endpoint = member.endpoint();
        let app = APPS
            .into_iter()
            .find(|app| *app == endpoint.app_id())
            .unwrap();
        ModelMember {
            identity: (endpoint.port(), endpoint.is_tls()),
            app,
            seen: member.last_seen().0,
        }
    };
    pool.members().iter().map(member).collect()
}

pub(super) fn found(lookup: &Lookup) -> Option<(&str, bool)> {
    match lookup {
        Lookup::Found(pool) => Some((pool.key(), true)),
        Lookup::Empty(pool) => Some((pool.key(), false)),
        Lookup::Unknown => None,
    }
}

#[test]
fn the_table_agrees_with_a_naive_map() {
    let mut repetitions = 0;
    for seed in 0..16 {
        // Printed only when the test fails.
        println!("seed {seed}");
        let mut trial = Trial::new(seed);
        for _ in 0..400 {
            trial.step();
            trial.compare();
        }
        repetitions += trial.repetitions;
    }
    assert!(repetitions > 50, "{repetitions}");
}
