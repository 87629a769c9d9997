//! The instances of this node: one table, one notice of each change.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

use super::admission::Reservation;
use super::instance::Instance;
use super::runtime::Usage;
use crate::model::Micros;
use crate::wire::{ExitReason, InstanceState};

/// The table of instances.
#[derive(Debug, Default)]
pub(super) struct Roster {
    table: Mutex<BTreeMap<String, Entry>>,
    changed: Notify,
}

#[derive(Debug)]
struct Entry {
    instance: Instance,
    stop: watch::Sender<Option<ExitReason>>,
    reroute: watch::Sender<()>,
    /// Given back when its life ends.
    room: Option<Reservation>,
    sampled: Option<Sampled>,
}

/// What an instance took when it was last looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sampled {
    pub(super) usage: Usage,
    /// Share of one processor since the look before.
    pub(super) cpu: f64,
    at: Instant,
}

/// Where a life learns what others want of it.
#[derive(Debug)]
pub(super) struct Told {
    /// That it shall end.
    pub(super) end: watch::Receiver<Option<ExitReason>>,
    /// That its routes have changed.
    pub(super) routes: watch::Receiver<()>,
}

impl Roster {
    /// Adds an instance; its life listens to what is returned.
    pub(super) fn add(&self, instance: Instance, room: Reservation) -> Told {
        let (stop, end) = watch::channel(None);
        let (reroute, routes) = watch::channel(());
        let entry = Entry {
            instance: instance.clone(),
            stop,
            reroute,
            room: Some(room),
            sampled: None,
        };
        self.with(|table| table.insert(instance.guid, entry));
        self.changed.notify_one();
        Told { end, routes }
    }

    /// Changes an instance that is still there, and says what it is now.
    pub(super) fn change(&self, guid: &str, how: impl FnOnce(&mut Instance)) -> Option<Instance> {
        let changed = self.with(|table| {
            let entry = table.get_mut(guid)?;
            how(&mut entry.instance);
            if !entry.instance.is_live() {
                entry.room = None;
            }
            Some(entry.instance.clone())
        });
        self.changed.notify_one();
        changed
    }

    /// Moves an instance to a state.
    pub(super) fn enter(&self, guid: &str, state: InstanceState, now: Micros) -> Option<Instance> {
        self.change(guid, |instance| {
            instance.state = state;
            instance.since_micros = now.0;
        })
    }

    pub(super) fn all(&self) -> Vec<Instance> {
        self.with(|table| table.values().map(|entry| entry.instance.clone()).collect())
    }

    pub(super) fn find(&self, guid: &str) -> Option<Instance> {
        self.with(|table| Some(table.get(guid)?.instance.clone()))
    }

    /// Tells an instance to end; what it was told first holds.
    pub(super) fn tell(&self, guid: &str, reason: ExitReason) {
        self.with(|table| {
            if let Some(entry) = table.get(guid) {
                entry.stop.send_if_modified(|told| {
                    let first = told.is_none();
                    told.get_or_insert(reason);
                    first
                });
            }
        });
    }

    /// Tells an instance that its routes have changed.
    pub(super) fn reroute(&self, guid: &str) {
        self.with(|table| {
            if let Some(entry) = table.get(guid) {
                entry.reroute.send_replace(());
            }
        });
    }

    pub(super) fn remove(&self, guid: &str) {
        self.with(|table| table.remove(guid));
        self.changed.notify_one();
    }

    /// Keeps a look at what an instance takes.
    pub(super) fn sample(&self, guid: &str, usage: Usage, at: Instant) {
        self.with(|table| {
            let Some(entry) = table.get_mut(guid) else {
                return;
            };
            let cpu = entry
                .sampled
                .map_or(0.0, |before| before.share_until(usage.cpu_time, at));
            entry.sampled = Some(Sampled { usage, cpu, at });
        });
    }

    pub(super) fn sampled(&self, guid: &str) -> Option<Sampled> {
        self.with(|table| table.get(guid)?.sampled)
    }

    /// Waits for the next change.
    ///
    /// # Cancel safety
    ///
    /// Safe: a change in between is told to the next call.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn with<T>(&self, look: impl FnOnce(&mut BTreeMap<String, Entry>) -> T) -> T {
        look(&mut self.table.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Sampled {
    fn share_until(&self, cpu_time: Option<Duration>, at: Instant) -> f64 {
        let (Some(now), Some(before)) = (cpu_time, self.usage.cpu_time) else {
            return 0.0;
        };
        let gone = at.saturating_duration_since(self.at).as_secs_f64();
        if gone > 0.0 {
            now.saturating_sub(before).as_secs_f64() / gone
        } else {
            self.cpu
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::admission::{Admission, Amount};
    use super::*;
    use crate::wire::StartMessage;

    fn with_one(room: &Admission) -> (Roster, Told) {
        let roster = Roster::default();
        let instance = Instance::new("i".into(), StartMessage::default(), Micros(1));
        let amount = Amount {
            memory_mb: 10,
            disk_mb: 10,
        };
        let told = roster.add(instance, room.reserve(amount).unwrap());
        (roster, told)
    }

    #[test]
    fn a_crashed_instance_gives_its_room_back() {
        let room = Admission::new(Amount {
            memory_mb: 10,
            disk_mb: 10,
        });
        let (roster, _told) = with_one(&room);
        assert_eq!(room.free().memory_mb, 0);
        roster.enter("i", InstanceState::Crashed, Micros(2));
        assert_eq!(room.free().memory_mb, 10);
    }

    #[test]
    fn the_first_reason_to_end_holds() {
        let room = Admission::new(Amount {
            memory_mb: 10,
            disk_mb: 10,
        });
        let (roster, told) = with_one(&room);
        roster.tell("i", ExitReason::Stopped);
        roster.tell("i", ExitReason::Shutdown);
        assert_eq!(*told.end.borrow(), Some(ExitReason::Stopped));
    }

    #[test]
    fn processor_share_is_taken_between_two_looks() {
        let room = Admission::new(Amount {
            memory_mb: 10,
            disk_mb: 10,
        });
        let (roster, _told) = with_one(&room);
        let began = Instant::now();
        let usage = |seconds| Usage {
            cpu_time: Some(Duration::from_secs(seconds)),
            ..Usage::default()
        };
        roster.sample("i", usage(1), began);
        roster.sample("i", usage(6), began + Duration::from_secs(10));
        assert!((roster.sampled("i").unwrap().cpu - 0.5).abs() < 1e-9);
    }
}
