//! The rings of all applications, and the bound over them.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::entry::{Entry, Meta, Window};
use super::shelf::Shelf;
use crate::wire::{LogBatch, LogRecord, LogStream};

/// How much of the past is kept.
#[derive(Clone, Copy, Debug)]
pub struct RecentLimits {
    /// Records per application.
    pub records: usize,
    /// Bytes over all applications; the one that takes most gives way first.
    pub bytes: usize,
}

impl Default for RecentLimits {
    fn default() -> Self {
        Self {
            records: 2000,
            bytes: 32 << 20,
        }
    }
}

/// The recent records of every application. Clones share them.
#[derive(Clone, Debug)]
pub struct Recent {
    whole: Arc<Mutex<Whole>>,
}

impl Recent {
    /// An empty past.
    pub fn new(limits: RecentLimits) -> Self {
        Self {
            whole: Arc::new(Mutex::new(Whole::new(limits))),
        }
    }

    /// Adds a record that arrived at `now_ns` (nanoseconds since 1970).
    pub fn push(&self, app: &str, record: LogRecord, now_ns: i64) {
        self.whole().push(app, record, now_ns);
    }

    /// Adds what an agent published; it arrived at `now_ns` (nanoseconds since 1970).
    pub fn absorb(&self, batch: LogBatch, now_ns: i64) {
        self.lost(&batch.app, batch.lost, now_ns);
        let mut whole = self.whole();
        for record in batch.records {
            whole.push(&batch.app, record, now_ns);
        }
    }

    /// Shows readers that records of an application were lost on their way here.
    pub fn lost(&self, app: &str, count: u64, now_ns: i64) {
        if count > 0 {
            self.push(app, notice(count, now_ns), now_ns);
        }
    }

    /// The records of a window; none when the application never said anything.
    pub fn read(&self, app: &str, window: Window) -> Vec<Entry> {
        let whole = self.whole();
        let shelf = whole.shelves.get(app);
        shelf.map_or_else(Vec::new, |shelf| shelf.read(window))
    }

    /// What is kept of each application, in no order.
    pub fn meta(&self) -> Vec<Meta> {
        let whole = self.whole();
        let shelves = whole.shelves.iter();
        shelves
            .filter_map(|(app, shelf)| {
                let (oldest_ns, newest_ns) = shelf.span()?;
                Some(Meta {
                    app: app.to_string(),
                    count: shelf.len(),
                    expired: shelf.expired(),
                    oldest_ns,
                    newest_ns,
                })
            })
            .collect()
    }

    /// Forgets an application that was deleted.
    pub fn forget(&self, app: &str) {
        self.whole().forget(app);
    }

    fn whole(&self) -> MutexGuard<'_, Whole> {
        // What a panicking holder leaves behind is at worst a record too few.
        self.whole.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct Whole {
    limits: RecentLimits,
    shelves: HashMap<Arc<str>, Shelf>,
    // The same shelves by weight, so that the heaviest is found without a walk.
    weights: BTreeSet<(usize, Arc<str>)>,
    bytes: usize,
}

impl Whole {
    fn new(limits: RecentLimits) -> Self {
        Self {
            limits,
            shelves: HashMap::new(),
            weights: BTreeSet::new(),
            bytes: 0,
        }
    }

    fn push(&mut self, app: &str, record: LogRecord, now_ns: i64) {
        let records = self.limits.records.max(1);
        let app = match self.shelves.get_key_value(app) {
            Some((known, _)) => Arc::clone(known),
            None => Arc::from(app),
        };
        self.change(&app, |shelf| {
            shelf.push(record, now_ns);
            while shelf.len() > records && shelf.expire() {}
        });
        while self.bytes > self.limits.bytes && self.lighten() {}
    }

    /// Changes one shelf and keeps both sums true.
    fn change(&mut self, app: &Arc<str>, how: impl FnOnce(&mut Shelf)) {
        let shelf = self.shelves.entry(Arc::clone(app)).or_default();
        let before = shelf.bytes();
        how(shelf);
        let after = shelf.bytes();
        self.weights.remove(&(before, Arc::clone(app)));
        self.weights.insert((after, Arc::clone(app)));
        self.bytes = self.bytes - before + after;
    }

    /// Takes the oldest record from the heaviest shelf; false when nothing is left to take.
    fn lighten(&mut self) -> bool {
        let Some((_, app)) = self.weights.last().cloned() else {
            return false;
        };
        let before = self.bytes;
        self.change(&app, |shelf| {
            shelf.expire();
        });
        self.bytes < before
    }

    fn forget(&mut self, app: &str) {
        if let Some((app, shelf)) = self.shelves.remove_entry(app) {
            self.bytes -= shelf.bytes();
            self.weights.remove(&(shelf.bytes(), app));
        }
    }
}

fn notice(count: u64, now_ns: i64) -> LogRecord {
    let noun = if count == 1 { "message" } else { "messages" };
    LogRecord {
        time_ns: now_ns,
        source_type: "LGR".to_owned(),
        instance: "0".to_owned(),
        stream: LogStream::Err,
        text: format!("{count} {noun} lost on the way to the log store"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::Order;
    use super::*;

    const ALL: Window = Window {
        start_ns: 0,
        end_ns: i64::MAX,
        limit: usize::MAX,
        order: Order::Ascending,
    };

    fn line(text: &str) -> LogRecord {
        LogRecord {
            time_ns: 0,
            source_type: "APP/PROC/WEB".to_owned(),
            instance: "0".to_owned(),
            stream: LogStream::Out,
            text: text.to_owned(),
        }
    }

    fn small(records: usize, bytes: usize) -> Recent {
        Recent::new(RecentLimits { records, bytes })
    }

    #[test]
    fn the_oldest_record_makes_room_and_is_counted() {
        let recent = small(3, 1 << 20);
        for number in 0..5 {
            recent.push("a", line(&number.to_string()), 10 + number);
        }
        let kept = recent.read("a", ALL);
        assert_eq!(
            kept.iter().map(|entry| &*entry.text).collect::<Vec<_>>(),
            ["2", "3", "4"]
        );
        let meta = recent.meta();
        assert_eq!((meta[0].count, meta[0].expired), (3, 2));
        assert_eq!((meta[0].oldest_ns, meta[0].newest_ns), (12, 14));
    }

    #[test]
    fn a_talkative_application_does_not_displace_a_quiet_one() {
        let recent = small(100_000, 64 << 10);
        recent.push("quiet", line("once"), 1);
        for number in 0..10_000 {
            recent.push("loud", line("again and again"), number);
        }
        assert_eq!(recent.read("quiet", ALL).len(), 1);
        let whole = recent.whole();
        assert!(whole.bytes <= 64 << 10);
        assert_eq!(
            whole.bytes,
            whole.shelves.values().map(Shelf::bytes).sum::<usize>()
        );
        assert_eq!(whole.weights.len(), whole.shelves.len());
    }

    #[test]
    fn a_loss_is_shown_in_the_stream() {
        let recent = small(10, 1 << 20);
        recent.lost("a", 0, 1);
        recent.lost("a", 7, 2);
        let kept = recent.read("a", ALL);
        assert_eq!(kept.len(), 1);
        assert_eq!(&*kept[0].source_type, "LGR");
        assert!(kept[0].text.starts_with("7 messages lost"));
    }

    #[test]
    fn a_batch_keeps_its_order_and_tells_its_losses_first() {
        let recent = small(10, 1 << 20);
        let batch = LogBatch {
            app: "a".to_owned(),
            records: vec![line("x"), line("y")],
            lost: 1,
        };
        recent.absorb(batch, 5);
        let kept = recent.read("a", ALL);
        let instants: Vec<i64> = kept.iter().map(|entry| entry.time_ns).collect();
        assert_eq!(instants, [5, 6, 7]);
        assert!(kept[0].text.starts_with("1 message lost"));
        assert_eq!(&*kept[2].text, "y");
    }

    #[test]
    fn a_forgotten_application_leaves_nothing() {
        let recent = small(10, 1 << 20);
        recent.push("a", line("x"), 1);
        recent.forget("a");
        let whole = recent.whole();
        assert_eq!((whole.bytes, whole.weights.len()), (0, 0));
        assert!(whole.shelves.is_empty());
    }

    #[test]
    fn a_record_larger_than_the_bound_does_not_hang_the_ring() {
        let recent = small(10, 50);
        recent.push("a", line(&"x".repeat(500)), 1);
        assert!(recent.read("a", ALL).is_empty());
    }
}
