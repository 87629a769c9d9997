//! Waiting: conditions with deadlines, never bare sleeps.

use std::thread;
use std::time::{Duration, Instant};

/// How long any single wait of a test may last before the test fails.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Waits until `condition` holds.
///
/// # Panics
///
/// When [`DEADLINE`] passes first; `what` says what never came true.
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    eventually_some(what, || condition().then_some(()));
}

/// Waits until `probe` finds a value, and gives it.
///
/// # Panics
///
/// When [`DEADLINE`] passes first; `what` says what was never found.
pub fn eventually_some<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    let mut pause = Duration::from_micros(200);
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(
            Instant::now() < end,
            "waited {DEADLINE:?} in vain until {what}"
        );
        // The one pause of the suites: how often a condition is looked at, not what it waits for.
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(10));
    }
}
