//! The one place that asks what time it is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

use crate::route::Millis;

/// A monotonic clock that can also tell the wall's time, fixed to each other at the start, so
/// that one reading gives both.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// Nanoseconds of the system's monotonic clock.
    origin: u64,
    /// Nanoseconds since 1970 at the origin.
    wall_origin: u64,
}

impl Clock {
    /// A clock that begins now.
    #[must_use]
    pub fn start() -> Self {
        Self {
            origin: monotonic_nanos(),
            wall_origin: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| {
                    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
                }),
        }
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Moment {
        Moment(monotonic_nanos().saturating_sub(self.origin))
    }

    /// Nanoseconds since 1970 at a moment of this clock.
    #[must_use]
    pub fn unix_nanos(&self, moment: Moment) -> u64 {
        // perf: one clock reading per stamp instead of two (20-25 ns each); the wall's later
        // corrections are not followed, which a log line can bear and an interval must not see.
        self.wall_origin.saturating_add(moment.0)
    }
}

// perf: `Instant` keeps seconds and nanoseconds apart and borrows between them at each difference,
// 60 instructions for each of the four readings of a request.
fn monotonic_nanos() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    // The system's clock began at 0 and cannot reach the 584 years that fit.
    now.tv_sec.cast_unsigned().wrapping_mul(1_000_000_000) + now.tv_nsec.cast_unsigned()
}

/// A reading of a [`Clock`]: nanoseconds since its start.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Moment(u64);

impl Moment {
    /// The same in the unit of the route table.
    #[must_use]
    pub fn millis(self) -> Millis {
        Millis(self.0 / 1_000_000)
    }

    /// How long ago `earlier` was; zero where it was not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_the_same_time_on_both_clocks() {
        let before = SystemTime::now();
        let clock = Clock::start();
        let moment = clock.now();
        let after = SystemTime::now();
        let wall = UNIX_EPOCH + Duration::from_nanos(clock.unix_nanos(moment));
        // The wall's clock may be set while this runs, but not by an hour.
        let slack = Duration::from_secs(3_600);
        assert!(before - slack < wall && wall < after + slack);
    }

    #[test]
    fn time_passes_and_never_backwards() {
        let clock = Clock::start();
        let first = clock.now();
        let mut later = clock.now();
        while later == first {
            later = clock.now();
        }
        assert!(later > first && later.since(first) > Duration::ZERO);
        assert_eq!(first.since(later), Duration::ZERO);
    }
}
