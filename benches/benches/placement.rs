//! Placement at the size of a large platform: what one instance costs among 10 000 nodes.
//!
//! `cargo bench -p switchyard-benches --bench placement` fills 10 000 nodes with 1 000 000
//! instances, prints what that took and how even it is, then runs the timings;
//! with `-- --quick` it does the same with 100 nodes and 2 000 instances.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use control::model::Micros;
use control::placement::{Pool, Request, Role};
use control::wire::{Advertisement, PlacementProperties};
use criterion::{BatchSize, Criterion};
use rand::SeedableRng;
use rand::rngs::StdRng;

const MEMORY_MB: i64 = 64;
const NOW: Micros = Micros(0);

/// How large the platform is.
#[derive(Clone, Copy)]
struct Size {
    nodes: usize,
    instances: usize,
    /// Instances of each process.
    each: usize,
}

const FULL: Size = Size {
    nodes: 10_000,
    instances: 1_000_000,
    each: 10,
};
const QUICK: Size = Size {
    nodes: 100,
    instances: 2_000,
    each: 10,
};

fn main() -> anyhow::Result<()> {
    let quick = std::env::args().any(|arg| arg == "--quick" || arg == "--test");
    let size = if quick { QUICK } else { FULL };
    let mut platform = Platform::new(size);
    platform.fill(size)?;
    let mut criterion = Criterion::default()
        .configure_from_args()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    timings(&mut criterion, &mut platform, size);
    criterion.final_summary();
    Ok(())
}

struct Platform {
    pool: Pool,
    nodes: Vec<Advertisement>,
    random: StdRng,
}

impl Platform {
    fn new(size: Size) -> Self {
        let nodes: Vec<_> = (0..size.nodes).map(|n| node(n, size)).collect();
        let mut pool = Pool::new();
        for told in &nodes {
            pool.apply(NOW, Role::Instances, told);
        }
        Self {
            pool,
            nodes,
            random: StdRng::seed_from_u64(1),
        }
    }

    fn place(&mut self, process: &str, memory_mb: i64) -> anyhow::Result<String> {
        let request = Request {
            process,
            memory_mb,
            disk_mb: 64,
            stack: "switchyard",
            zone: None,
        };
        let chosen = self.pool.place(&request, NOW, &mut self.random)?;
        Ok(chosen.agent)
    }

    /// Places every instance; each node tells what it has got every now and then.
    fn fill(&mut self, size: Size) -> anyhow::Result<()> {
        let begin = Instant::now();
        for n in 0..size.instances {
            let process = process(n / size.each);
            let agent = self.place(&process, MEMORY_MB)?;
            let at: usize = agent.split('-').next().context("an index")?.parse()?;
            let told = self.nodes.get_mut(at).context("a known node")?;
            told.available_memory -= MEMORY_MB;
            *told.instances.entry(process).or_default() += 1;
            if n % 8 == 7 {
                self.pool.apply(NOW, Role::Instances, told);
            }
        }
        let gone = begin.elapsed();
        for told in &self.nodes {
            self.pool.apply(NOW, Role::Instances, told);
        }
        let counts = self.pool.nodes(NOW).map(|node| node.instances);
        let (fewest, most) = counts.fold((u64::MAX, 0), |(a, b), n| (a.min(n), b.max(n)));
        let per = gone / u32::try_from(size.instances)?;
        println!(
            "{} nodes, {} instances: {gone:.1?}, {per:.1?} each",
            size.nodes, size.instances
        );
        println!("instances per node: {fewest}..{most}");
        let all = self.pool.nodes(NOW).map(|node| node.instances).sum::<u64>();
        ensure!(all == size.instances as u64, "{all} instances are counted");
        Ok(())
    }
}

fn node(n: usize, size: Size) -> Advertisement {
    // Room for all of it, and half as much again.
    let memory = MEMORY_MB * i64::try_from(size.instances * 3 / size.nodes / 2).unwrap_or(i64::MAX);
    Advertisement {
        id: format!("{n}-ab"),
        stacks: vec!["switchyard".into()],
        available_memory: memory,
        available_disk: Some(1 << 30),
        placement_properties: PlacementProperties {
            availability_zone: Some(format!("z{}", n % 3)),
            ..PlacementProperties::default()
        },
        ..Advertisement::default()
    }
}

fn process(n: usize) -> String {
    format!("6f1b6c0e-3a43-4a9b-9d57-{n:012x}")
}

fn timings(criterion: &mut Criterion, platform: &mut Platform, size: Size) {
    let mut group = criterion.benchmark_group(format!("placement/{}", size.nodes));
    let known = process(0);
    group.bench_function("next_instance", |bencher| {
        // Without memory the pool is the same after each of a million placements.
        bencher.iter(|| platform.place(black_box(&known), 0));
    });
    let mut fresh = size.instances;
    group.bench_function("first_instance", |bencher| {
        bencher.iter(|| {
            fresh += 1;
            platform.place(&process(fresh), 0)
        });
    });
    group.bench_function("no_room", |bencher| {
        bencher.iter(|| platform.place(black_box(&known), 1 << 40).is_err());
    });
    group.finish();
    advertising(criterion, size);
}

fn advertising(criterion: &mut Criterion, size: Size) {
    let mut platform = Platform::new(size);
    let mut told = node(0, size);
    told.instances = (0..100).map(|n| (process(n), 1)).collect();
    let name = format!("placement/{}/advertisement", size.nodes);
    criterion.bench_function(&name, |bencher| {
        bencher.iter_batched(
            || told.clone(),
            |told| platform.pool.apply(NOW, Role::Instances, &told),
            BatchSize::SmallInput,
        );
    });
}
