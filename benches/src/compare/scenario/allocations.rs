//! How many heap allocations does a request cost?
//!
//! A build of the router that counts with dhat serves N requests, then, in a fresh process, 2 N; the difference holds
//! requests and nothing of starting, connecting and growing of buffers.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;

use super::Stand;
use crate::contestant::{Contestant, Logs, Settings};
use crate::floors;
use crate::generator::{Pace, Plan};
use crate::report::{Figure, Results};

/// Counts, if there is a counting build.
pub(super) fn ask(stand: &Stand, name: &str, results: &mut Results) -> anyhow::Result<()> {
    let Some(program) = &stand.around.programs.dhat_router else {
        results.notes.push(format!(
            "{name}: not measured; --dhat-router names a counting build"
        ));
        return Ok(());
    };
    let requests = REQUESTS / stand.method.shorten;
    let label = "dhat";
    let settings = Settings {
        label,
        program: Some(program.clone()),
        ..Settings::usual(Logs::On)
    };
    let short = blocks(stand, &settings, requests)?;
    let long = blocks(stand, &settings, 2 * requests)?;
    let per_request = (long as f64 - short as f64) / requests as f64;
    let figure = Figure::told(
        (name, "switchyard"),
        "allocations per request",
        "",
        per_request,
    );
    results
        .figures
        .push(figure.with_floor(Some(floors::ALLOCATIONS)));
    Ok(())
}

fn blocks(stand: &Stand, settings: &Settings, requests: u64) -> anyhow::Result<u64> {
    let router = Contestant::router(&stand.around, settings)?;
    let profile = stand
        .around
        .dir
        .join(format!("switchyard-{}/dhat-heap.json", settings.label));
    let plan = Plan {
        pace: Pace::Count(requests),
        path: "/",
        connections: 64,
        warmup: Duration::ZERO,
        window: Duration::from_secs(120),
    };
    stand.generator.run(router.http, router.child.pid(), plan)?;
    router.child.interrupt()?;
    let found = read(&profile)?;
    fs::remove_file(&profile)?;
    Ok(found)
}

fn read(profile: &Path) -> anyhow::Result<u64> {
    let text = fs::read_to_string(profile).with_context(|| {
        format!(
            "{} is missing: was the router built with dhat-heap?",
            profile.display()
        )
    })?;
    worker_blocks(&text)
}

/// Blocks that the workers allocated: those whose stack leads through a worker's thread. The
/// control thread answers health probes meanwhile, as often as it is asked.
fn worker_blocks(profile: &str) -> anyhow::Result<u64> {
    #[derive(Deserialize)]
    struct Profile {
        pps: Vec<Point>,
        ftbl: Vec<String>,
    }
    #[derive(Deserialize)]
    struct Point {
        tbk: u64,
        fs: Vec<usize>,
    }
    let Profile { pps, ftbl } = serde_json::from_str(profile)?;
    let leads_through = |point: &Point, word: &str| {
        let name = |frame: &usize| ftbl.get(*frame).map_or("", String::as_str);
        point.fs.iter().any(|frame| name(frame).contains(word))
    };
    let counted = |point: &&Point| leads_through(point, WORKER) && !leads_through(point, REFUSAL);
    let blocks: u64 = pps.iter().filter(counted).map(|point| point.tbk).sum();
    anyhow::ensure!(blocks > 0, "no stack of the profile leads through {WORKER}");
    Ok(blocks)
}

/// The function that every worker's stack leads through.
const WORKER: &str = "router::core::worker::spawn";

/// In the names of what answers in an endpoint's place. No counted request is refused (the generator would say so), but
/// the probes are that knock before the route is announced, and how many do differs from start to start.
const REFUSAL: &str = "refus";

/// So many that what differs between two starts (connections made, lists grown: some hundred
/// blocks either way) is far below the floor.
const REQUESTS: u64 = 500_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_the_workers_are_added_but_for_those_of_refusals() {
        let profile = r#"{"dhatFileVersion":2,
            "ftbl":["[root]","0x1: router::core::worker::spawn::{{closure}} (worker.rs:1)","0x2: main",
                "0x3: refusal_draft (src/proxy/respond.rs:122:13)"],
            "pps":[{"tbk":3,"fs":[1,2]},{"tbk":4,"fs":[1]},{"tbk":50,"fs":[2]},{"tbk":600,"fs":[3,1]}]}"#;
        assert_eq!(worker_blocks(profile).unwrap(), 7);
    }

    #[test]
    fn a_profile_without_workers_is_an_error() {
        assert!(worker_blocks(r#"{"ftbl":["main"],"pps":[{"tbk":3,"fs":[0]}]}"#).is_err());
    }
}
