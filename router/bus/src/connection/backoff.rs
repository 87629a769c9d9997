//! How long to wait before the servers are tried again.

use std::time::Duration;

/// Waits that double from round to round up to a limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    /// Longest wait.
    pub(super) max: Duration,
}

/// Longest wait before the first round: a server that restarts is met soon, and yet not all its
/// clients come at the same instant.
const FIRST: Duration = Duration::from_millis(50);

impl Backoff {
    /// The wait before `round`, counted from 0; `random` in 0..1 spreads it over its upper half.
    pub(super) fn wait(self, round: u32, random: f64) -> Duration {
        let full = FIRST.saturating_mul(1_u32.checked_shl(round).unwrap_or(u32::MAX));
        full.min(self.max).mul_f64(0.5 + random / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff {
        max: Duration::from_secs(2),
    };

    #[test]
    fn waits_double_up_to_the_limit() {
        let waits = [0, 1, 2, 5, 6, 31, 32, u32::MAX].map(|round| BACKOFF.wait(round, 1.0));
        assert_eq!(
            waits.map(|wait| wait.as_millis()),
            [50, 100, 200, 1600, 2000, 2000, 2000, 2000]
        );
    }

    #[test]
    fn chance_takes_off_up_to_half() {
        assert_eq!(BACKOFF.wait(1, 0.0), Duration::from_millis(50));
        assert_eq!(BACKOFF.wait(9, 0.5), Duration::from_millis(1500));
    }

    #[test]
    fn a_limit_below_the_first_wait_holds() {
        assert_eq!(
            Backoff {
                max: Duration::ZERO
            }
            .wait(0, 1.0),
            Duration::ZERO
        );
    }
}
