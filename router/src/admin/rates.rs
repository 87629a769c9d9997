//! Rates: how many per second, over the last minutes.

use std::time::Duration;

/// Moving averages over one, five and fifteen minutes, fed every [`TICK`].
#[derive(Clone, Debug, Default)]
pub(super) struct Rates {
    last: u64,
    per_second: Option<[f64; 3]>,
}

impl Rates {
    /// Takes the count as it is now.
    pub(super) fn tick(&mut self, count: u64) {
        let since = f64::from(u32::try_from(count.saturating_sub(self.last)).unwrap_or(u32::MAX));
        self.last = count;
        let now = since / TICK.as_secs_f64();
        self.per_second = Some(match self.per_second {
            None => [now; 3],
            Some(before) => {
                let mut next = before;
                for (rate, minutes) in next.iter_mut().zip(MINUTES) {
                    *rate += (now - *rate) * share(minutes);
                }
                next
            }
        });
    }

    /// One, five and fifteen minutes.
    pub(super) fn per_second(&self) -> [f64; 3] {
        self.per_second.unwrap_or_default()
    }
}

/// How much of the average one tick is.
fn share(minutes: f64) -> f64 {
    1.0 - (-TICK.as_secs_f64() / (60.0 * minutes)).exp()
}

const MINUTES: [f64; 3] = [1.0, 5.0, 15.0];

/// How often rates are fed.
pub(super) const TICK: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_count_has_its_rate_at_once_and_keeps_it() {
        let mut rates = Rates::default();
        for tick in 1..=100 {
            rates.tick(tick * 50);
            assert_eq!(rates.per_second().map(f64::round), [10.0; 3]);
        }
    }

    #[test]
    fn the_short_average_follows_first() {
        let mut rates = Rates::default();
        rates.tick(5_000);
        rates.tick(5_000);
        let [one, five, fifteen] = rates.per_second();
        assert!(one < five && five < fifteen && fifteen < 1_000.0);
    }

    #[test]
    fn nothing_counted_is_a_rate_of_zero() {
        assert_eq!(Rates::default().per_second(), [0.0; 3]);
    }
}
