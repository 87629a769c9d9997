//! Metrics: what Prometheus scrapes.

use hyper::StatusCode;

use crate::observe::metrics::Metrics;

use super::page::{self, Page};

/// `/metrics` in the text format.
pub(super) fn metrics(metrics: &Metrics) -> Page {
    let mut text = Vec::with_capacity(16 << 10);
    match metrics.render(&mut text) {
        Ok(()) => page::whole("text/plain; version=0.0.4; charset=utf-8", text),
        Err(error) => {
            tracing::error!(%error, "metrics-not-rendered");
            page::empty(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}
