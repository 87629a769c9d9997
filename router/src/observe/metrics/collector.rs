//! Collector: turns cells into `prometheus` families when somebody scrapes.

use std::collections::HashMap;
use std::sync::Arc;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{
    Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType,
};

use crate::core::cells::{Cells, HistogramSlots, HistogramSum, Slots};

use super::labels::{ComponentLabels, RegistryAction};

/// One name, and the numbers behind it.
#[derive(Debug)]
pub(super) struct Family {
    name: &'static str,
    help: &'static str,
    labels: Labels,
    value: Value,
}

/// How the numbers of a family are told apart.
#[derive(Clone, Copy, Debug)]
pub(super) enum Labels {
    /// There is only one.
    None,
    /// By the values of one label that are known beforehand; all are exposed from the start.
    Fixed(&'static str, &'static [&'static str]),
    /// By the endpoint's component; only those that were ever touched are exposed.
    Component,
    /// By component and registry action.
    ComponentAndAction,
}

/// Where the numbers are, and of which type.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Counter(Slots),
    Gauge(Slots),
    /// Kept in nanoseconds, exposed in a unit of so many nanoseconds.
    Histogram {
        slots: HistogramSlots,
        unit: f64,
    },
}

impl Family {
    pub(super) fn new(name: &'static str, help: &'static str, value: Value) -> Self {
        Self {
            name,
            help,
            labels: Labels::None,
            value,
        }
    }

    pub(super) fn by(self, labels: Labels) -> Self {
        Self { labels, ..self }
    }

    fn desc(&self) -> prometheus::Result<Desc> {
        let labels = match self.labels {
            Labels::None => vec![],
            Labels::Fixed(name, _) => vec![name.to_owned()],
            Labels::Component => vec![COMPONENT.to_owned()],
            Labels::ComponentAndAction => vec![ACTION.to_owned(), COMPONENT.to_owned()],
        };
        Desc::new(
            self.name.to_owned(),
            self.help.to_owned(),
            labels,
            HashMap::new(),
        )
    }
}

/// Sums the cells of all cores for each family.
#[derive(Debug)]
pub(super) struct CellsCollector {
    families: Vec<(Desc, Family)>,
    cells: Cells,
    components: Arc<ComponentLabels>,
}

impl CellsCollector {
    /// # Errors
    ///
    /// Fails when a family has an impossible name.
    pub(super) fn new(
        families: Vec<Family>,
        cells: &Cells,
        components: &Arc<ComponentLabels>,
    ) -> prometheus::Result<Self> {
        let families = families
            .into_iter()
            .map(|family| Ok((family.desc()?, family)));
        Ok(Self {
            families: families.collect::<prometheus::Result<_>>()?,
            cells: cells.clone(),
            components: Arc::clone(components),
        })
    }

    fn family(&self, family: &Family) -> MetricFamily {
        let mut exposed = MetricFamily::default();
        exposed.set_name(family.name.to_owned());
        exposed.set_help(family.help.to_owned());
        exposed.set_field_type(match family.value {
            Value::Counter(_) => MetricType::COUNTER,
            Value::Gauge(_) => MetricType::GAUGE,
            Value::Histogram { .. } => MetricType::HISTOGRAM,
        });
        exposed.set_metric(self.series(family));
        exposed
    }

    fn series(&self, family: &Family) -> Vec<Metric> {
        let number = |label| self.metric(&family.value, label);
        match family.labels {
            Labels::None => vec![number(0).metric],
            Labels::Fixed(name, values) => {
                let labelled = values.iter().enumerate();
                labelled
                    .map(|(n, value)| number(n).labelled([pair(name, value)]))
                    .collect()
            }
            Labels::Component => self
                .touched(&family.value)
                .map(|(label, touched)| touched.labelled([pair(COMPONENT, &self.name(label))]))
                .collect(),
            Labels::ComponentAndAction => {
                let actions = RegistryAction::NAMES.len();
                let touched = self.touched(&family.value);
                let named = touched.map(|(label, touched)| {
                    let action = RegistryAction::NAMES.get(label % actions).copied();
                    let component = self.name(label / actions);
                    let action = pair(ACTION, action.unwrap_or_default());
                    touched.labelled([action, pair(COMPONENT, &component)])
                });
                named.collect()
            }
        }
    }

    /// The numbers that are not zero, with their labels.
    fn touched<'a>(&'a self, value: &'a Value) -> impl Iterator<Item = (usize, Number)> + 'a {
        let series = match value {
            Value::Counter(slots) | Value::Gauge(slots) => slots.len(),
            Value::Histogram { slots, .. } => slots.series(),
        };
        let numbers = (0..series).map(|label| (label, self.metric(value, label)));
        numbers.filter(|(_, number)| number.touched)
    }

    fn name(&self, label: usize) -> Box<str> {
        self.components
            .name(u16::try_from(label).unwrap_or(u16::MAX))
    }

    #[expect(clippy::cast_precision_loss, reason = "Prometheus knows only doubles")]
    fn metric(&self, value: &Value, label: usize) -> Number {
        let mut metric = Metric::default();
        let touched = match value {
            Value::Counter(slots) => {
                let sum = self.cells.sum(*slots, label);
                let mut counter = Counter::default();
                counter.set_value(sum as f64);
                metric.set_counter(counter);
                sum != 0
            }
            Value::Gauge(slots) => {
                let sum = self.cells.sum_gauge(*slots, label);
                let mut gauge = Gauge::default();
                gauge.set_value(sum as f64);
                metric.set_gauge(gauge);
                sum != 0
            }
            Value::Histogram { slots, unit } => {
                let sum = self.cells.sum_histogram(slots, label);
                metric.set_histogram(histogram(slots.bounds(), &sum, *unit));
                sum.count() != 0
            }
        };
        Number { metric, touched }
    }
}

impl Collector for CellsCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.families.iter().map(|(desc, _)| desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.families
            .iter()
            .map(|(_, family)| self.family(family))
            .collect()
    }
}

/// One exposed number, and whether it ever changed.
struct Number {
    metric: Metric,
    touched: bool,
}

impl Number {
    fn labelled<const N: usize>(mut self, labels: [LabelPair; N]) -> Metric {
        self.metric.set_label(labels.into());
        self.metric
    }
}

fn pair(name: &str, value: &str) -> LabelPair {
    let mut pair = LabelPair::default();
    pair.set_name(name.to_owned());
    pair.set_value(value.to_owned());
    pair
}

#[expect(clippy::cast_precision_loss, reason = "bounds are far below 2^53 ns")]
fn histogram(bounds: &[u64], sum: &HistogramSum, unit: f64) -> Histogram {
    let mut cumulative = 0;
    let buckets = bounds.iter().zip(&sum.buckets).map(|(bound, count)| {
        cumulative += count;
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(*bound as f64 / unit);
        bucket.set_cumulative_count(cumulative);
        bucket
    });
    let mut histogram = Histogram::default();
    histogram.set_bucket(buckets.collect());
    histogram.set_sample_count(sum.count());
    histogram.set_sample_sum(sum.sum / unit);
    histogram
}

const ACTION: &str = "action";
const COMPONENT: &str = "component";
