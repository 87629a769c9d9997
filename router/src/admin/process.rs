//! Process: what the kernel says about us.

use std::time::Duration;

/// Resident memory in kB; 0 when the kernel does not tell.
pub(super) fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or_default()
}

/// CPU time so far, of all threads; zero when the kernel does not tell.
pub(super) fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    ticks(&stat).map_or(Duration::ZERO, |ticks| {
        Duration::from_millis(ticks * TICK_MS)
    })
}

/// User and system ticks: the 12th and 13th word after the name, which may contain anything.
fn ticks(stat: &str) -> Option<u64> {
    let (_name, rest) = stat.rsplit_once(')')?;
    let mut words = rest.split_whitespace().skip(11);
    let user: u64 = words.next()?.parse().ok()?;
    let system: u64 = words.next()?.parse().ok()?;
    Some(user + system)
}

/// Linux counts in hundredths for user space, whatever its own clock.
const TICK_MS: u64 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_found_behind_any_name() {
        let stat = "42 (a ) b) S 1 1 1 0 -1 4 100 0 0 0 12 30 0 0 20 0 3 0 5 6 7";
        assert_eq!(ticks(stat), Some(42));
        assert_eq!(ticks("garbage"), None);
    }

    #[test]
    fn this_process_has_memory() {
        assert!(resident_kb() > 100);
    }
}
