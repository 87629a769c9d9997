//! What the control thread does besides listening, each in its time.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep_until};
use tracing::{debug, warn};

use super::snapshot;
use super::source::file;
use crate::route::RouteTable;

/// Work whose time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chore {
    /// Show what waits on the bus.
    Monitor,
    /// Look at the file of static routes.
    PollFile,
    /// Take one step of pruning.
    Prune,
    /// Ask announcers again.
    Resync,
    /// Save the table.
    Save,
}

/// The timers.
pub(super) struct Chores {
    monitor: Interval,
    poll_file: Interval,
    prune: Interval,
    save: Interval,
}

/// How often the bus connection is looked at (gorouter 1.7).
const MONITOR_EVERY: Duration = Duration::from_secs(5);

impl Chores {
    pub(super) fn new(prune_every: Duration, save_every: Duration) -> Self {
        Self {
            monitor: timer(MONITOR_EVERY),
            poll_file: timer(file::POLL_EVERY),
            prune: timer(prune_every),
            save: timer(save_every.max(Duration::from_millis(1))),
        }
    }

    /// Waits for the next chore.
    ///
    /// # Cancel safety
    ///
    /// No tick is lost when the future is dropped.
    pub(super) async fn next(&mut self, resync_due: Option<Instant>) -> Chore {
        tokio::select! {
            _ = self.prune.tick() => Chore::Prune,
            _ = self.poll_file.tick() => Chore::PollFile,
            _ = self.monitor.tick() => Chore::Monitor,
            _ = self.save.tick() => Chore::Save,
            () = until(resync_due) => Chore::Resync,
        }
    }
}

fn timer(every: Duration) -> Interval {
    let mut timer = interval(every);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    timer
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

/// Saves the table now and then, on a thread that may block.
pub(super) struct Saver {
    path: Option<PathBuf>,
    table: Arc<RouteTable>,
    saved_changes: u64,
    running: Option<JoinHandle<Duration>>,
    rests_until: Instant,
}

/// A snapshot is followed by a rest of this many times its own time, so that it costs 1 % of a core.
const REST: u32 = 100;

impl Saver {
    pub(super) fn new(path: Option<PathBuf>, table: Arc<RouteTable>) -> Self {
        let saved_changes = table.changes();
        Self {
            path,
            table,
            saved_changes,
            running: None,
            rests_until: Instant::now(),
        }
    }

    /// Begins to save the table if it has changed and the last time is long enough ago.
    pub(super) async fn save_if_due(&mut self) {
        let changes = self.table.changes();
        if self
            .running
            .as_ref()
            .is_some_and(|running| !running.is_finished())
        {
            return;
        }
        self.settle().await;
        if changes != self.saved_changes && Instant::now() >= self.rests_until {
            self.saved_changes = changes;
            self.begin();
        }
    }

    /// Saves the table once more if it has changed, and waits until it is on disk.
    pub(super) async fn finish(&mut self) {
        self.settle().await;
        if self.table.changes() != self.saved_changes {
            self.begin();
            self.settle().await;
        }
    }

    fn begin(&mut self) {
        let Some(path) = self.path.clone() else {
            return;
        };
        let table = Arc::clone(&self.table);
        self.running = Some(tokio::task::spawn_blocking(move || {
            let began = Instant::now();
            match snapshot::save(&table, &path) {
                Ok(registrations) => debug!(registrations, "route-snapshot-saved"),
                Err(error) => warn!(path = %path.display(), %error, "route-snapshot-failed"),
            }
            began.elapsed()
        }));
    }

    async fn settle(&mut self) {
        let Some(running) = self.running.take() else {
            return;
        };
        let took = running.await.unwrap_or_default();
        self.rests_until = Instant::now() + took * REST;
    }
}
