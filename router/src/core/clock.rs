//! The one place that asks what time it is.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::route::Millis;

/// A monotonic clock that can also tell the wall's time, fixed to each other at the start, so
/// that one reading gives both.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
    wall_origin: Duration,
}

impl Clock {
    /// A clock that begins now.
    #[must_use]
    pub fn start() -> Self {
        Self {
            origin: Instant::now(),
            wall_origin: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
        }
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Moment {
        Moment(self.origin.elapsed())
    }

    /// Nanoseconds since 1970 at a moment of this clock.
    #[must_use]
    pub fn unix_nanos(&self, moment: Moment) -> u64 {
        // perf: one clock reading per stamp instead of two (20-25 ns each); the wall's later
        // corrections are not followed, which a log line can bear and an interval must not see.
        u64::try_from((self.wall_origin + moment.0).as_nanos()).unwrap_or(u64::MAX)
    }
}

/// A reading of a [`Clock`]: the time since its start.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Moment(Duration);

impl Moment {
    /// The same in the unit of the route table.
    #[must_use]
    pub fn millis(self) -> Millis {
        Millis(u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX))
    }

    /// How long ago `earlier` was; zero where it was not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}
