//! What one request costs in counting and logging.

use std::hint::black_box;
use std::time::{Duration, SystemTime};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use router::config::ObserveConfig;
use router::observe::access_log::{AccessLog, CoreLog, Extra, LineWriter, Record};
use router::observe::metrics::{Direction, Metrics};
use router::observe::zone::Zone;

fn record() -> Record<'static> {
    Record {
        host: b"app.example.com",
        received_at: SystemTime::now(),
        method: b"GET",
        uri: b"/cart/items?id=7&page=2",
        protocol: "HTTP/1.1",
        status: 200,
        request_bytes: 0,
        response_bytes: 1_270,
        referer: b"https://www.example.com/start",
        user_agent: b"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        client: b"203.0.113.9:52144",
        endpoint: b"10.0.16.5:61012",
        forwarded_for: b"203.0.113.9, 10.0.0.2",
        forwarded_proto: b"https",
        request_id: b"2e0b9b4e-5ab1-4d2c-7e0d-3f1a7d2f9c01",
        response_time: Duration::from_nanos(12_345_678),
        gorouter_time: Some(Duration::from_micros(210)),
        app_id: b"6b8c2f4e-0c1d-4f9b-9a55-7f1f0d7c3c11",
        app_index: b"0",
        instance_id: b"f3a1c9d2-77aa-4c0b-5b1f-1b2c",
        extra: Extra::default(),
        router_error: b"",
        extra_headers: &[],
    }
}

fn access_log(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("access_log");
    let config = ObserveConfig::default();
    let record = record();
    let mut writer = LineWriter::new(&config, Zone::UTC);
    let mut line = Vec::new();
    writer.write_line(&mut line, &record);
    group.throughput(Throughput::Bytes(line.len() as u64));
    group.bench_function("line", |bencher| {
        bencher.iter(|| {
            line.clear();
            writer.write_line(&mut line, black_box(&record));
        });
    });

    // A worker at 40 000 requests a second gives the writer 40 lines each millisecond.
    let metrics = Metrics::new(1, &config).expect("distinct names");
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("access.log");
    let (log, mut producers) = AccessLog::open(&path, 1 << 20, [metrics.access_log_drops(0)])
        .expect("a file that can be opened");
    let producer = producers.pop().expect("one producer per counter");
    let mut core_log = CoreLog::new(&config, Zone::UTC, producer);
    group.bench_function("line_into_ring", |bencher| {
        bencher.iter_batched(
            || std::thread::sleep(Duration::from_millis(1)),
            |()| {
                for _ in 0..40 {
                    let _full = core_log.log(black_box(&record));
                }
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
    drop(core_log);
    log.close();
}

fn metrics(criterion: &mut Criterion) {
    let metrics = Metrics::new(4, &ObserveConfig::default()).expect("distinct names");
    let worker = metrics.worker(1);
    let mut group = criterion.benchmark_group("metrics");
    group.bench_function("usual_request", |bencher| {
        bencher.iter(|| {
            worker.attempt(black_box(3));
            worker.endpoint_connection_reused();
            worker.lookup_time(black_box(180));
            worker.client_bytes(Direction::Sent, black_box(1_270));
            worker.gorouter_time(Duration::from_micros(black_box(40)));
            worker.responded(black_box(200), 3, Duration::from_micros(black_box(900)));
        });
    });
    let mut text = Vec::new();
    group.bench_function("scrape", |bencher| {
        bencher.iter(|| {
            text.clear();
            metrics
                .render(&mut text)
                .expect("families that can be written");
        });
    });
    group.finish();
}

criterion_group!(benches, access_log, metrics);
criterion_main!(benches);
