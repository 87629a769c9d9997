//! Medians, paired ratios and how far they can be trusted.

/// A ratio with the interval that holds it in 95 of 100 cases.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Interval {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// The middle value; NaN when there is none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (sorted.get(middle.wrapping_sub(1)), sorted.get(middle)) {
        (Some(below), Some(above)) if sorted.len().is_multiple_of(2) => {
            f64::midpoint(*below, *above)
        }
        (_, Some(value)) => *value,
        _ => f64::NAN,
    }
}

/// The median of `ours[i] / theirs[i]` with a bootstrap interval of 95 %.
///
/// The pairs come from one round each, so what disturbs a whole round cancels out. Logarithms make a ratio and its
/// inverse weigh the same.
pub(crate) fn paired_ratio(ours: &[f64], theirs: &[f64]) -> Interval {
    let logs: Vec<f64> = ours
        .iter()
        .zip(theirs)
        .map(|(a, b)| (a / b).ln())
        .filter(|log| log.is_finite())
        .collect();
    let (low, high) = bootstrap(&logs);
    Interval {
        median: median(&logs).exp(),
        low: low.exp(),
        high: high.exp(),
    }
}

/// The distance between the largest and the smallest value, as a share of the median.
pub(crate) fn spread(values: &[f64]) -> f64 {
    let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let smallest = values.iter().copied().fold(f64::INFINITY, f64::min);
    (largest - smallest) / median(values)
}

/// Rounds in which no control was further than `limit` (a share) from its own median.
pub(crate) fn steady_rounds(controls: &[&[f64]], limit: f64) -> Vec<usize> {
    let rounds = controls
        .iter()
        .map(|values| values.len())
        .min()
        .unwrap_or(0);
    let is_steady = |round: &usize| {
        controls.iter().all(|values| {
            let middle = median(values);
            values
                .get(*round)
                .is_some_and(|value| (value / middle - 1.0).abs() <= limit)
        })
    };
    (0..rounds).filter(is_steady).collect()
}

fn bootstrap(values: &[f64]) -> (f64, f64) {
    // A fixed seed: the same measurements always give the same interval.
    let mut random = SplitMix(0x5177_C47A_4D00_0001);
    let mut medians: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let sample: Vec<f64> = values
                .iter()
                .filter_map(|_| values.get(random.below(values.len())).copied())
                .collect();
            median(&sample)
        })
        .collect();
    medians.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let index = (share * (RESAMPLES - 1) as f64).round() as usize;
        medians.get(index).copied().unwrap_or(f64::NAN)
    };
    (at(0.025), at(0.975))
}

/// A small generator of random numbers; good enough to draw samples.
struct SplitMix(u64);

impl SplitMix {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % limit.max(1) as u64) as usize
    }
}

const RESAMPLES: usize = 4_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn a_slow_round_slows_both_and_changes_nothing() {
        let theirs = [100.0, 50.0, 100.0, 80.0, 100.0];
        let ours: Vec<f64> = theirs.iter().map(|value| value * 1.25).collect();
        let ratio = paired_ratio(&ours, &theirs);
        assert!((ratio.median - 1.25).abs() < 1e-9);
        assert!((ratio.low - 1.25).abs() < 1e-9 && (ratio.high - 1.25).abs() < 1e-9);
    }

    #[test]
    fn a_ratio_and_its_inverse_agree() {
        let (ours, theirs) = ([1.0, 2.0, 3.0, 5.0], [1.1, 1.9, 2.5, 5.5]);
        let (there, back) = (paired_ratio(&ours, &theirs), paired_ratio(&theirs, &ours));
        assert!((there.median * back.median - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_interval_holds_the_median_and_is_always_the_same() {
        let ours = [1.0, 1.3, 1.1, 0.9, 1.2, 1.05, 1.15];
        let theirs = [1.0; 7];
        let ratio = paired_ratio(&ours, &theirs);
        assert!(
            ratio.low < ratio.median && ratio.median < ratio.high,
            "{ratio:?}"
        );
        assert!(ratio.low >= 0.9 && ratio.high <= 1.3, "{ratio:?}");
        assert_eq!(ratio, paired_ratio(&ours, &theirs));
    }

    #[test]
    fn a_round_in_which_a_control_moved_is_not_steady() {
        let nginx = [100.0, 101.0, 70.0, 99.0];
        let haproxy = [50.0, 60.0, 50.0, 50.0];
        assert_eq!(steady_rounds(&[&nginx, &haproxy], 0.1), [0, 3]);
    }

    #[test]
    fn spread_is_a_share_of_the_median() {
        assert!((spread(&[90.0, 100.0, 110.0]) - 0.2).abs() < 1e-9);
    }
}
