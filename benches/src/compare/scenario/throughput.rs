//! How many requests does a CPU-second carry?

use super::race::Race;
use super::{Field, Stand};
use crate::contestant::Logs;
use crate::floors;
use crate::generator::{Measured, Pace, Plan};
use crate::report::Results;

/// Twelve bytes for each answer.
pub(super) fn small(
    stand: &Stand,
    field: &Field,
    (name, logs, connections): (&str, Logs, usize),
    results: &mut Results,
) -> anyhow::Result<()> {
    let race = Race::run(stand, field, plan(stand, "/", connections))?;
    let metric = (name, METRIC, Measured::per_cpu_second as _);
    race.add_ratios(
        metric,
        &stand.subject,
        |against| floors::small(logs, against),
        results,
    );
    add_figures(&race, name, results);
    let switches = |lap: &Measured| lap.used.switches as f64 / lap.report.requests as f64;
    race.add_figures(
        (name, "context switches per request", ""),
        switches,
        results,
    );
    Ok(())
}

/// Large answers over fewer connections.
pub(super) fn body(
    stand: &Stand,
    field: &Field,
    (name, path): (&str, &str),
    results: &mut Results,
) -> anyhow::Result<()> {
    let race = Race::run(stand, field, plan(stand, path, BODY_CONNECTIONS))?;
    let metric = (name, METRIC, Measured::per_cpu_second as _);
    race.add_ratios(metric, &stand.subject, floors::large, results);
    add_figures(&race, name, results);
    Ok(())
}

fn plan<'a>(stand: &Stand, path: &'a str, connections: usize) -> Plan<'a> {
    let (warmup, window) = (stand.method.warmup, stand.method.window);
    Plan {
        pace: Pace::Closed,
        path,
        connections,
        warmup,
        window,
    }
}

fn add_figures(race: &Race, name: &str, results: &mut Results) {
    race.add_figures(
        (name, METRIC, "req/CPU-s"),
        Measured::per_cpu_second,
        results,
    );
    race.add_figures(
        (name, "requests per second", "req/s"),
        |lap| lap.report.rate,
        results,
    );
    race.add_figures(
        (name, "resident memory", "MB"),
        |lap| lap.peak_bytes as f64 / 1e6,
        results,
    );
}

const METRIC: &str = "requests per CPU-second";
const BODY_CONNECTIONS: usize = 32;
