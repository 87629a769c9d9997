//! How many records a file may have: a bucket that leaks.

/// Records per second that a file may have for ever.
pub(super) const LINES_PER_SECOND: i64 = 100;
/// Records that it may have at once after a silence.
pub(super) const BURST_LINES: i64 = 10_000;

/// The bucket of one file. Time is passed in, nanoseconds since any fixed instant.
#[derive(Debug)]
pub(super) struct Bucket {
    // In billionths of a record, so that nothing is lost to rounding.
    level: i64,
    at_ns: i64,
}

impl Bucket {
    /// An empty bucket.
    pub(super) fn new(now_ns: i64) -> Self {
        Self {
            level: 0,
            at_ns: now_ns,
        }
    }

    /// How many of `wanted` records may go now; the others are too many.
    pub(super) fn admit(&mut self, wanted: usize, now_ns: i64) -> usize {
        let passed = now_ns.saturating_sub(self.at_ns).max(0);
        self.at_ns = self.at_ns.max(now_ns);
        let leaked = passed.saturating_mul(LINES_PER_SECOND);
        self.level = self.level.saturating_sub(leaked).max(0);
        let room = (BURST_LINES * SCALE - self.level) / SCALE;
        let admitted = room.clamp(0, i64::try_from(wanted).unwrap_or(i64::MAX));
        self.level += admitted * SCALE;
        usize::try_from(admitted).unwrap_or(0)
    }
}

/// Nanoseconds in a second, so that a level divided by it is records.
const SCALE: i64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn a_burst_goes_and_then_only_the_rate() {
        let mut bucket = Bucket::new(0);
        assert_eq!(bucket.admit(12_000, 0), 10_000);
        assert_eq!(bucket.admit(500, 0), 0);
        assert_eq!(bucket.admit(500, SECOND), 100);
        assert_eq!(bucket.admit(500, 3 * SECOND), 200);
    }

    #[test]
    fn a_file_below_the_rate_is_never_held_back() {
        let mut bucket = Bucket::new(0);
        for second in 0..10_000 {
            assert_eq!(bucket.admit(100, second * SECOND), 100);
        }
    }

    #[test]
    fn a_clock_that_steps_back_lets_nothing_more_through() {
        let mut bucket = Bucket::new(10 * SECOND);
        assert_eq!(bucket.admit(10_000, 10 * SECOND), 10_000);
        assert_eq!(bucket.admit(1, 0), 0);
        assert_eq!(bucket.admit(1000, 11 * SECOND), 100);
    }
}
