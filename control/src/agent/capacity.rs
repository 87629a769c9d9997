//! What the node offers when nobody says.

use std::path::Path;

use rustix::fs::statvfs;

use super::admission::Amount;
use super::options::AgentOptions;

/// What the options say, and otherwise four fifths of what the machine has.
pub(super) fn capacity(options: &AgentOptions, dir: &Path) -> Amount {
    let share = |mb: u64| mb / 5 * 4;
    Amount {
        memory_mb: options
            .memory_mb
            .unwrap_or_else(|| share(memory_mb().unwrap_or(FALLBACK_MB))),
        disk_mb: options
            .disk_mb
            .unwrap_or_else(|| share(free_disk_mb(dir).unwrap_or(FALLBACK_MB))),
    }
}

fn memory_mb() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib / 1024)
}

fn free_disk_mb(dir: &Path) -> Option<u64> {
    let stat = statvfs(dir).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize) >> 20)
}

/// For a machine that does not tell.
const FALLBACK_MB: u64 = 1024;
