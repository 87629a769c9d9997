//! The floors: what the router owes, and whether it was given.

use serde::{Deserialize, Serialize};

use crate::contestant::Logs;
use crate::stats::Interval;

/// A bound that a figure or a ratio must keep.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Floor {
    /// The value itself must reach this.
    AtLeast(f64),
    /// The value itself must not pass this.
    AtMost(f64),
    /// A ratio of times that may be 1, or not told apart from 1.
    NotWorse,
}

/// What came of a floor.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// There is none; the value is only told.
    Told,
    /// It was kept.
    Kept,
    /// It was missed.
    Missed,
    /// The controls moved too much for a judgement.
    Void,
}

impl Floor {
    /// Judges a ratio by its median; [`Floor::NotWorse`] also asks whether the interval excludes 1.
    pub(crate) fn judge(self, value: Interval) -> Verdict {
        let kept = match self {
            Self::AtLeast(bound) => value.median >= bound,
            Self::AtMost(bound) => value.median <= bound,
            Self::NotWorse => value.median <= 1.0 || value.low <= 1.0,
        };
        // A median that is no number keeps nothing.
        if kept { Verdict::Kept } else { Verdict::Missed }
    }

    /// Judges a single figure.
    pub(crate) fn judge_figure(self, value: f64) -> Verdict {
        self.judge(Interval {
            median: value,
            low: value,
            high: value,
        })
    }
}

impl std::fmt::Display for Floor {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtLeast(bound) => write!(out, "≥ {bound}"),
            Self::AtMost(bound) => write!(out, "≤ {bound}"),
            Self::NotWorse => write!(out, "≤ 1, or not told apart"),
        }
    }
}

/// What the router owes against a contestant, in requests for each CPU-second with small bodies.
pub(crate) fn small(logs: Logs, against: &str) -> Option<Floor> {
    match (logs, against) {
        (Logs::On, "nginx") => Some(Floor::AtLeast(1.2)),
        (Logs::On, "haproxy") => Some(Floor::AtLeast(1.25)),
        (Logs::Off, "nginx") => Some(Floor::AtLeast(1.15)),
        (Logs::Off, "haproxy") => Some(Floor::AtLeast(1.2)),
        (Logs::Off, "null") => Some(Floor::AtLeast(0.85)),
        (Logs::On | Logs::Off, _) => None,
    }
}

/// The same with bodies of 64 KiB and more.
pub(crate) fn large(against: &str) -> Option<Floor> {
    match against {
        "nginx" => Some(Floor::AtLeast(1.3)),
        "haproxy" => Some(Floor::AtLeast(1.0)),
        _ => None,
    }
}

/// System calls for each request at 64 connections.
pub(crate) const SYSCALLS: Floor = Floor::AtMost(4.5);
/// Heap allocations for each request; what remains below this is the rest of the process.
pub(crate) const ALLOCATIONS: Floor = Floor::AtMost(0.005);
/// Megabytes for 10 000 idle connections.
pub(crate) const IDLE_MEGABYTES: Floor = Floor::AtMost(25.0);
/// Megabytes of growth while one very long body passes.
pub(crate) const STREAM_MEGABYTES: Floor = Floor::AtMost(2.0);
/// Requests for each CPU-second of the workers, under changes of the table against without.
pub(crate) const CHURN: Floor = Floor::AtLeast(0.98);
/// Share of one core that the control thread may use under changes of the table, in percent.
pub(crate) const CHURN_CONTROL_PERCENT: Floor = Floor::AtMost(8.0);
/// Seconds until a million routes are in the table.
pub(crate) const LOAD_SECONDS: Floor = Floor::AtMost(10.0);
/// Bytes for each of them, endpoint included.
pub(crate) const ROUTE_BYTES: Floor = Floor::AtMost(400.0);

/// Milliseconds from an announcement to its first answer, and from a withdrawal to the first 404, p99.
pub(crate) const VISIBLE_MILLIS: Floor = Floor::AtMost(10.0);

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(low: f64, median: f64, high: f64) -> Interval {
        Interval { median, low, high }
    }

    #[test]
    fn a_floor_is_judged_by_the_median() {
        assert_eq!(
            Floor::AtLeast(1.2).judge(interval(1.1, 1.2, 1.3)),
            Verdict::Kept
        );
        assert_eq!(
            Floor::AtLeast(1.2).judge(interval(1.1, 1.19, 1.3)),
            Verdict::Missed
        );
        assert_eq!(Floor::AtMost(4.5).judge_figure(4.6), Verdict::Missed);
    }

    #[test]
    fn a_time_that_cannot_be_told_apart_is_not_worse() {
        assert_eq!(
            Floor::NotWorse.judge(interval(0.97, 1.04, 1.2)),
            Verdict::Kept
        );
        assert_eq!(
            Floor::NotWorse.judge(interval(1.01, 1.04, 1.2)),
            Verdict::Missed
        );
    }

    #[test]
    fn what_was_not_measured_keeps_nothing() {
        assert_eq!(Floor::AtLeast(1.0).judge_figure(f64::NAN), Verdict::Missed);
        assert_eq!(Floor::AtMost(1.0).judge_figure(f64::NAN), Verdict::Missed);
    }

    #[test]
    fn the_null_forwarder_is_a_bound_only_without_logs() {
        assert_eq!(small(Logs::On, "null"), None);
        assert_eq!(small(Logs::Off, "null"), Some(Floor::AtLeast(0.85)));
    }
}
