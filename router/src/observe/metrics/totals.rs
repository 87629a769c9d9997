//! Totals: the figures that people look at first, without a scrape.

use std::time::Duration;

use crate::core::cells::{Cells, HistogramSum};

use super::catalogue::Catalogue;
use super::labels::StatusGroup;

/// Sums over all cores since the start.
#[derive(Clone, Debug, PartialEq)]
pub struct Totals {
    /// Attempts at endpoints.
    pub requests: u64,
    /// Attempts at endpoints by component label; those that were ever touched.
    pub requests_by_component: Vec<(u16, u64)>,
    /// Answers by [`StatusGroup`], in its order.
    pub responses: [u64; 5],
    /// Requests refused before any endpoint was asked.
    pub rejected: u64,
    /// Plain 502s.
    pub bad_gateways: u64,
    /// Connections of clients that are open.
    pub client_connections: i64,
    /// The table's age as of its writer's last look, milliseconds.
    pub ms_since_last_update: i64,
    latency: HistogramSum,
    latency_bounds: Box<[u64]>,
}

impl Totals {
    pub(super) fn sum(catalogue: &Catalogue, cells: &Cells) -> Self {
        let requests = catalogue.total_requests;
        let components = (0..requests.len()).map(|label| {
            (
                u16::try_from(label).unwrap_or(u16::MAX),
                cells.sum(requests, label),
            )
        });
        let by_component: Vec<_> = components.filter(|(_, count)| *count > 0).collect();
        let groups: [usize; StatusGroup::NAMES.len()] = std::array::from_fn(|group| group);
        Self {
            requests: by_component.iter().map(|(_, count)| count).sum(),
            requests_by_component: by_component,
            responses: groups.map(|group| cells.sum(catalogue.responses, group)),
            rejected: cells.sum(catalogue.rejected_requests, 0),
            bad_gateways: cells.sum(catalogue.bad_gateways, 0),
            client_connections: cells.sum_gauge(catalogue.client_connections, 0),
            ms_since_last_update: cells.sum_gauge(catalogue.ms_since_last_update, 0),
            latency: cells.sum_histogram(&catalogue.response_seconds, 0),
            latency_bounds: catalogue.response_seconds.bounds().into(),
        }
    }

    /// How many answered exchanges had an endpoint.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.latency.count()
    }

    /// The sum of their durations.
    #[must_use]
    pub fn latency_sum(&self) -> Duration {
        Duration::try_from_secs_f64(self.latency.sum / 1e9).unwrap_or(Duration::MAX)
    }

    /// The duration that a share of them (0.0 to 1.0) stayed under, to the next bound above.
    #[must_use]
    pub fn latency_quantile(&self, share: f64) -> Duration {
        let target = share * count_as_f64(self.latency.count());
        let mut seen = 0;
        for (count, bound) in self.latency.buckets.iter().zip(&self.latency_bounds) {
            seen += count;
            if *count > 0 && count_as_f64(seen) >= target {
                return Duration::from_nanos(*bound);
            }
        }
        let above_all = self.latency.count() > 0;
        let last = self.latency_bounds.last().filter(|_| above_all);
        last.map_or(Duration::ZERO, |bound| Duration::from_nanos(*bound))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a quantile needs no 53rd bit")]
fn count_as_f64(count: u64) -> f64 {
    count as f64
}
