//! How many bytes an instance may say: its user's limit, over both of its streams.

/// What one instance may still say: a bucket that holds one second's bytes when nobody waits.
///
/// Time is passed in, nanoseconds since any fixed instant.
#[derive(Debug)]
pub(super) struct Allowance {
    /// Bytes per second; `None` is no limit.
    limit: Option<u64>,
    // In billionths of a byte, so that nothing is lost to rounding.
    left: u128,
    at_ns: i64,
}

impl Allowance {
    /// A full bucket that was last looked at at `at_ns`; any negative limit is none.
    pub(super) fn new(limit: Option<i64>, at_ns: i64) -> Self {
        let limit = limit.and_then(|limit| u64::try_from(limit).ok());
        Self {
            limit,
            left: u128::from(limit.unwrap_or(0)) * SECOND_NS,
            at_ns,
        }
    }

    /// Takes in that time has passed since the last look.
    ///
    /// All of it counts: what is found now was said in all that time, while the bus, or the agent,
    /// was away.
    pub(super) fn fill(&mut self, now_ns: i64) {
        let passed = u64::try_from(now_ns.saturating_sub(self.at_ns)).unwrap_or(0);
        self.at_ns = self.at_ns.max(now_ns);
        let limit = u128::from(self.limit.unwrap_or(0));
        self.left = self.left.saturating_add(limit * u128::from(passed));
    }

    /// Whether a line of so many bytes may go, whole.
    pub(super) fn admit(&mut self, bytes: usize) -> bool {
        let cost = bytes as u128 * SECOND_NS;
        match self.limit {
            None => true,
            // Not even a line without a byte.
            Some(0) => false,
            Some(_) if cost > self.left => false,
            Some(_) => {
                self.left -= cost;
                true
            }
        }
    }

    /// Takes in that everything was read: time that nobody used is kept for one second only.
    pub(super) fn rest(&mut self) {
        let full = u128::from(self.limit.unwrap_or(0)) * SECOND_NS;
        self.left = self.left.min(full);
    }

    /// The limit that an instance is told when it was exceeded, in bytes per second.
    ///
    /// compat: nothing is said to whom nothing is allowed (executor depot/log_streamer/log_rate_limiter.go).
    pub(super) fn told(&self) -> Option<u64> {
        self.limit.filter(|limit| *limit > 0)
    }
}

const SECOND_NS: u128 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn a_second_of_bytes_goes_at_once_and_then_as_many_as_time_brings() {
        let mut allowance = Allowance::new(Some(1000), 0);
        assert!(allowance.admit(600) && !allowance.admit(600) && allowance.admit(400));
        allowance.fill(SECOND / 2);
        assert!(!allowance.admit(501) && allowance.admit(500));
        allowance.fill(100 * SECOND);
        allowance.rest();
        assert!(allowance.admit(1000) && !allowance.admit(1));
    }

    #[test]
    fn without_a_limit_everything_goes_and_with_none_at_all_nothing() {
        for limit in [None, Some(-1)] {
            let mut allowance = Allowance::new(limit, 0);
            assert!(allowance.admit(usize::MAX) && allowance.admit(usize::MAX));
        }
        let mut allowance = Allowance::new(Some(0), 0);
        allowance.fill(i64::MAX);
        assert!(!allowance.admit(0) && !allowance.admit(1));
        assert_eq!(allowance.told(), None);
    }

    #[test]
    fn what_was_said_while_nobody_looked_has_that_time() {
        let mut allowance = Allowance::new(Some(100), 0);
        allowance.fill(60 * SECOND);
        assert!(allowance.admit(6100) && !allowance.admit(1));
    }

    #[test]
    fn a_clock_that_steps_back_brings_nothing() {
        let mut allowance = Allowance::new(Some(100), 10 * SECOND);
        assert!(allowance.admit(100));
        allowance.fill(0);
        assert!(!allowance.admit(1));
        allowance.fill(11 * SECOND);
        assert!(allowance.admit(100) && !allowance.admit(1));
    }

    #[test]
    fn the_largest_limit_overflows_nothing() {
        let mut allowance = Allowance::new(Some(i64::MAX), i64::MIN);
        allowance.fill(i64::MAX);
        allowance.fill(i64::MAX);
        assert!(allowance.admit(1 << 40));
    }

    proptest! {
        /// Whatever is said and whenever, no more goes than the limit and the time allow.
        #[test]
        fn never_more_than_a_second_ahead_of_the_limit(
            limit in 1_i64..5000,
            looks in proptest::collection::vec(
                (0_i64..3 * SECOND, proptest::collection::vec(0_usize..3000, 0..20), any::<bool>()),
                0..40,
            ),
        ) {
            let mut allowance = Allowance::new(Some(limit), 0);
            let (mut now, mut gone) = (0_i64, 0_u128);
            for (pause, lines, all_read) in looks {
                now += pause;
                allowance.fill(now);
                for bytes in lines {
                    gone += if allowance.admit(bytes) { bytes as u128 } else { 0 };
                    let most = limit as u128 * (now as u128 + SECOND_NS);
                    prop_assert!(gone * SECOND_NS <= most);
                }
                if all_read {
                    allowance.rest();
                }
            }
        }

        /// Who stays below the limit loses nothing, however far apart the looks are.
        #[test]
        fn nothing_is_held_back_below_the_limit(
            limit in 100_i64..5000,
            looks in proptest::collection::vec((1_i64..10 * SECOND, 0.0_f64..1.0), 0..40),
        ) {
            let mut allowance = Allowance::new(Some(limit), 0);
            let mut now = 0;
            for (pause, share) in looks {
                now += pause;
                let room = limit as f64 * pause as f64 / SECOND as f64;
                allowance.fill(now);
                prop_assert!(allowance.admit((room * share) as usize));
                allowance.rest();
            }
        }
    }
}
