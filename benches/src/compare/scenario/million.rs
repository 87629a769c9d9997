//! How long does a table of a million routes take to load, and how much memory is each?

use super::{Stand, table};
use crate::contestant::{Contestant, Logs, Routing, Settings};
use crate::floors;
use crate::process::resident_bytes;
use crate::report::{Figure, Results};

/// Fills a fresh router.
pub(super) fn ask(stand: &Stand, name: &str, results: &mut Results) -> anyhow::Result<()> {
    let settings = Settings {
        label: "million",
        routing: Routing::Patient,
        ..Settings::usual(Logs::Off)
    };
    let router = Contestant::router(&stand.around, &settings)?;
    let pid = router.child.pid();
    let before = resident_bytes(pid);
    let took = table::fill(stand, router.http, ROUTES)?;
    let grown = resident_bytes(pid).saturating_sub(before);
    let row = (name, "switchyard");
    let seconds = Figure::told(row, "time to load", "s", took.as_secs_f64());
    results
        .figures
        .push(seconds.with_floor(Some(floors::LOAD_SECONDS)));
    let bytes = Figure::told(
        row,
        "memory per route",
        "B",
        grown as f64 / f64::from(ROUTES),
    );
    results
        .figures
        .push(bytes.with_floor(Some(floors::ROUTE_BYTES)));
    Ok(())
}

const ROUTES: u32 = 1_000_000;
