//! How many system calls does a request cost?
//!
//! Two runs under `strace -c`, one twice as long: their difference holds requests and nothing of the connecting.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::{Field, Stand};
use crate::contestant::{Contestant, Kind};
use crate::floors;
use crate::generator::{Pace, Plan};
use crate::process::tree;
use crate::report::{Figure, Results};

/// Traces every contestant.
pub(super) fn ask(
    stand: &Stand,
    field: &Field,
    name: &str,
    results: &mut Results,
) -> anyhow::Result<()> {
    let requests = REQUESTS / stand.method.shorten;
    for (kind, contestant) in field.entries() {
        let (addr, pid) = (contestant.http, contestant.child.pid());
        stand.generator.run(addr, pid, plan(requests))?;
        let short = traced(stand, contestant, requests)?;
        let long = traced(stand, contestant, 2 * requests)?;
        let per_request = (long.total as f64 - short.total as f64) / requests as f64;
        let floor = (*kind == Kind::Switchyard).then_some(floors::SYSCALLS);
        let row = (name, contestant.name.as_str());
        let figure = Figure::told(row, "system calls per request", "", per_request);
        results.figures.push(figure.with_floor(floor));
        results
            .notes
            .push(format!("{name}: {}: {}", contestant.name, long.busiest()));
    }
    Ok(())
}

/// What `strace -c` counted.
#[derive(Debug, Default, PartialEq)]
struct Counts {
    total: u64,
    by_name: Vec<(String, u64)>,
}

impl Counts {
    /// Reads the table that strace writes at its end.
    fn parse(table: &str) -> Option<Self> {
        let mut counts = Self::default();
        for line in table.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            // % time, seconds, usecs/call, calls, [errors,] syscall
            let (Some(calls), Some(name)) = (words.get(3), words.last()) else {
                continue;
            };
            let Ok(calls) = calls.parse() else { continue };
            match *name {
                "total" => counts.total = calls,
                name => counts.by_name.push((name.to_owned(), calls)),
            }
        }
        counts
            .by_name
            .sort_by_key(|(_, calls)| std::cmp::Reverse(*calls));
        (counts.total > 0).then_some(counts)
    }

    fn busiest(&self) -> String {
        let busiest = self.by_name.iter().take(BUSIEST);
        let words: Vec<_> = busiest
            .map(|(name, calls)| format!("{name} {calls}"))
            .collect();
        words.join(", ")
    }
}

fn traced(stand: &Stand, contestant: &Contestant, requests: u64) -> anyhow::Result<Counts> {
    let table = stand.around.dir.join(format!("{}.strace", contestant.name));
    let pids = tree(contestant.child.pid());
    let mut tracer = Tracer::attach(&pids, &table, stand.around.cpus.rest)?;
    stand
        .generator
        .run(contestant.http, contestant.child.pid(), plan(requests))?;
    tracer.detach()?;
    let text = fs::read_to_string(&table)?;
    Counts::parse(&text).with_context(|| format!("strace counted nothing for {}", contestant.name))
}

fn plan(requests: u64) -> Plan<'static> {
    Plan {
        pace: Pace::Count(requests),
        path: "/",
        connections: CONNECTIONS,
        warmup: Duration::ZERO,
        window: Duration::from_secs(60),
    }
}

/// A strace that is attached.
struct Tracer(std::process::Child);

impl Tracer {
    /// Attaches to all threads of some processes, and returns when it has them.
    fn attach(pids: &[u32], table: &Path, cpu: usize) -> anyhow::Result<Self> {
        let mut command = Command::new("taskset");
        command
            .arg("-c")
            .arg(cpu.to_string())
            .args(["strace", "-c", "-f", "-o"])
            .arg(table);
        command.args(pids.iter().map(|pid| format!("--attach={pid}")));
        let child = command.stderr(Stdio::piped()).stdin(Stdio::null()).spawn();
        let mut tracer = Self(child.context("strace is needed to count system calls")?);
        let stderr = tracer.0.stderr.take().context("stderr is piped")?;
        let mut lines = BufReader::new(stderr).lines();
        for _ in pids {
            let line = lines.next().context("strace ended")??;
            if !line.contains("attached") {
                bail!("{line}");
            }
        }
        // What it says later goes nowhere, but must not block it.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(tracer)
    }

    fn detach(&mut self) -> anyhow::Result<()> {
        let pid = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.context("strace has a pid")?, Signal::INT)?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        // Killing a tracer lets go of what it traces; after `detach` there is nothing left to kill.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

const CONNECTIONS: usize = 64;
/// Few, because a traced call takes a hundred times as long; enough, because a count does not vary as a time does.
const REQUESTS: u64 = 3_000;
const BUSIEST: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_strace_is_read_with_and_without_errors() {
        let table = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.10    0.104405           2     40000           write
 39.90    0.069306           1     40100       100 read
------ ----------- ----------- --------- --------- ----------------
100.00    0.173711           2     80100       100 total
";
        let counts = Counts::parse(table).unwrap();
        assert_eq!(counts.total, 80_100);
        assert_eq!(counts.busiest(), "read 40100, write 40000");
    }

    #[test]
    fn an_empty_table_is_no_count() {
        assert_eq!(Counts::parse(""), None);
    }
}
