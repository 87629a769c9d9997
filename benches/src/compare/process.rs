//! What a process and its children have used: CPU time by thread, context switches, memory.
//!
//! All of it is read from /proc. `schedstat` counts nanoseconds, so a short window is measured as well as a long one.

use std::collections::HashMap;
use std::fs;

/// The threads of a process tree, with all that they had used when last seen.
///
/// A thread that has ended keeps what it had, so a sum never goes backwards.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    root: u32,
    threads: HashMap<(u32, u32), Thread>,
}

#[derive(Clone, Debug, Default)]
struct Thread {
    name: String,
    cpu_nanoseconds: u64,
    switches: u64,
}

/// What was used between two moments.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Used {
    /// CPU time of each thread name, in nanoseconds.
    pub(crate) by_name: HashMap<String, u64>,
    /// Context switches, voluntary and not.
    pub(crate) switches: u64,
}

impl Used {
    /// CPU time of the threads whose name passes, in seconds.
    pub(crate) fn cpu_seconds(&self, passes: impl Fn(&str) -> bool) -> f64 {
        let sum: u64 = self
            .by_name
            .iter()
            .filter(|(name, _)| passes(name))
            .map(|(_, ns)| ns)
            .sum();
        sum as f64 / 1e9
    }

    /// CPU time of all threads, in seconds.
    pub(crate) fn cpu_total(&self) -> f64 {
        self.cpu_seconds(|_| true)
    }
}

impl Watch {
    /// Begins to watch a process and its children.
    pub(crate) fn new(root: u32) -> Self {
        let mut watch = Self {
            root,
            threads: HashMap::new(),
        };
        watch.look();
        watch
    }

    /// Looks at every thread once more.
    pub(crate) fn look(&mut self) {
        for pid in tree(self.root) {
            for tid in tasks(pid) {
                let task = format!("/proc/{pid}/task/{tid}");
                let Some(cpu) = read(&format!("{task}/schedstat")).and_then(|t| on_cpu(&t)) else {
                    continue;
                };
                let thread = self.threads.entry((pid, tid)).or_default();
                thread.cpu_nanoseconds = cpu;
                thread.name = read(&format!("{task}/comm"))
                    .unwrap_or_default()
                    .trim()
                    .to_owned();
                thread.switches = read(&format!("{task}/status")).map_or(0, |text| switches(&text));
            }
        }
    }

    /// What was used since `earlier`, an older copy of this watch.
    pub(crate) fn since(&self, earlier: &Self) -> Used {
        let mut used = Used::default();
        for (id, now) in &self.threads {
            let before = earlier.threads.get(id).cloned().unwrap_or_default();
            let cpu = now.cpu_nanoseconds.saturating_sub(before.cpu_nanoseconds);
            *used.by_name.entry(now.name.clone()).or_default() += cpu;
            used.switches += now.switches.saturating_sub(before.switches);
        }
        used
    }
}

/// Resident memory of a process and its children, in bytes.
pub(crate) fn resident_bytes(root: u32) -> u64 {
    let of_one = |pid| read(&format!("/proc/{pid}/smaps_rollup")).map_or(0, |text| rss(&text));
    tree(root).into_iter().map(of_one).sum()
}

/// A process and all its descendants.
pub(crate) fn tree(root: u32) -> Vec<u32> {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&pid) = found.get(next) {
        next += 1;
        for tid in tasks(pid) {
            let children = read(&format!("/proc/{pid}/task/{tid}/children")).unwrap_or_default();
            found.extend(
                children
                    .split_whitespace()
                    .filter_map(|child| child.parse::<u32>().ok()),
            );
        }
    }
    found
}

fn tasks(pid: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect()
}

/// The file's text, or `None` when the process is gone.
fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// Nanoseconds on a CPU: the first field of `schedstat`.
fn on_cpu(schedstat: &str) -> Option<u64> {
    schedstat.split_whitespace().next()?.parse().ok()
}

/// The sum of both kinds of context switches in `status`.
fn switches(status: &str) -> u64 {
    let lines = status
        .lines()
        .filter(|line| line.contains("voluntary_ctxt_switches:"));
    lines
        .filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok())
        .sum()
}

/// `Rss` of `smaps_rollup`, in bytes.
fn rss(rollup: &str) -> u64 {
    let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:"));
    let kibibytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedstat_begins_with_the_time_on_cpu() {
        assert_eq!(on_cpu("5064122369 4411800048 33467\n"), Some(5_064_122_369));
        assert_eq!(on_cpu(""), None);
    }

    #[test]
    fn both_kinds_of_switches_count() {
        let status = "Name:\tx\nvoluntary_ctxt_switches:\t150\nnonvoluntary_ctxt_switches:\t7\n";
        assert_eq!(switches(status), 157);
    }

    #[test]
    fn rss_is_in_kibibytes() {
        let rollup = "55d0-7ffd ---p 00000000 00:00 0    [rollup]\nRss:                1832 kB\nPss:  12 kB\n";
        assert_eq!(rss(rollup), 1832 * 1024);
    }

    #[test]
    fn a_thread_that_has_ended_still_counts() {
        let thread = |cpu| Thread {
            name: "worker-0".into(),
            cpu_nanoseconds: cpu,
            switches: 1,
        };
        let begin = Watch {
            root: 1,
            threads: [((1, 2), thread(100))].into(),
        };
        let mut end = begin.clone();
        end.threads.insert((1, 2), thread(400));
        end.threads.insert((1, 3), thread(50));
        let used = end.since(&begin);
        assert_eq!(used.by_name["worker-0"], 350);
        assert_eq!(used.switches, 1);
    }

    #[test]
    fn this_process_is_seen_working() {
        let mut watch = Watch::new(std::process::id());
        let before = watch.clone();
        while watch.since(&before).cpu_total() == 0.0 {
            watch.look();
        }
        assert!(resident_bytes(std::process::id()) > 100_000);
    }
}
