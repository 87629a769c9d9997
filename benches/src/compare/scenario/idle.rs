//! What do ten thousand silent connections cost?

use std::time::Duration;

use super::{Field, Stand};
use crate::contestant::Kind;
use crate::floors;
use crate::generator::{Pace, Plan};
use crate::process::resident_bytes;
use crate::report::{Figure, Results};

/// Holds the connections and reads the memory before and meanwhile.
pub(super) fn ask(
    stand: &Stand,
    field: &Field,
    name: &str,
    results: &mut Results,
) -> anyhow::Result<()> {
    for (kind, contestant) in field.entries() {
        // The null forwarder holds an origin connection for each client: that is another question.
        if *kind == Kind::Null {
            continue;
        }
        let pid = contestant.child.pid();
        // Buffers and idle connections to the origin that are there for traffic do not count.
        let plan = Plan {
            pace: Pace::Closed,
            path: "/",
            connections: BUSY_CONNECTIONS,
            warmup: Duration::ZERO,
            window: stand.method.window,
        };
        stand.generator.run(contestant.http, pid, plan)?;
        let before = resident_bytes(pid);
        let (with, alive) = stand
            .generator
            .hold(contestant.http, CONNECTIONS, || resident_bytes(pid))?;
        anyhow::ensure!(
            alive == CONNECTIONS as u64,
            "{} closed {} of {CONNECTIONS} idle connections",
            contestant.name,
            CONNECTIONS as u64 - alive
        );
        let row = (name, contestant.name.as_str());
        let busy = Figure::told(
            row,
            "memory at 64 busy connections",
            "MB",
            before as f64 / 1e6,
        );
        results.figures.push(busy);
        let grown = with as f64 - before as f64;
        let floor = (*kind == Kind::Switchyard).then_some(floors::IDLE_MEGABYTES);
        let figure = Figure::told(row, "memory of idle connections", "MB", grown / 1e6);
        results.figures.push(figure.with_floor(floor));
    }
    Ok(())
}

const BUSY_CONNECTIONS: usize = 64;
const CONNECTIONS: usize = 10_000;
