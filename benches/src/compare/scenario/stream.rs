//! Does memory stay flat while one very long body passes?

use std::time::Duration;

use super::{Field, Stand};
use crate::contestant::Kind;
use crate::floors;
use crate::generator::{Pace, Plan};
use crate::process::resident_bytes;
use crate::report::{Figure, Results};

/// Sends a short body first, so that buffers which stay are there before the long one.
pub(super) fn ask(
    stand: &Stand,
    field: &Field,
    name: &str,
    results: &mut Results,
) -> anyhow::Result<()> {
    let long = format!("/bytes/{}", LONG_BYTES / stand.method.shorten);
    for (kind, contestant) in field.entries() {
        if !kind.is_peer() && *kind != Kind::Switchyard {
            continue;
        }
        let (addr, pid) = (contestant.http, contestant.child.pid());
        let (warmup, window) = (Duration::ZERO, Duration::from_secs(120));
        let once = Plan {
            pace: Pace::Count(1),
            path: "/bytes/67108864",
            connections: 1,
            warmup,
            window,
        };
        stand.generator.run(addr, pid, once)?;
        let before = resident_bytes(pid);
        let found = stand.generator.run(
            addr,
            pid,
            Plan {
                path: &long,
                ..once
            },
        )?;
        let megabytes = found.report.body_bytes as f64 / 1e6;
        let grown = found.peak_bytes as f64 - before as f64;
        let row = (name, contestant.name.as_str());
        let floor = (*kind == Kind::Switchyard).then_some(floors::STREAM_MEGABYTES);
        results
            .figures
            .push(Figure::told(row, "memory growth", "MB", grown / 1e6).with_floor(floor));
        let rate = megabytes / found.used.cpu_total();
        results
            .figures
            .push(Figure::told(row, "body bytes per CPU-second", "MB", rate));
    }
    Ok(())
}

const LONG_BYTES: u64 = 10 << 30;
