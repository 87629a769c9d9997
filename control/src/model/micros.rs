//! Instants: microseconds since 1970, as the store keeps them.

use std::time::Duration;

/// Microseconds since 1970-01-01T00:00:00Z; negative before it.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Micros(pub i64);

impl Micros {
    /// Whole seconds since 1970, rounded down.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(MICROS_PER_SECOND)
    }

    /// The instant at a whole second since 1970; the last one that can be kept if it is too late.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(MICROS_PER_SECOND))
    }

    /// The instant `duration` later; the last one that can be kept if that is too late.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        let step = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(step))
    }

    /// How long ago `earlier` was; nothing if it is still to come.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let gone = self.0.saturating_sub(earlier.0);
        Duration::from_micros(u64::try_from(gone).unwrap_or(0))
    }
}

const MICROS_PER_SECOND: i64 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_still_to_come_was_no_time_ago() {
        let (early, late) = (Micros(1_000), Micros(3_000));
        assert_eq!(late.since(early), Duration::from_micros(2_000));
        assert_eq!(early.since(late), Duration::ZERO);
    }

    #[test]
    fn seconds_before_1970_round_down() {
        assert_eq!(Micros(-1).seconds(), -1);
        assert_eq!(Micros::from_seconds(2), Micros(2_000_000));
    }

    #[test]
    fn the_end_of_time_is_not_passed() {
        assert_eq!(Micros(i64::MAX).after(Duration::MAX), Micros(i64::MAX));
        assert_eq!(Micros::from_seconds(i64::MAX), Micros(i64::MAX));
    }
}
