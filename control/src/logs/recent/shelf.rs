//! One application's ring.

use std::collections::VecDeque;

use super::entry::{Entry, Order, Window};
use crate::wire::LogRecord;

/// The records of one application, oldest first; their instants rise strictly.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    entries: VecDeque<Entry>,
    last_ns: i64,
    bytes: usize,
    expired: u64,
}

impl Shelf {
    /// Adds a record; its instant is the clock's, or just after the one before it.
    pub(super) fn push(&mut self, record: LogRecord, now_ns: i64) {
        // Readers go on from the last instant that they saw: an equal or earlier one is lost on them.
        self.last_ns = now_ns.max(self.last_ns.saturating_add(1));
        let entry = Entry::arrived(record, self.last_ns);
        self.bytes += entry.bytes();
        self.entries.push_back(entry);
    }

    /// Lets the oldest record go; false when there is none.
    pub(super) fn expire(&mut self) -> bool {
        let Some(entry) = self.entries.pop_front() else {
            return false;
        };
        self.bytes -= entry.bytes();
        self.expired += 1;
        true
    }

    pub(super) fn read(&self, window: Window) -> Vec<Entry> {
        let from = self.at(window.start_ns);
        let to = self.at(window.end_ns).max(from);
        let part = self.entries.range(from..to);
        match window.order {
            Order::Ascending => part.take(window.limit).cloned().collect(),
            Order::Descending => part.rev().take(window.limit).cloned().collect(),
        }
    }

    /// Position of the first record at or after an instant.
    fn at(&self, instant_ns: i64) -> usize {
        self.entries
            .partition_point(|entry| entry.time_ns < instant_ns)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn expired(&self) -> u64 {
        self.expired
    }

    /// Instants of the oldest and the newest record.
    pub(super) fn span(&self) -> Option<(i64, i64)> {
        Some((self.entries.front()?.time_ns, self.entries.back()?.time_ns))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::LogStream;

    fn line(text: &str) -> LogRecord {
        LogRecord {
            time_ns: 7,
            source_type: "APP/PROC/WEB".to_owned(),
            instance: "0".to_owned(),
            stream: LogStream::Out,
            text: text.to_owned(),
        }
    }

    fn texts(entries: &[Entry]) -> Vec<&str> {
        entries.iter().map(|entry| &*entry.text).collect()
    }

    #[test]
    fn a_clock_that_stands_or_steps_back_still_gives_rising_instants() {
        let mut shelf = Shelf::default();
        for now in [100, 100, 40, 101, 200] {
            shelf.push(line("x"), now);
        }
        let instants: Vec<i64> = shelf.entries.iter().map(|entry| entry.time_ns).collect();
        assert_eq!(instants, [100, 101, 102, 103, 200]);
    }

    #[test]
    fn the_writers_own_time_is_kept() {
        let mut shelf = Shelf::default();
        shelf.push(line("x"), 100);
        assert_eq!(shelf.entries[0].sent_ns, 7);
    }

    #[test]
    fn the_start_is_inside_and_the_end_is_not() {
        let mut shelf = Shelf::default();
        for (text, now) in [("a", 10), ("b", 20), ("c", 30)] {
            shelf.push(line(text), now);
        }
        let window = Window {
            start_ns: 10,
            end_ns: 30,
            limit: 100,
            order: Order::Ascending,
        };
        assert_eq!(texts(&shelf.read(window)), ["a", "b"]);
    }

    #[test]
    fn a_limit_keeps_the_first_in_the_order_asked_for() {
        let mut shelf = Shelf::default();
        for (text, now) in [("a", 10), ("b", 20), ("c", 30)] {
            shelf.push(line(text), now);
        }
        let newest = Window {
            start_ns: 0,
            end_ns: i64::MAX,
            limit: 2,
            order: Order::Descending,
        };
        assert_eq!(texts(&shelf.read(newest)), ["c", "b"]);
        let oldest = Window {
            order: Order::Ascending,
            ..newest
        };
        assert_eq!(texts(&shelf.read(oldest)), ["a", "b"]);
    }

    #[test]
    fn a_window_that_ends_before_it_starts_is_empty() {
        let mut shelf = Shelf::default();
        shelf.push(line("a"), 10);
        let window = Window {
            start_ns: 20,
            end_ns: 5,
            limit: 9,
            order: Order::Ascending,
        };
        assert!(shelf.read(window).is_empty());
    }

    proptest! {
        /// Whoever reads on from the last instant that it saw misses nothing and sees nothing twice.
        #[test]
        fn reading_on_from_the_last_instant_sees_every_record_once(
            clock in proptest::collection::vec(0_i64..50, 1..40),
            limit in 1_usize..5,
        ) {
            let mut shelf = Shelf::default();
            let mut seen = Vec::new();
            let mut next = 0;
            for (number, now) in clock.iter().enumerate() {
                shelf.push(line(&number.to_string()), *now);
                let window = Window { start_ns: next, end_ns: i64::MAX, limit, order: Order::Ascending };
                for entry in shelf.read(window) {
                    next = entry.time_ns + 1;
                    seen.push(entry.text.to_string());
                }
            }
            let all: Vec<String> = (0..clock.len()).map(|number| number.to_string()).collect();
            prop_assert_eq!(seen, all);
        }
    }
}
