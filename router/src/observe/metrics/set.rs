//! Set: all numbers of one router, who touches which, and how they are read.

use std::sync::Arc;

use prometheus::{Encoder, IntCounterVec, Opts, Registry, TextEncoder};

use crate::config::ObserveConfig;
use crate::core::cells::{Cells, CoreCounter, Layout};

use super::catalogue::Catalogue;
use super::collector::CellsCollector;
use super::{ComponentLabels, RegistryMetrics, RequestMetrics, Totals, process};

/// Every number of the router, and the registry that names them.
#[derive(Debug)]
pub struct Metrics {
    catalogue: Catalogue,
    cells: Cells,
    workers: usize,
    components: Arc<ComponentLabels>,
    registry: Registry,
    scrape_errors: IntCounterVec,
}

impl Metrics {
    /// Makes the cells of `workers` workers and of the control thread, all zero.
    ///
    /// # Errors
    ///
    /// Fails when two families have one name, which is a mistake of ours that the tests find.
    pub fn new(workers: usize, config: &ObserveConfig) -> prometheus::Result<Self> {
        let mut layout = Layout::new();
        let catalogue = Catalogue::reserve(&mut layout, config);
        let cells = Cells::new(&layout, workers + 1);
        let components = Arc::new(ComponentLabels::new());
        let registry = Registry::new();
        let families = catalogue.families();
        let cells_collector = CellsCollector::new(families, &cells, &components)?;
        registry.register(Box::new(cells_collector))?;
        registry.register(Box::new(process::file_descriptors()?))?;
        let scrape_errors = scrape_errors()?;
        registry.register(Box::new(scrape_errors.clone()))?;
        Ok(Self {
            catalogue,
            cells,
            workers,
            components,
            registry,
            scrape_errors,
        })
    }

    /// The numbers that worker `n` (from 0) touches. Made once per worker, by its thread or for it.
    #[must_use]
    pub fn worker(&self, n: usize) -> RequestMetrics {
        RequestMetrics::new(&self.catalogue, &self.cells.core(n))
    }

    /// Counts the access-log lines that worker `n` (from 0) had to drop.
    #[must_use]
    pub fn access_log_drops(&self, n: usize) -> CoreCounter {
        self.cells
            .core(n)
            .counter(self.catalogue.access_log_dropped)
    }

    /// The numbers that the control thread touches. Made once.
    #[must_use]
    pub fn registry_metrics(&self) -> RegistryMetrics {
        RegistryMetrics::new(&self.catalogue, &self.cells.core(self.workers))
    }

    /// The names of components that have registered.
    #[must_use]
    pub fn components(&self) -> Arc<ComponentLabels> {
        Arc::clone(&self.components)
    }
}

impl Metrics {
    /// Appends all families in Prometheus' text format.
    ///
    /// # Errors
    ///
    /// Fails when a family cannot be written as text; that is counted too.
    pub fn render(&self, out: &mut Vec<u8>) -> prometheus::Result<()> {
        let rendered = TextEncoder::new().encode(&self.registry.gather(), out);
        if rendered.is_err() {
            self.scrape_errors.with_label_values(&["encoding"]).inc();
        }
        rendered
    }

    /// The figures that people look at first.
    #[must_use]
    pub fn totals(&self) -> Totals {
        Totals::sum(&self.catalogue, &self.cells)
    }
}

// compat: Go's HTTP handler for metrics brings this family with it, zero from the start.
fn scrape_errors() -> prometheus::Result<IntCounterVec> {
    let help = "Total number of internal errors encountered by the promhttp metric handler.";
    let opts = Opts::new("promhttp_metric_handler_errors_total", help);
    let errors = IntCounterVec::new(opts, &["cause"])?;
    for cause in ["encoding", "gathering"] {
        errors.with_label_values(&[cause]).inc_by(0);
    }
    Ok(errors)
}
