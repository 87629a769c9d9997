//! How long does an answer take at four fifths of what the slowest carries?

use super::race::{Metric, Race};
use super::{Field, Stand};
use crate::contestant::Kind;
use crate::floors::Floor;
use crate::generator::{Measured, Pace, Plan};
use crate::report::Results;
use crate::stats::paired_ratio;

/// Finds the rate in one closed round, then races at that fixed rate with an open loop.
pub(super) fn ask(
    stand: &Stand,
    field: &Field,
    name: &str,
    results: &mut Results,
) -> anyhow::Result<()> {
    let (warmup, window) = (stand.method.warmup, stand.method.window);
    let closed = Plan {
        pace: Pace::Closed,
        path: "/",
        connections: CONNECTIONS,
        warmup,
        window,
    };
    let slowest = slowest_rate(stand, field, closed)?;
    let rate = (slowest * SHARE).round();
    results.notes.push(format!(
        "{name}: open loop at {rate} requests per second, 80 % of the slowest"
    ));
    let race = Race::run(
        stand,
        field,
        Plan {
            pace: Pace::Rate(rate),
            ..closed
        },
    )?;
    race.add_figures((name, "p50", "µs"), p50, results);
    race.add_figures((name, "p99", "µs"), p99, results);
    race.add_figures(
        (name, "p99.9", "µs"),
        |lap| lap.report.latency.p999 as f64 / 1e3,
        results,
    );
    let cpu: Metric = Measured::per_cpu_second;
    race.add_ratios(
        (name, "requests per CPU-second at equal rate", cpu),
        &stand.subject,
        |_| None,
        results,
    );
    for (metric, value, floor) in [
        ("p50", p50 as Metric, None),
        ("p99", p99, Some(Floor::NotWorse)),
    ] {
        let found = paired_ratio(&race.values(&stand.subject, value), &race.best_peer(value));
        let floor = floor.filter(|_| stand.subject == Kind::Switchyard.name());
        let row = race.ratio((name, metric, &stand.subject, "best peer"), found, floor);
        results.ratios.push(row);
    }
    for lane in race.lanes() {
        let unfinished: u64 = lane
            .laps
            .iter()
            .map(|lap| lap.report.errors.unfinished)
            .sum();
        if unfinished > 0 {
            results.notes.push(format!(
                "{name}: {} left {unfinished} unfinished",
                lane.kind.name()
            ));
        }
    }
    Ok(())
}

fn p50(lap: &Measured) -> f64 {
    lap.report.latency.p50 as f64 / 1e3
}

fn p99(lap: &Measured) -> f64 {
    lap.report.latency.p99 as f64 / 1e3
}

/// Of the peers and the subject: nobody must be asked for more than it can do.
fn slowest_rate(stand: &Stand, field: &Field, plan: Plan<'_>) -> anyhow::Result<f64> {
    let mut slowest = f64::INFINITY;
    for (kind, contestant) in field.entries() {
        if kind.is_peer() || kind.name() == stand.subject {
            let lap = stand
                .generator
                .run(contestant.http, contestant.child.pid(), plan)?;
            slowest = slowest.min(lap.report.rate);
        }
    }
    anyhow::ensure!(slowest.is_finite(), "nobody to measure a rate of");
    Ok(slowest)
}

const CONNECTIONS: usize = 64;
const SHARE: f64 = 0.8;
