//! When to ask everybody for everything again: soon after a loss, but not too often.

use std::time::{Duration, Instant};

/// Limits how often `router.start` is published after lost messages.
///
/// Each loss is followed by a resynchronisation that began after it, and two of them are at least
/// the interval apart. It is told the time and starts no timer.
#[derive(Clone, Copy, Debug)]
pub struct ResyncLimiter {
    interval: Duration,
    last: Option<Instant>,
    wanted: bool,
}

impl ResyncLimiter {
    /// A limiter that lets one through per `interval`.
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            last: None,
            wanted: false,
        }
    }

    /// Notes that something was lost.
    pub fn want(&mut self) {
        self.wanted = true;
    }

    /// Whether to resynchronise at `now`; if so, all losses noted before are settled.
    pub fn take(&mut self, now: Instant) -> bool {
        let due = self.due(now).is_some_and(|due| due <= now);
        if due {
            self.wanted = false;
            self.last = Some(now);
        }
        due
    }

    /// When [`Self::take`] will say yes, which may be in the past; `None` while nothing was lost.
    pub fn due(&self, now: Instant) -> Option<Instant> {
        let next = self.last.map_or(now, |last| last + self.interval);
        self.wanted.then_some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(10);

    #[test]
    fn without_a_loss_nothing_is_due() {
        let mut limiter = ResyncLimiter::new(INTERVAL);
        assert_eq!(limiter.due(Instant::now()), None);
        assert!(!limiter.take(Instant::now()));
    }

    #[test]
    fn the_first_loss_is_settled_at_once_and_the_next_after_the_interval() {
        let (mut limiter, now) = (ResyncLimiter::new(INTERVAL), Instant::now());
        limiter.want();
        assert_eq!(limiter.due(now), Some(now));
        assert!(limiter.take(now));
        assert!(!limiter.take(now));
        limiter.want();
        limiter.want();
        assert!(!limiter.take(now + INTERVAL / 2));
        assert_eq!(limiter.due(now), Some(now + INTERVAL));
        assert!(limiter.take(now + INTERVAL));
        assert!(!limiter.take(now + 2 * INTERVAL));
    }
}
