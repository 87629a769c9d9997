//! Latencies in logarithmic buckets: constant memory, and never more than 0.8 % off.

/// Counts of durations in nanoseconds.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Box<[u64]>,
    total: u64,
    sum: u128,
    max: u64,
}

impl Histogram {
    /// A histogram of nothing.
    pub fn new() -> Self {
        Self {
            counts: vec![0; BUCKETS].into(),
            total: 0,
            sum: 0,
            max: 0,
        }
    }

    /// Counts one duration.
    pub fn record(&mut self, nanoseconds: u64) {
        if let Some(count) = self.counts.get_mut(bucket(nanoseconds)) {
            *count += 1;
        }
        self.total += 1;
        self.sum += u128::from(nanoseconds);
        self.max = self.max.max(nanoseconds);
    }

    /// How many durations were counted.
    pub fn len(&self) -> u64 {
        self.total
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The longest duration, exact, in nanoseconds.
    pub fn max(&self) -> u64 {
        self.max
    }

    /// The mean duration, exact, in nanoseconds; zero when nothing was counted.
    pub fn mean(&self) -> f64 {
        if self.is_empty() {
            0.0
        } else {
            self.sum as f64 / self.total as f64
        }
    }

    /// The smallest duration that at least this share (0 to 1) of the durations did not exceed.
    pub fn quantile(&self, share: f64) -> u64 {
        let wanted = ((self.total as f64 * share).ceil() as u64).clamp(1, self.total.max(1));
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return middle(index).min(self.max);
            }
        }
        self.max
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

/// The bucket of a duration: exact below 128 ns, then 64 buckets for each doubling.
fn bucket(nanoseconds: u64) -> usize {
    let magnitude = (u64::BITS - (nanoseconds | 1).leading_zeros()).saturating_sub(SUB_BITS + 1);
    (u64::from(magnitude) * SUBS + (nanoseconds >> magnitude)) as usize
}

/// The duration in the middle of a bucket.
fn middle(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < 2 * SUBS {
        return bucket;
    }
    let magnitude = bucket / SUBS - 1;
    ((bucket - magnitude * SUBS) << magnitude) + (1 << magnitude) / 2
}

const SUB_BITS: u32 = 6;
const SUBS: u64 = 1 << SUB_BITS;
const BUCKETS: usize = (SUBS as usize) * (u64::BITS as usize - SUB_BITS as usize + 1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_is_within_one_percent_of_its_bucket() {
        let mut value = 1_u64;
        while value < 1 << 56 {
            let back = middle(bucket(value));
            assert!(back.abs_diff(value) * 100 <= value, "{value} became {back}");
            value = value * 21 / 16 + 1;
        }
        assert!(bucket(u64::MAX) < BUCKETS);
    }

    #[test]
    fn buckets_never_go_backwards() {
        for value in 0..100_000_u64 {
            assert!(bucket(value + 1) >= bucket(value), "at {value}");
        }
    }

    #[test]
    fn quantiles_of_a_ramp_are_where_they_belong() {
        let mut ramp = Histogram::new();
        (1..=10_000_u64).for_each(|value| ramp.record(value * 1_000));
        for (share, wanted) in [(0.5, 5_000_000), (0.99, 9_900_000), (0.999, 9_990_000)] {
            let found = ramp.quantile(share);
            assert!(found.abs_diff(wanted) * 100 <= wanted, "{share}: {found}");
        }
        assert_eq!(ramp.quantile(1.0), 10_000_000);
        assert_eq!(ramp.max(), 10_000_000);
        assert!((ramp.mean() - 5_000_500.0).abs() < 0.5);
    }

    #[test]
    fn an_empty_histogram_is_all_zero() {
        let empty = Histogram::new();
        assert_eq!((empty.quantile(0.99), empty.max(), empty.len()), (0, 0, 0));
    }
}
