//! The rows of a comparison, and what they say together.

use serde::{Deserialize, Deserializer, Serialize};

use crate::floors::{Floor, Verdict};
use crate::stats::Interval;

/// What one scenario found.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Results {
    pub(crate) ratios: Vec<Ratio>,
    pub(crate) figures: Vec<Figure>,
    /// Why it could not be measured, or not to its end.
    pub(crate) failures: Vec<String>,
    /// What a reader must know.
    pub(crate) notes: Vec<String>,
}

/// The subject beside another contestant.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Ratio {
    pub(crate) scenario: String,
    pub(crate) metric: String,
    pub(crate) subject: String,
    pub(crate) against: String,
    #[serde(deserialize_with = "or_nan")]
    pub(crate) median: f64,
    /// Ends of the 95 % interval.
    #[serde(deserialize_with = "or_nan")]
    pub(crate) low: f64,
    #[serde(deserialize_with = "or_nan")]
    pub(crate) high: f64,
    /// Rounds that were steady, of all.
    pub(crate) rounds: (usize, usize),
    pub(crate) floor: Option<Floor>,
    pub(crate) verdict: Verdict,
}

/// One value of one contestant.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Figure {
    pub(crate) scenario: String,
    pub(crate) contestant: String,
    pub(crate) metric: String,
    pub(crate) unit: String,
    #[serde(deserialize_with = "or_nan")]
    pub(crate) value: f64,
    /// Largest minus smallest over the rounds, as a share of the median.
    pub(crate) spread: Option<f64>,
    pub(crate) floor: Option<Floor>,
    pub(crate) verdict: Verdict,
}

impl Ratio {
    /// A row without a value. `rounds` are those that were steady, and all.
    pub(crate) fn new(
        (scenario, metric): (&str, &str),
        (subject, against): (&str, &str),
        rounds: (usize, usize),
    ) -> Self {
        Self {
            scenario: scenario.to_owned(),
            metric: metric.to_owned(),
            subject: subject.to_owned(),
            against: against.to_owned(),
            median: f64::NAN,
            low: f64::NAN,
            high: f64::NAN,
            rounds,
            floor: None,
            verdict: Verdict::Told,
        }
    }

    /// Sets the interval and judges it.
    pub(crate) fn judged(mut self, found: Interval, floor: Option<Floor>) -> Self {
        (self.median, self.low, self.high) = (found.median, found.low, found.high);
        self.floor = floor;
        self.verdict = floor.map_or(Verdict::Told, |floor| floor.judge(found));
        self
    }
}

impl Figure {
    /// A figure that is only told.
    pub(crate) fn told(
        (scenario, contestant): (&str, &str),
        metric: &str,
        unit: &str,
        value: f64,
    ) -> Self {
        let (scenario, contestant) = (scenario.to_owned(), contestant.to_owned());
        let (metric, unit) = (metric.to_owned(), unit.to_owned());
        let (spread, floor, verdict) = (None, None, Verdict::Told);
        Self {
            scenario,
            contestant,
            metric,
            unit,
            value,
            spread,
            floor,
            verdict,
        }
    }

    /// The same with a floor.
    pub(crate) fn with_floor(mut self, floor: Option<Floor>) -> Self {
        self.floor = floor;
        self.verdict = floor.map_or(Verdict::Told, |floor| floor.judge_figure(self.value));
        self
    }

    /// The same with the spread over its rounds.
    pub(crate) fn with_spread(mut self, spread: f64) -> Self {
        self.spread = Some(spread);
        self
    }
}

impl Results {
    /// Every floor that was missed or could not be judged, in words.
    pub(crate) fn misses(&self) -> Vec<String> {
        let ratios = self.ratios.iter().filter(|row| is_miss(row.verdict)).map(|row| {
            let floor = row.floor.map_or_else(String::new, |floor| floor.to_string());
            let Ratio { scenario, metric, against, median, low, high, .. } = row;
            format!(
                "{scenario}: {metric} against {against} is {median:.3} [{low:.3}, {high:.3}], floor {floor}{}",
                void(row.verdict)
            )
        });
        let figures = self
            .figures
            .iter()
            .filter(|row| is_miss(row.verdict))
            .map(|row| {
                let floor = row
                    .floor
                    .map_or_else(String::new, |floor| floor.to_string());
                let Figure {
                    scenario,
                    metric,
                    value,
                    unit,
                    ..
                } = row;
                format!(
                    "{scenario}: {metric} is {value:.3} {unit}, floor {floor}{}",
                    void(row.verdict)
                )
            });
        ratios
            .chain(figures)
            .chain(self.failures.iter().cloned())
            .collect()
    }
}

/// JSON has no word for a value that is no number; it is written as null.
fn or_nan<'de, D: Deserializer<'de>>(value: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(value)?.unwrap_or(f64::NAN))
}

fn is_miss(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Missed | Verdict::Void)
}

fn void(verdict: Verdict) -> &'static str {
    if verdict == Verdict::Void {
        " (void: the controls moved too much)"
    } else {
        ""
    }
}

#[cfg(test)]
pub(super) mod sample {
    use super::*;

    pub(crate) fn results() -> Results {
        let ratio = |against: &str, median: f64, floor| {
            let found = Interval {
                median,
                low: median - 0.05,
                high: median + 0.05,
            };
            ratio_row("small-64-logs-on", against).judged(found, floor)
        };
        let figure = Figure::told(
            ("syscalls", "switchyard"),
            "system calls per request",
            "",
            4.31,
        );
        Results {
            ratios: vec![
                ratio("nginx", 1.31, Some(Floor::AtLeast(1.2))),
                ratio("haproxy", 1.11, Some(Floor::AtLeast(1.25))),
            ],
            figures: vec![figure.with_floor(Some(Floor::AtMost(4.5)))],
            failures: vec![],
            notes: vec!["a note".into()],
        }
    }

    fn ratio_row(scenario: &str, against: &str) -> Ratio {
        let metric = "requests per CPU-second";
        Ratio::new((scenario, metric), ("switchyard", against), (3, 3))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_floor_is_named_with_its_figures() {
        let misses = sample::results().misses();
        assert_eq!(misses.len(), 1, "{misses:?}");
        assert!(misses[0].contains("small-64-logs-on") && misses[0].contains("haproxy"));
        assert!(
            misses[0].contains("1.110 [1.060, 1.160], floor ≥ 1.25"),
            "{misses:?}"
        );
    }

    #[test]
    fn a_scenario_that_failed_is_a_miss() {
        let mut results = sample::results();
        results.failures.push("churn: no worker threads".into());
        assert_eq!(results.misses().len(), 2);
    }

    #[test]
    fn rows_are_read_as_they_were_written() {
        let mut results = sample::results();
        results.ratios[0].low = f64::NAN;
        let json = serde_json::to_string(&results).unwrap();
        let read: Results = serde_json::from_str(&json).unwrap();
        assert!(read.ratios[0].low.is_nan());
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
    }
}
