//! Lazy timers: moving a deadline is one store.
//!
//! A connection has one [`Timer`] for its whole life. The wheel looks at it when the slot comes
//! round to which it is linked; if the deadline has moved on meanwhile, it is linked again, else
//! its task is woken. Resolution: [`TICK`]; a timer never fires early, and at most two ticks late.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::sync::Notify;

/// How often the wheel turns.
pub const TICK: Duration = Duration::from_millis(50);
/// Slots of the wheel: a link is at most this far ahead, so that what a closed connection left
/// behind is dropped soon.
const SLOTS: u64 = 128;
/// A deadline that never comes.
const NEVER: u64 = u64::MAX;

/// The timers of one core.
#[derive(Debug)]
pub struct Wheel {
    now: Cell<u64>,
    linked: Cell<usize>,
    slots: Vec<RefCell<Vec<Weak<Entry>>>>,
    first_link: Notify,
}

#[derive(Debug)]
struct Entry {
    deadline: Cell<u64>,
    linked_at: Cell<u64>,
    waker: RefCell<Option<Waker>>,
}

impl Wheel {
    /// A wheel that stands still until the first timer is armed.
    #[must_use]
    pub fn new() -> Rc<Self> {
        Rc::new(Self {
            now: Cell::new(0),
            linked: Cell::new(0),
            slots: (0..SLOTS).map(|_| RefCell::default()).collect(),
            first_link: Notify::new(),
        })
    }

    /// Turns the wheel for ever; one task per core. It rests while no timer is linked.
    pub async fn turn(self: Rc<Self>) {
        let mut interval = tokio::time::interval(TICK);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut began = tokio::time::Instant::now();
        loop {
            if self.linked.get() == 0 {
                self.first_link.notified().await;
                interval.reset();
                // Time stood still for nobody: without links there was no deadline to keep.
                began = tokio::time::Instant::now()
                    - TICK * u32::try_from(self.now.get()).unwrap_or(u32::MAX);
            }
            interval.tick().await;
            let elapsed = u64::try_from(began.elapsed().as_millis()).unwrap_or(NEVER);
            self.advance_to(elapsed / u64::try_from(TICK.as_millis()).unwrap_or(1));
        }
    }

    /// Looks at every slot up to tick `target`.
    fn advance_to(&self, target: u64) {
        while self.now.get() < target {
            self.now.set(self.now.get() + 1);
            self.visit(self.now.get());
        }
    }

    /// Wakes every task that has an armed timer, whatever its deadline.
    pub fn wake_all(&self) {
        let linked: Vec<Rc<Entry>> = self
            .slots
            .iter()
            .flat_map(|slot| {
                slot.borrow()
                    .iter()
                    .filter_map(Weak::upgrade)
                    .collect::<Vec<_>>()
            })
            .collect();
        for entry in linked {
            entry.wake();
        }
    }

    fn slot(&self, tick: u64) -> Option<&RefCell<Vec<Weak<Entry>>>> {
        self.slots
            .get(usize::try_from(tick % SLOTS).unwrap_or_default())
    }

    fn visit(&self, tick: u64) {
        let Some(slot) = self.slot(tick) else { return };
        let mut visited = std::mem::take(&mut *slot.borrow_mut());
        self.linked.set(self.linked.get() - visited.len());
        for link in visited.drain(..) {
            let Some(entry) = link.upgrade() else {
                continue;
            };
            if entry.linked_at.get() != tick {
                continue; // it was linked again, earlier; that link counts
            }
            entry.linked_at.set(NEVER);
            match entry.deadline.get() {
                NEVER => {}
                deadline if deadline <= tick => entry.wake(),
                deadline => self.link(&entry, deadline),
            }
        }
        // perf: the emptied list keeps its room, so that a turning wheel allocates nothing.
        let mut slot = slot.borrow_mut();
        if slot.is_empty() {
            *slot = visited;
        }
    }

    fn link(&self, entry: &Rc<Entry>, deadline: u64) {
        let tick = deadline.clamp(self.now.get() + 1, self.now.get() + SLOTS - 1);
        entry.linked_at.set(tick);
        if let Some(slot) = self.slot(tick) {
            slot.borrow_mut().push(Rc::downgrade(entry));
            self.linked.set(self.linked.get() + 1);
            if self.linked.get() == 1 {
                self.first_link.notify_one();
            }
        }
    }
}

impl Entry {
    fn wake(&self) {
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }
}

/// One deadline at a time, moved as often as one likes.
#[derive(Debug)]
pub struct Timer {
    wheel: Rc<Wheel>,
    entry: Rc<Entry>,
}

impl Timer {
    /// A timer that is not armed.
    #[must_use]
    pub fn new(wheel: &Rc<Wheel>) -> Self {
        Self {
            wheel: Rc::clone(wheel),
            entry: Rc::new(Entry {
                deadline: Cell::new(NEVER),
                linked_at: Cell::new(NEVER),
                waker: RefCell::new(None),
            }),
        }
    }

    /// Sets the deadline `after` from now, in place of an earlier one; `None` disarms.
    pub fn arm(&self, after: Option<Duration>) {
        let Some(after) = after else {
            self.entry.deadline.set(NEVER);
            return;
        };
        let ticks = after.as_millis().div_ceil(TICK.as_millis());
        // One tick more: the current one has partly gone by.
        let deadline = self
            .wheel
            .now
            .get()
            .saturating_add(u64::try_from(ticks).unwrap_or(NEVER))
            .saturating_add(1);
        self.arm_at(Deadline(deadline));
    }

    /// What the timer is set to, to be set again later.
    #[must_use]
    pub fn deadline(&self) -> Deadline {
        Deadline(self.entry.deadline.get())
    }

    /// Sets a deadline that was read from a timer of this core.
    pub fn arm_at(&self, deadline: Deadline) {
        self.entry.deadline.set(deadline.0);
        if deadline.0 < self.entry.linked_at.get() && deadline.0 != NEVER {
            // perf: only a deadline before the next visit needs a link; a later one is found
            // by that visit. A request that moves 60 s to 60 s later does no list work.
            let next_visit = deadline.0.min(self.wheel.now.get() + SLOTS - 1);
            if next_visit < self.entry.linked_at.get() {
                self.wheel.link(&self.entry, deadline.0);
            }
        }
    }

    /// Has the deadline passed? If not, the task is woken when it does.
    pub fn poll_expired(&self, cx: &Context<'_>) -> Poll<()> {
        if self.entry.deadline.get() <= self.wheel.now.get() {
            return Poll::Ready(());
        }
        let mut waker = self.entry.waker.borrow_mut();
        match waker.as_mut() {
            Some(known) if known.will_wake(cx.waker()) => {}
            Some(known) => known.clone_from(cx.waker()),
            None => *waker = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

/// A tick of one core's wheel.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Deadline(u64);

impl Deadline {
    /// The deadline that never comes.
    pub const NEVER: Self = Self(NEVER);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn watched(timer: &Timer) -> Arc<Woken> {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        assert!(
            timer
                .poll_expired(&Context::from_waker(&waker))
                .is_pending()
        );
        woken
    }

    #[test]
    fn a_timer_fires_after_its_time_and_not_before() {
        let wheel = Wheel::new();
        let timer = Timer::new(&wheel);
        timer.arm(Some(TICK * 3));
        let woken = watched(&timer);
        wheel.advance_to(3);
        assert_eq!(woken.0.load(Ordering::Relaxed), 0);
        wheel.advance_to(4);
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_deadline_that_moves_on_does_not_fire_at_its_old_place() {
        let wheel = Wheel::new();
        let timer = Timer::new(&wheel);
        timer.arm(Some(TICK * 3));
        let woken = watched(&timer);
        wheel.advance_to(2);
        timer.arm(Some(TICK * 500));
        wheel.advance_to(502);
        assert_eq!(woken.0.load(Ordering::Relaxed), 0);
        wheel.advance_to(504);
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_deadline_that_moves_nearer_fires_at_its_new_place() {
        let wheel = Wheel::new();
        let timer = Timer::new(&wheel);
        timer.arm(Some(TICK * 10_000));
        timer.arm(Some(TICK * 2));
        let woken = watched(&timer);
        wheel.advance_to(3);
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_dropped_timer_leaves_nothing_behind_after_one_turn() {
        let wheel = Wheel::new();
        for _ in 0..100 {
            Timer::new(&wheel).arm(Some(Duration::from_secs(900)));
        }
        wheel.advance_to(SLOTS + 1);
        assert_eq!(wheel.linked.get(), 0);
    }

    #[test]
    fn a_moved_deadline_within_reach_of_the_next_visit_links_nothing() {
        let wheel = Wheel::new();
        let timer = Timer::new(&wheel);
        timer.arm(Some(Duration::from_secs(60)));
        for _ in 0..1000 {
            timer.arm(Some(Duration::from_secs(900)));
            timer.arm(Some(Duration::from_secs(60)));
        }
        assert_eq!(wheel.linked.get(), 1);
    }

    #[tokio::test]
    async fn a_turning_wheel_wakes_its_task() {
        let wheel = Wheel::new();
        let turning = tokio::task::LocalSet::new();
        turning.spawn_local(Rc::clone(&wheel).turn());
        turning
            .run_until(async {
                let timer = Timer::new(&wheel);
                timer.arm(Some(TICK));
                std::future::poll_fn(|cx| timer.poll_expired(cx)).await;
            })
            .await;
    }
}
