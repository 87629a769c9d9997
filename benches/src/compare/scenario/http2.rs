//! HTTP/2 over TLS in front, HTTP/1.1 behind: how many requests does a CPU-second carry?

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use super::{Field, Stand};
use crate::contestant::{Contestant, HOST};
use crate::process::Watch;
use crate::report::{Figure, Ratio, Results};
use crate::stats::{median, paired_ratio, spread};

/// Loads everybody who speaks HTTP/2, in turn, and tells; there is no floor yet.
pub(super) fn ask(
    stand: &Stand,
    field: &Field,
    name: &str,
    results: &mut Results,
) -> anyhow::Result<()> {
    let requests = REQUESTS / stand.method.shorten;
    let entries = field.entries().iter().map(|(_, contestant)| contestant);
    let mut lanes: Vec<Lane<'_>> = entries
        .filter_map(|one| Some((one, one.https?, Vec::new())))
        .collect();
    for round in 0..stand.method.rounds.min(MAX_ROUNDS) {
        for (contestant, addr, found) in &mut lanes {
            crate::interrupt::check()?;
            load(stand.around.cpus.rest, *addr, requests / 10)?;
            let mut watch = Watch::new(contestant.child.pid());
            let begin = watch.clone();
            load(stand.around.cpus.rest, *addr, requests)?;
            watch.look();
            let rate = requests as f64 / watch.since(&begin).cpu_total();
            eprintln!(
                "  round {round} {:<11} {rate:>9.0} req/CPU-s",
                contestant.name
            );
            found.push(rate);
        }
        lanes.reverse();
    }
    for (contestant, _, found) in &lanes {
        let row = (name, contestant.name.as_str());
        let figure = Figure::told(row, METRIC, "req/CPU-s", median(found));
        results.figures.push(figure.with_spread(spread(found)));
    }
    add_ratios(name, &stand.subject, &lanes, results);
    Ok(())
}

/// A contestant, where it speaks HTTP/2, and what it carried in each round.
type Lane<'a> = (&'a Contestant, SocketAddr, Vec<f64>);

fn add_ratios(name: &str, subject: &str, lanes: &[Lane<'_>], results: &mut Results) {
    let Some((_, _, ours)) = lanes.iter().find(|(one, ..)| one.name == subject) else {
        return;
    };
    for (other, _, theirs) in lanes.iter().filter(|(one, ..)| one.name != subject) {
        let rounds = (ours.len(), ours.len());
        let row = Ratio::new((name, METRIC), (subject, &other.name), rounds);
        let found = paired_ratio(ours, theirs);
        results.ratios.push(row.judged(found, None));
    }
}

fn load(cpu: usize, addr: SocketAddr, requests: u64) -> anyhow::Result<()> {
    let output = Command::new("taskset")
        .args(["-c", &cpu.to_string(), "h2load", "-t1", "-c16", "-m32"])
        .arg(format!("-n{requests}"))
        .arg(format!("--connect-to={addr}"))
        .arg(format!("https://{HOST}/"))
        .stdin(Stdio::null())
        .output()
        .context("h2load is needed for HTTP/2")?;
    let said = String::from_utf8_lossy(&output.stdout);
    match answered_well(&said) {
        Some(count) if count == requests => Ok(()),
        Some(count) => bail!("{addr}: {count} of {requests} answers over HTTP/2 were 2xx"),
        None => bail!("{addr}: h2load said {said:?}"),
    }
}

/// The number of 2xx answers that h2load counted.
fn answered_well(said: &str) -> Option<u64> {
    let line = said
        .lines()
        .find_map(|line| line.strip_prefix("status codes: "))?;
    line.split_once(" 2xx")?.0.trim().parse().ok()
}

const METRIC: &str = "requests per CPU-second";
const REQUESTS: u64 = 60_000;
const MAX_ROUNDS: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_of_good_answers_is_read() {
        let said =
            "finished in 1.2s\nrequests: 10 total\nstatus codes: 10 2xx, 0 3xx, 0 4xx, 0 5xx\n";
        assert_eq!(answered_well(said), Some(10));
        assert_eq!(answered_well("nothing"), None);
    }
}
