//! Sums over cores.

use super::block::LINE;
use super::*;

#[test]
fn a_counter_is_the_sum_of_its_cores() {
    let mut layout = Layout::new();
    let slots = layout.number();
    let cells = Cells::new(&layout, 3);
    for core in 0..3 {
        cells.core(core).counter(slots).add(core as u64 + 1);
    }
    assert_eq!(cells.sum(slots, 0), 6);
}

#[test]
fn a_gauge_may_rise_on_one_core_and_fall_on_another() {
    let mut layout = Layout::new();
    let slots = layout.number();
    let cells = Cells::new(&layout, 2);
    cells.core(0).gauge(slots).increment();
    cells.core(1).gauge(slots).decrement();
    cells.core(1).gauge(slots).decrement();
    assert_eq!(cells.sum_gauge(slots, 0), -1);
    cells.core(1).gauge(slots).set(7);
    assert_eq!(cells.sum_gauge(slots, 0), 8);
}

#[test]
fn a_label_too_large_counts_as_the_last() {
    let mut layout = Layout::new();
    let slots = layout.numbers(3);
    let next = layout.number();
    let cells = Cells::new(&layout, 1);
    let counters = cells.core(0).counters(slots);
    counters.increment(1);
    counters.increment(2);
    counters.increment(40_000);
    let sums = [0, 1, 2].map(|label| cells.sum(slots, label));
    assert_eq!(sums, [0, 1, 2]);
    assert_eq!(cells.sum(next, 0), 0);
}

#[test]
fn a_bound_belongs_to_its_bucket() {
    let mut layout = Layout::new();
    let slots = layout.histograms(&[10, 20], 2);
    let cells = Cells::new(&layout, 2);
    for value in [0, 10, 11, 20, 21, u64::from(u32::MAX)] {
        cells.core(0).histogram(&slots).observe_labelled(1, value);
    }
    cells.core(1).histogram(&slots).observe_labelled(1, 5);
    let sum = cells.sum_histogram(&slots, 1);
    assert_eq!(sum.buckets, [3, 2, 2]);
    assert_eq!(sum.count(), 7);
    assert!((sum.sum - (67.0 + f64::from(u32::MAX))).abs() < 0.5);
    assert_eq!(cells.sum_histogram(&slots, 0).count(), 0);
}

#[test]
fn a_value_finds_its_bucket_whatever_came_before() {
    let values = [0, 10, 11, 20, 21, u64::MAX];
    for before in values {
        for value in values {
            let mut layout = Layout::new();
            let slots = layout.histograms(&[10, 20], 1);
            let cells = Cells::new(&layout, 1);
            let histogram = cells.core(0).histogram(&slots);
            histogram.observe(before);
            histogram.observe(value);
            let mut buckets = [0; 3];
            for seen in [before, value] {
                buckets[usize::from(seen > 10) + usize::from(seen > 20)] += 1;
            }
            assert_eq!(cells.sum_histogram(&slots, 0).buckets, buckets);
        }
    }
}

#[test]
fn blocks_start_on_their_own_cache_lines() {
    let mut layout = Layout::new();
    layout.numbers(LINE + 1);
    let cells = Cells::new(&layout, 2);
    for block in cells.blocks.iter() {
        assert_eq!(block.len(), 2);
        assert_eq!(block.as_ptr().addr() % 128, 0);
    }
}

#[test]
fn no_count_is_lost_while_the_scrape_reads() {
    let mut layout = Layout::new();
    let slots = layout.number();
    let cells = Cells::new(&layout, 4);
    std::thread::scope(|scope| {
        for core in 0..4 {
            let counter = cells.core(core).counter(slots);
            scope.spawn(move || (0..10_000).for_each(|_| counter.increment()));
        }
        let mut last = 0;
        while last < 40_000 {
            let now = cells.sum(slots, 0);
            assert!(now >= last);
            last = now;
        }
    });
    assert_eq!(cells.sum(slots, 0), 40_000);
}
