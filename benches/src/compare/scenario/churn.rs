//! What does a route table that changes all the time cost the requests?

use super::{Stand, table};
use crate::contestant::{Contestant, Logs, Routing, Settings};
use crate::floors;
use crate::generator::{Measured, Pace, Plan};
use crate::report::{Figure, Ratio, Results};
use crate::stats::{median, paired_ratio};

/// Loads the same router with and without changes, in turn.
pub(super) fn ask(stand: &Stand, name: &str, results: &mut Results) -> anyhow::Result<()> {
    let settings = Settings {
        label: "churn",
        routing: Routing::Patient,
        ..Settings::usual(Logs::On)
    };
    let router = Contestant::router(&stand.around, &settings)?;
    table::fill(stand, router.http, ROUTES)?;
    let (mut still, mut changing, mut control) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..stand.method.rounds {
        for turn in 0..2 {
            if (round + turn) % 2 == 0 {
                still.push(per_worker_second(&lap(stand, &router)?)?);
                continue;
            }
            let churn = stand.bus.churn(ROUTES);
            let found = lap(stand, &router)?;
            drop(churn);
            changing.push(per_worker_second(&found)?);
            control.push(100.0 * found.used.cpu_seconds(is_control) / found.report.seconds);
        }
    }
    let found = paired_ratio(&changing, &still);
    let rounds = (changing.len(), changing.len());
    let pair = ("switchyard, table changing", "table still");
    let row = Ratio::new((name, "requests per worker CPU-second"), pair, rounds);
    results.ratios.push(row.judged(found, Some(floors::CHURN)));
    let row = (name, "switchyard");
    let control = Figure::told(row, "control thread", "% of a core", median(&control));
    results
        .figures
        .push(control.with_floor(Some(floors::CHURN_CONTROL_PERCENT)));
    Ok(())
}

fn lap(stand: &Stand, router: &Contestant) -> anyhow::Result<Measured> {
    let (warmup, window) = (stand.method.warmup, stand.method.window);
    let plan = Plan {
        pace: Pace::Closed,
        path: "/",
        connections: CONNECTIONS,
        warmup,
        window,
    };
    stand.generator.run(router.http, router.child.pid(), plan)
}

fn per_worker_second(lap: &Measured) -> anyhow::Result<f64> {
    let seconds = lap.used.cpu_seconds(|name| name.starts_with("worker-"));
    anyhow::ensure!(seconds > 0.0, "the router has no threads named worker-N");
    Ok(lap.report.requests as f64 / seconds)
}

fn is_control(name: &str) -> bool {
    name == "control"
}

const ROUTES: u32 = 100_000;
const CONNECTIONS: usize = 64;
