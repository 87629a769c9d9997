//! Starts that wait for their turn: urgent ones first, not more in a second than allowed.

use std::collections::{BTreeSet, VecDeque};

use crate::model::Micros;

use super::action::Priority;
use super::settings::HealthSettings;

/// An index of a process.
pub(super) type Place = (String, u32);

/// Starts by urgency, and those that wait for a time.
#[derive(Debug, Default)]
pub(super) struct Queue {
    high: VecDeque<Place>,
    normal: VecDeque<Place>,
    low: VecDeque<Place>,
    timers: BTreeSet<(Micros, Place)>,
    /// Starts that may go out now, in millionths.
    allowance: u64,
    filled: Option<Micros>,
}

impl Queue {
    pub(super) fn push(&mut self, priority: Priority, place: Place) {
        match priority {
            Priority::High => self.high.push_back(place),
            Priority::Normal => self.normal.push_back(place),
            Priority::Low => self.low.push_back(place),
        }
    }

    pub(super) fn push_timer(&mut self, due: Micros, place: Place) {
        self.timers.insert((due, place));
    }

    /// The next start whose time has come.
    pub(super) fn pop_timer(&mut self, now: Micros) -> Option<(Micros, Place)> {
        let first = self.timers.first()?;
        (first.0 <= now).then(|| self.timers.pop_first())?
    }

    /// Allows as many starts as the time since the last call has earned.
    pub(super) fn refill(&mut self, now: Micros, settings: &HealthSettings) {
        let rate = u64::from(settings.starts_per_second);
        let full = rate * ONE;
        let gone = self.filled.map_or(u64::MAX, |filled| {
            u64::try_from(now.since(filled).as_micros()).unwrap_or(u64::MAX)
        });
        self.allowance = full.min(self.allowance.saturating_add(gone.saturating_mul(rate)));
        self.filled = Some(now);
    }

    /// The most urgent start, if one may go out.
    pub(super) fn pop(&mut self) -> Option<Place> {
        if self.allowance < ONE {
            return None;
        }
        self.high
            .pop_front()
            .or_else(|| self.normal.pop_front())
            .or_else(|| self.low.pop_front())
    }

    /// Notes that a start went out.
    pub(super) fn spend(&mut self) {
        self.allowance = self.allowance.saturating_sub(ONE);
    }
}

/// A whole start: as many millionths as a second has microseconds.
const ONE: u64 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urgent_starts_go_first_and_no_more_than_forty_in_a_second() {
        let settings = HealthSettings::default();
        let mut queue = Queue::default();
        for n in 0..50 {
            queue.push(Priority::Low, ("low".into(), n));
            queue.push(Priority::High, ("high".into(), n));
        }
        let mut drain = |now| {
            queue.refill(now, &settings);
            let mut names = Vec::new();
            while let Some((name, _)) = queue.pop() {
                queue.spend();
                names.push(name);
            }
            names
        };
        assert_eq!(drain(Micros(0)), vec!["high"; 40]);
        assert_eq!(drain(Micros(0)), Vec::<String>::new());
        let half = drain(Micros(500_000));
        assert_eq!(
            (
                half.len(),
                half.iter().filter(|name| *name == "high").count()
            ),
            (20, 10)
        );
        assert_eq!(drain(Micros::from_seconds(100)).len(), 40);
    }

    #[test]
    fn a_timer_waits_for_its_time() {
        let mut queue = Queue::default();
        queue.push_timer(Micros(5), ("p".into(), 0));
        assert_eq!(queue.pop_timer(Micros(4)), None);
        assert_eq!(
            queue.pop_timer(Micros(5)),
            Some((Micros(5), ("p".into(), 0)))
        );
        assert_eq!(queue.pop_timer(Micros(5)), None);
    }
}
