//! What one run of the generator found.

use serde::{Deserialize, Serialize};

use crate::histogram::Histogram;

/// The figures of one measured window.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Report {
    /// Connections that the load was spread over.
    pub connections: usize,
    /// Length of the window in seconds.
    pub seconds: f64,
    /// Answers that arrived inside the window, of any status.
    pub requests: u64,
    /// Answers for each second.
    pub rate: f64,
    /// Bytes of the answers' bodies.
    pub body_bytes: u64,
    /// What went wrong, from the first connection on, warm-up included.
    pub errors: Errors,
    /// How long the answers took.
    pub latency: Latency,
}

/// Counts of what must not happen in a run that is worth anything.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Errors {
    /// Connections that were refused, reset, or closed before an answer was complete.
    pub connection: u64,
    /// Answers whose status was not 2xx.
    pub status: u64,
    /// Requests of an open loop that had no answer when the time for it was over.
    pub unfinished: u64,
}

/// Quantiles in nanoseconds.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Latency {
    /// The mean.
    pub mean: f64,
    /// The median.
    pub p50: u64,
    /// Nine of ten are faster.
    pub p90: u64,
    /// 99 of 100 are faster.
    pub p99: u64,
    /// 999 of 1000 are faster.
    pub p999: u64,
    /// The slowest.
    pub max: u64,
}

impl Errors {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.connection + self.status + self.unfinished
    }
}

impl From<&Histogram> for Latency {
    fn from(histogram: &Histogram) -> Self {
        Self {
            mean: histogram.mean(),
            p50: histogram.quantile(0.5),
            p90: histogram.quantile(0.9),
            p99: histogram.quantile(0.99),
            p999: histogram.quantile(0.999),
            max: histogram.max(),
        }
    }
}
