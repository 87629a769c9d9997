//! Buckets of the histograms.

use super::error::Report;
use super::file::File;
use super::read::{At, Field};

/// Upper bounds of histogram buckets, finite and ascending.
#[derive(Clone, Debug, PartialEq)]
pub struct Buckets {
    /// `prometheus.meters.gorouter_time_histogram_buckets` (default `1` to `1000`): of `gorouter_time`, and of `latency` as gorouter has it.
    pub gorouter_time_histogram_buckets: Vec<f64>,
    /// `prometheus.meters.http_latency_histogram_buckets` (default `0.1` to `25.6`): of `http_latency_seconds`, seconds.
    pub http_latency_histogram_buckets: Vec<f64>,
    /// `prometheus.meters.route_lookup_time_histogram_buckets` (default `10000` to `100000`): of `route_lookup_time`, nanoseconds.
    pub route_lookup_time_histogram_buckets: Vec<f64>,
    /// `prometheus.meters.route_registration_latency_histogram_buckets` (default `0.1` to `4`): of `route_registration_latency`, milliseconds.
    pub route_registration_latency_histogram_buckets: Vec<f64>,
    /// `prometheus.meters.routing_response_latency_histogram_buckets` (default `1` to `1000`): of `latency`, milliseconds.
    pub routing_response_latency_histogram_buckets: Vec<f64>,
}

impl Default for Buckets {
    fn default() -> Self {
        let time = [
            1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 20.0, 40.0, 50.0, 100.0, 500.0, 1000.0,
        ];
        Self {
            gorouter_time_histogram_buckets: time.to_vec(),
            http_latency_histogram_buckets: vec![0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6],
            route_lookup_time_histogram_buckets: (1..=10)
                .map(|n| f64::from(n) * 10_000.0)
                .collect(),
            route_registration_latency_histogram_buckets: vec![
                0.1, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0,
            ],
            routing_response_latency_histogram_buckets: time.to_vec(),
        }
    }
}

impl Buckets {
    pub(super) fn resolve(file: &File, report: &mut Report) -> Self {
        let default = Self::default();
        let meters = file.prometheus.clone().or_empty().meters.or_empty();
        let mut bounds =
            |field, name: &str, default| bounds(field, name, report).unwrap_or(default);
        Self {
            gorouter_time_histogram_buckets: bounds(
                meters.gorouter_time_histogram_buckets,
                "gorouter_time",
                default.gorouter_time_histogram_buckets,
            ),
            http_latency_histogram_buckets: bounds(
                meters.http_latency_histogram_buckets,
                "http_latency",
                default.http_latency_histogram_buckets,
            ),
            route_lookup_time_histogram_buckets: bounds(
                meters.route_lookup_time_histogram_buckets,
                "route_lookup_time",
                default.route_lookup_time_histogram_buckets,
            ),
            route_registration_latency_histogram_buckets: bounds(
                meters.route_registration_latency_histogram_buckets,
                "route_registration_latency",
                default.route_registration_latency_histogram_buckets,
            ),
            routing_response_latency_histogram_buckets: bounds(
                meters.routing_response_latency_histogram_buckets,
                "routing_response_latency",
                default.routing_response_latency_histogram_buckets,
            ),
        }
    }
}

/// The bounds of one histogram; an empty list means the default.
fn bounds(field: Option<At<Vec<f64>>>, name: &str, report: &mut Report) -> Option<Vec<f64>> {
    let at = field.filter(|at| !at.value.is_empty())?;
    if !at.value.is_sorted_by(|a, b| a < b) {
        let key = format!("prometheus.meters.{name}_histogram_buckets");
        report.error(at.place, format!("`{key}` must ascend"));
    }
    Some(at.value)
}
