//! Figures: what the router did between two looks at its metrics.

use std::time::Duration;

/// The router's counters at one moment, read from its Prometheus text.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Counters {
    /// Answers by how long they took: upper bound in seconds, answers at or below it.
    buckets: Vec<(f64, u64)>,
    failures: u64,
    connections: u64,
}

/// What a person wants to know of the last interval.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Figures {
    /// Answers per second.
    pub(super) rate: f64,
    /// Half of the answers took at most this long; `None` when there was none.
    pub(super) p50: Option<Duration>,
    /// 99 of 100 answers took at most this long.
    pub(super) p99: Option<Duration>,
    /// Answers with a status of 500 or more, since the router began.
    pub(super) failures: u64,
    /// Client connections that are open.
    pub(super) connections: u64,
    /// The router's resident memory.
    pub(super) rss_bytes: Option<u64>,
}

impl Counters {
    /// Reads what we know of a Prometheus text; what is missing counts as nothing.
    pub(super) fn parse(text: &str) -> Self {
        let mut counters = Self::default();
        for sample in text.lines().filter_map(Sample::parse) {
            counters.add(&sample);
        }
        counters
            .buckets
            .sort_by(|(one, _), (other, _)| one.total_cmp(other));
        counters
    }

    fn add(&mut self, sample: &Sample<'_>) {
        match sample.name {
            "switchyard_response_seconds_bucket" => {
                let Some(bound) = sample.label("le").and_then(bound) else {
                    return;
                };
                // A histogram with labels is several series; their sum is what we show.
                match self.buckets.iter_mut().find(|(other, _)| *other == bound) {
                    Some((_, count)) => *count += sample.count(),
                    None => self.buckets.push((bound, sample.count())),
                }
            }
            "responses" if sample.label("status_group") == Some("5xx") => {
                self.failures += sample.count();
            }
            "switchyard_client_connections" => self.connections += sample.count(),
            _ => {}
        }
    }

    /// What happened since `before`, `elapsed` ago.
    pub(super) fn since(
        &self,
        before: &Self,
        elapsed: Duration,
        rss_bytes: Option<u64>,
    ) -> Figures {
        let interval = self.minus(before);
        let answers = interval.last().map_or(0, |(_, count)| *count);
        let seconds = elapsed.as_secs_f64();
        Figures {
            rate: if seconds > 0.0 {
                answers as f64 / seconds
            } else {
                0.0
            },
            p50: quantile(&interval, 0.50),
            p99: quantile(&interval, 0.99),
            failures: self.failures,
            connections: self.connections,
            rss_bytes,
        }
    }

    /// Our buckets less those of `before`; all of ours when the router began anew in between.
    fn minus(&self, before: &Self) -> Vec<(f64, u64)> {
        let comparable = self.buckets.len() == before.buckets.len();
        let pairs = self.buckets.iter().zip(&before.buckets);
        let grown = comparable && pairs.clone().all(|((_, now), (_, then))| now >= then);
        if !grown {
            return self.buckets.clone();
        }
        pairs
            .map(|((bound, now), (_, then))| (*bound, now - then))
            .collect()
    }
}

/// The `q`-quantile of cumulative buckets, linear inside the bucket that holds it.
///
/// What lies beyond the last finite bound is reported as that bound, as Prometheus does.
fn quantile(buckets: &[(f64, u64)], q: f64) -> Option<Duration> {
    let total = buckets
        .last()
        .map(|(_, count)| *count)
        .filter(|count| *count > 0)?;
    let rank = q * total as f64;
    let (mut lower, mut below) = (0.0, 0);
    for (upper, count) in buckets {
        if *count as f64 >= rank && *count > below {
            if upper.is_infinite() {
                break;
            }
            let inside = (rank - below as f64) / (count - below) as f64;
            lower += (upper - lower) * inside.clamp(0.0, 1.0);
            break;
        }
        if upper.is_finite() {
            lower = *upper;
        }
        below = *count;
    }
    Duration::try_from_secs_f64(lower).ok()
}

/// One line of a Prometheus text: `name{label="value",…} number`.
struct Sample<'a> {
    name: &'a str,
    labels: &'a str,
    value: f64,
}

impl<'a> Sample<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        if line.starts_with('#') {
            return None;
        }
        let (name, labels, rest) = match line.split_once('{') {
            Some((name, rest)) => {
                let (labels, rest) = rest.rsplit_once('}')?;
                (name, labels, rest)
            }
            None => {
                let (name, rest) = line.split_once(' ')?;
                (name, "", rest)
            }
        };
        let value = rest.split_ascii_whitespace().next()?.parse().ok()?;
        Some(Self {
            name: name.trim_end(),
            labels,
            value,
        })
    }

    /// The value of a label; the values that we look at never hold a comma or a quote.
    fn label(&self, name: &str) -> Option<&'a str> {
        self.labels.split(',').find_map(|pair| {
            let value = pair.trim().strip_prefix(name)?.strip_prefix("=\"")?;
            value.strip_suffix('"')
        })
    }

    fn count(&self) -> u64 {
        // A cast saturates: a negative or absurd value becomes a bound, never a panic.
        self.value as u64
    }
}

fn bound(text: &str) -> Option<f64> {
    match text {
        "+Inf" => Some(f64::INFINITY),
        finite => finite.parse().ok(),
    }
}

/// The resident memory of a process in bytes, from the text of /proc/PID/status.
pub(super) fn resident_bytes(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EARLIER: &str = "\
# HELP switchyard_response_seconds how long
# TYPE switchyard_response_seconds histogram
switchyard_response_seconds_bucket{le=\"0.001\"} 100
switchyard_response_seconds_bucket{le=\"0.002\"} 100
switchyard_response_seconds_bucket{le=\"+Inf\"} 100
switchyard_response_seconds_sum 0.05
switchyard_response_seconds_count 100
responses{status_group=\"2xx\"} 100
responses{status_group=\"5xx\"} 1
switchyard_client_connections 3
";
    const LATER: &str = "\
switchyard_response_seconds_bucket{le=\"0.001\"} 150
switchyard_response_seconds_bucket{le=\"0.002\"} 200
switchyard_response_seconds_bucket{le=\"+Inf\"} 200
responses{status_group=\"5xx\"} 4
switchyard_client_connections 64
";

    fn between() -> Figures {
        let (then, now) = (Counters::parse(EARLIER), Counters::parse(LATER));
        now.since(&then, Duration::from_secs(2), Some(1024))
    }

    #[test]
    fn the_rate_is_of_the_interval_alone() {
        assert!((between().rate - 50.0).abs() < 1e-9);
    }

    #[test]
    fn percentiles_are_of_the_interval_alone() {
        let figures = between();
        assert_eq!(figures.p50, Some(Duration::from_micros(1000)));
        assert_eq!(figures.p99, Some(Duration::from_micros(1980)));
    }

    #[test]
    fn failures_and_connections_are_totals() {
        let figures = between();
        assert_eq!((figures.failures, figures.connections), (4, 64));
    }

    #[test]
    fn an_idle_interval_has_no_percentiles() {
        let counters = Counters::parse(LATER);
        let figures = counters.since(&counters, Duration::from_secs(1), None);
        assert_eq!((figures.p50, figures.p99), (None, None));
        assert_eq!(figures.rate, 0.0);
    }

    #[test]
    fn a_router_that_began_anew_counts_from_nothing() {
        let (then, now) = (Counters::parse(LATER), Counters::parse(EARLIER));
        let figures = now.since(&then, Duration::from_secs(1), None);
        assert!((figures.rate - 100.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_beyond_the_last_bound_is_reported_as_that_bound() {
        let buckets = [(0.5, 0), (f64::INFINITY, 10)];
        assert_eq!(quantile(&buckets, 0.5), Some(Duration::from_millis(500)));
    }

    #[test]
    fn series_of_one_histogram_are_summed() {
        let text = "switchyard_response_seconds_bucket{kind=\"a\",le=\"1\"} 2\n\
                    switchyard_response_seconds_bucket{kind=\"b\",le=\"1\"} 3\n";
        assert_eq!(Counters::parse(text).buckets, [(1.0, 5)]);
    }

    #[test]
    fn broken_lines_are_passed_over() {
        let text = "responses{status_group=\"5xx\"\nresponses\nresponses{status_group=\"5xx\"} x\n\n{} 1\n";
        assert_eq!(Counters::parse(text), Counters::default());
    }

    #[test]
    fn resident_memory_is_read_in_kib() {
        let status = "Name:\trouter\nVmRSS:\t   14336 kB\nThreads:\t3\n";
        assert_eq!(resident_bytes(status), Some(14_680_064));
    }
}
