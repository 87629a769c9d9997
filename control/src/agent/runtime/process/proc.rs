//! What the kernel tells about processes, read from `/proc`.

use std::fs;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A process that cannot be mistaken for a later one of the same id.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Identity {
    pub(super) pid: i32,
    /// Clock ticks from the machine's start to the process's.
    pub(super) started: u64,
}

impl Identity {
    /// The process that has this id now.
    pub(super) fn of(pid: i32) -> Option<Self> {
        let stat = Stat::read(pid)?;
        Some(Self {
            pid,
            started: stat.started,
        })
    }

    /// Whether it still runs; one that has ended and waits to be reaped does not.
    pub(super) fn runs(self) -> bool {
        Stat::read(self.pid).is_some_and(|stat| stat.started == self.started && !stat.ended())
    }
}

/// The boot of the machine and the name space of processes: only there do ids and ticks mean
/// something. `None` when the kernel does not tell.
pub(super) fn era() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let space = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), space.display()))
}

/// The fields of `/proc/PID/stat` that we need.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Stat {
    state: char,
    parent: i32,
    session: i32,
    /// Of its own and of the children that it has reaped, in clock ticks.
    ticks: u64,
    started: u64,
}

impl Stat {
    fn read(pid: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        // The name stands in brackets and may hold anything, brackets and blanks too.
        let (_name, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        // The first field after the name is the third of the manual page.
        let number = |field: usize| fields.get(field - 3)?.parse::<i64>().ok();
        let count = |field: usize| number(field).map(|n| u64::try_from(n).unwrap_or(0));
        Some(Self {
            state: fields.first()?.chars().next()?,
            parent: i32::try_from(number(4)?).ok()?,
            session: i32::try_from(number(6)?).ok()?,
            ticks: (14..=17).filter_map(count).sum(),
            started: count(22)?,
        })
    }

    fn ended(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }
}

/// What a tree of processes takes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Taken {
    pub(super) cpu_time: Duration,
    /// Pages that processes share are counted for each of them.
    pub(super) resident_bytes: u64,
    pub(super) processes: u64,
}

/// What these processes take together.
pub(super) fn taken(pids: &[i32]) -> Taken {
    let mut taken = Taken::default();
    let mut ticks = 0;
    for (pid, stat) in pids.iter().filter_map(|pid| Some((pid, Stat::read(*pid)?))) {
        ticks += stat.ticks;
        taken.resident_bytes += resident_bytes(*pid).unwrap_or(0);
        taken.processes += u64::from(!stat.ended());
    }
    taken.cpu_time = Duration::from_millis(ticks.saturating_mul(1000) / TICKS_PER_SECOND);
    taken
}

fn resident_bytes(pid: i32) -> Option<u64> {
    kib(
        &fs::read_to_string(format!("/proc/{pid}/status")).ok()?,
        "VmRSS:",
    )
}

/// The number of a line such as `Pss:   12 kB`, in bytes.
fn kib(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    let number: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(number * 1024)
}

/// The memory of these processes in bytes, each shared page divided among those that share it.
///
/// Costly: the kernel walks their page tables.
pub(super) fn proportional_bytes(pids: &[i32]) -> Option<u64> {
    let mut sum = 0;
    for pid in pids {
        let Ok(text) = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")) else {
            // It has just ended, or the kernel does not tell.
            continue;
        };
        sum += kib(&text, "Pss:")?;
    }
    (sum > 0).then_some(sum)
}

/// All descendants of a process, itself not among them.
pub(super) fn descendants(root: i32) -> Vec<i32> {
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(pid) = open.pop() {
        match children(pid) {
            Some(children) => {
                open.extend(&children);
                found.extend(children);
            }
            // A kernel without these lists, or a process that has ended.
            None if Identity::of(pid).is_some() => return by_parents(root),
            None => {}
        }
    }
    found
}

fn children(pid: i32) -> Option<Vec<i32>> {
    let mut found = Vec::new();
    let mut threads = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten() {
        let Ok(text) = fs::read_to_string(thread.path().join("children")) else {
            continue;
        };
        threads += 1;
        found.extend(text.split_ascii_whitespace().filter_map(as_pid));
    }
    (threads > 0).then_some(found)
}

fn by_parents(root: i32) -> Vec<i32> {
    let all: Vec<(i32, i32)> = every_process()
        .into_iter()
        .filter_map(|pid| Some((pid, Stat::read(pid)?.parent)))
        .collect();
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(parent) = open.pop() {
        let children = all.iter().filter(|(_, of)| *of == parent);
        let children: Vec<i32> = children.map(|(pid, _)| *pid).collect();
        open.extend(&children);
        found.extend(children);
    }
    found
}

/// The processes of a session that still run; what a keeper left behind when it was killed.
pub(super) fn of_session(session: i32) -> Vec<i32> {
    let belongs =
        |pid: &i32| Stat::read(*pid).is_some_and(|stat| stat.session == session && !stat.ended());
    every_process().into_iter().filter(belongs).collect()
}

fn every_process() -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pid = |entry: fs::DirEntry| as_pid(entry.file_name().to_str()?);
    entries.flatten().filter_map(pid).collect()
}

fn as_pid(text: &str) -> Option<i32> {
    text.parse().ok().filter(|pid| *pid > 0)
}

/// What Linux counts processor time in towards programs, whatever it uses itself.
const TICKS_PER_SECOND: u64 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_is_read_over() {
        let text = "7 (a) b (c) S 3 7 5 0 -1 4 0 0 0 0 10 20 3 4 20 0 1 0 99 1000 25 0";
        let stat = Stat::parse(text).unwrap();
        assert_eq!((stat.parent, stat.session, stat.started), (3, 5, 99));
        assert_eq!(stat.ticks, 37);
    }

    #[test]
    fn a_process_of_another_start_is_another_process() {
        let ours = Identity::of(std::process::id() as i32).unwrap();
        assert!(ours.runs());
        let earlier = Identity {
            started: ours.started.wrapping_sub(1),
            ..ours
        };
        assert!(!earlier.runs());
    }

    #[test]
    fn a_child_is_a_descendant_and_takes_memory() {
        let mut child = std::process::Command::new("sleep")
            .arg("600")
            .spawn()
            .unwrap();
        let pid = child.id() as i32;
        assert!(descendants(std::process::id() as i32).contains(&pid));
        assert!(by_parents(std::process::id() as i32).contains(&pid));
        assert_eq!(taken(&[pid]).processes, 1);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
