//! The route table: finding, registering, refreshing, changing; and what a million routes cost.
//!
//! `cargo bench -p switchyard-benches --bench route` runs the timings;
//! with `-- --memory` it loads a million routes once and prints time and memory instead.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::message::RegistryMessage;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput};
use router::route::{
    Algorithm, Announcement, Choice, Cursors, EmptyPools, Lookup, Millis, Registered, RouteTable,
    Sweep, SweepPolicy, TableWriter, Tried,
};

fn main() -> anyhow::Result<()> {
    if std::env::args().any(|arg| arg == "--memory") {
        return million();
    }
    let mut criterion = Criterion::default()
        .configure_from_args()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    for routes in [1_000, 100_000, 1_000_000] {
        timings(&mut criterion, routes);
    }
    criterion.final_summary();
    Ok(())
}

/// One announcement as the million-route target words it.
fn payload(n: usize) -> String {
    let (x, y, z) = (n >> 16 & 255, n >> 8 & 255, n & 255);
    let port = 1024 + n % 60_000;
    let (app, instance) = ("6f1b6c0e-3a43-4a9b-9d57", "a2b17c0e-9f43-4b7b-8e51");
    let host = host(n);
    format!(
        r#"{{"host":"10.{x}.{y}.{z}","port":{port},"uris":["{host}"],"app":"{app}-{n:012x}","private_instance_id":"{instance}-{n:012x}"}}"#
    )
}

fn host(n: usize) -> String {
    format!("app-{n:07}.apps.example.com")
}

/// Decodes and registers, as the registry does.
fn register(writer: &mut TableWriter, payload: &str, now: Millis) -> Registered {
    let message = RegistryMessage::decode(payload.as_bytes()).expect("a valid message");
    let uri = message.uris.first().expect("one uri");
    writer
        .register(uri, &announcement(&message), now)
        .expect("a valid uri")
}

fn announcement<'a>(message: &'a RegistryMessage<'a>) -> Announcement<'a> {
    Announcement {
        host: &message.host,
        port: message.endpoint_port(),
        app_id: &message.app,
        instance_id: &message.private_instance_id,
        stale_threshold_secs: 120,
        tags: Some(&message.tags),
        ..Announcement::default()
    }
}

fn loaded(routes: usize) -> TableWriter {
    let mut writer = TableWriter::new(Algorithm::RoundRobin);
    for n in 0..routes {
        register(&mut writer, &payload(n), Millis(0));
    }
    writer
}

/// Visits all texts in an order that no cache foresees.
struct Scatter<'a> {
    at: usize,
    texts: &'a [String],
}

impl<'a> Scatter<'a> {
    fn over(texts: &'a [String]) -> Self {
        Self { at: 0, texts }
    }

    fn step(&mut self) -> &'a str {
        self.at = (self.at + 618_033_989) % self.texts.len();
        self.texts.get(self.at).map_or("", String::as_str)
    }
}

fn timings(criterion: &mut Criterion, routes: usize) {
    let mut group = criterion.benchmark_group(format!("route/{routes}"));
    group.throughput(Throughput::Elements(1));
    let mut writer = loaded(routes);
    reading(&mut group, &writer.table(), routes);
    writing(&mut group, &mut writer, routes);
    group.finish();
}

fn reading(group: &mut BenchmarkGroup<'_, WallTime>, table: &Arc<RouteTable>, routes: usize) {
    let hosts: Vec<_> = (0..routes).map(host).collect();
    let mut next = Scatter::over(&hosts);
    group.bench_function("find", |bencher| {
        bencher.iter(|| table.find(black_box(next.step()), black_box("/index.html")));
    });
    group.bench_function("find/unknown", |bencher| {
        let host = "no-such-app.apps.example.com";
        bencher.iter(|| table.find(black_box(host), black_box("/index.html")));
    });
    let (cursors, tried) = (Cursors::new(), Tried::new());
    group.bench_function("find and select", |bencher| {
        bencher.iter(|| {
            let Lookup::Found(pool) = table.find(next.step(), "/") else {
                unreachable!("every host is registered")
            };
            let choice = Choice {
                now: Millis(0),
                cursors: &cursors,
                random: 7,
                tried: &tried,
                preferred_instance: None,
                max_in_flight: 0,
            };
            pool.select(&choice)
        });
    });
}

fn writing(group: &mut BenchmarkGroup<'_, WallTime>, writer: &mut TableWriter, routes: usize) {
    let payloads: Vec<_> = (0..routes).map(payload).collect();
    let mut next = Scatter::over(&payloads);
    group.bench_function("decode", |bencher| {
        bencher.iter(|| {
            let payload = black_box(next.step().as_bytes());
            RegistryMessage::decode(payload).map(|message| message.port)
        });
    });
    group.bench_function("decode and refresh", |bencher| {
        bencher.iter(|| register(writer, next.step(), Millis(1000)));
    });
    group.bench_function("new route, and its end", |bencher| {
        let fresh = payload(routes + 1);
        let message = RegistryMessage::decode(fresh.as_bytes()).expect("a valid message");
        let uri = message.uris.first().expect("a message with a URI");
        let announcement = announcement(&message);
        bencher.iter(|| {
            let added = writer.register(uri, &announcement, Millis(0)).is_ok();
            let gone = writer.unregister(uri, &announcement, EmptyPools::Remove, Millis(0));
            added && gone.is_ok()
        });
    });
}

/// Loads a million routes and prints what that takes.
fn million() -> anyhow::Result<()> {
    const ROUTES: usize = 1_000_000;
    let before = resident_bytes()?;
    let (started, cpu) = (Instant::now(), cpu_time()?);
    let mut writer = loaded(ROUTES);
    let (took, cpu) = (started.elapsed(), cpu_time()? - cpu);
    let after = resident_bytes()?;
    let (wall, cpu) = (took.as_secs_f64(), cpu.as_secs_f64());
    println!("load: {wall:.2} s, {cpu:.2} s of CPU, for {ROUTES} routes");
    println!("memory: {} B per route", (after - before) / ROUTES);
    let empty_pools = EmptyPools::Remove;
    let policy = SweepPolicy {
        now: Millis(1000),
        heard_floor: Millis(0),
        empty_pools,
    };
    let started = Instant::now();
    writer.sweep(&mut Sweep::default(), usize::MAX, &policy, |_| {});
    println!(
        "sweep with nothing due: {:.0} ms",
        started.elapsed().as_secs_f64() * 1e3
    );
    let mut endpoints = 0;
    let started = Instant::now();
    writer
        .table()
        .for_each(|pool| endpoints += pool.members().len());
    println!(
        "visit of {endpoints} endpoints: {:.0} ms",
        started.elapsed().as_secs_f64() * 1e3
    );
    Ok(())
}

/// Resident memory of this process, from the kernel.
fn resident_bytes() -> anyhow::Result<usize> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    Ok(kib.unwrap_or_default().parse::<usize>()? * 1024)
}

/// Time that this thread has spent on a CPU, which neighbours on the machine do not change.
fn cpu_time() -> anyhow::Result<Duration> {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = schedstat.split_whitespace().next().unwrap_or_default();
    Ok(Duration::from_nanos(nanos.parse()?))
}
