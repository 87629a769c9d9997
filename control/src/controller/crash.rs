//! Crashes, recorded: one audit event for each, by one of the controllers; and counted, by the leader.

use std::sync::Arc;

use serde_json::json;
use tracing::warn;

use super::drive::Driver;
use super::site::{Site, now, random_guid};
use crate::model::CrashCount;
use crate::store::{CrashEvent, Lease, StoreError, Target};
use crate::wire::{ExitReason, Exited, Wire, subject};

impl Driver {
    /// Keeps the crash counts that have changed, for whoever leads next.
    pub(super) async fn keep_crash_counts(&mut self) {
        let changed = self.health.take_crash_counts();
        let Some(lease) = self.site.lease() else {
            self.unkept.clear();
            return;
        };
        let places = |one: &CrashCount| (one.process.clone(), one.index);
        let changed = changed.into_iter().map(|count| (places(&count), count));
        self.unkept.extend(changed);
        if self.unkept.is_empty() {
            return;
        }
        let counts: Vec<CrashCount> = self.unkept.values().cloned().collect();
        match keep(&self.site, &lease, &counts).await {
            Ok(()) => self.unkept.clear(),
            // They are written with the next ones, a second from now.
            Err(error) => warn!(%error, "crash-counts-unwritten"),
        }
    }

    /// Takes up what the last leader counted.
    pub(super) async fn recall_crashes(&mut self) -> bool {
        match self.site.store.crash_counts().await {
            Ok(counts) => {
                self.health.recall(now(), &counts);
                true
            }
            Err(error) => {
                warn!(%error, "crash-counts-unread");
                false
            }
        }
    }
}

async fn keep(site: &Site, lease: &Lease, counts: &[CrashCount]) -> Result<(), StoreError> {
    let mut tx = site.store.begin().await?;
    tx.set_crash_counts(lease, counts).await?;
    tx.commit().await
}

/// Records crashes until the bus is closed.
pub(super) async fn record(site: Arc<Site>) {
    let exits = site
        .bus
        .queue_subscribe(subject::EXITED, subject::QUEUE_EXITS);
    let mut exits = match exits.await {
        Ok(exits) => exits,
        Err(error) => return warn!(%error, "crashes-are-not-recorded"),
    };
    while let Some(message) = exits.next().await {
        let Ok(exit) = Exited::decode(&message.payload) else {
            continue;
        };
        if exit.reason != ExitReason::Crashed {
            continue;
        }
        if let Err(error) = write(&site, &exit).await {
            warn!(%error, process = exit.process, "crash-unrecorded");
        }
    }
}

async fn write(site: &Site, exit: &Exited) -> Result<(), StoreError> {
    let Some(target) = site.store.target_of(&exit.process).await? else {
        return Ok(());
    };
    let text = format!(
        "Instance {} of process {} crashed: {} (exit status {})",
        exit.index, target.process_type, exit.exit_description, exit.exit_status
    );
    site.log(&target.app, "API", &text).await;
    let event = event(exit, target);
    let mut tx = site.store.begin().await?;
    tx.insert_crash(&event).await?;
    tx.commit().await
}

fn event(exit: &Exited, target: Target) -> CrashEvent {
    let data = json!({
        "instance": exit.instance,
        "index": exit.index,
        "exit_description": exit.exit_description,
        "exit_status": exit.exit_status,
        "reason": "CRASHED",
    });
    CrashEvent {
        guid: random_guid(),
        process: exit.process.clone(),
        target,
        data: data.to_string(),
        at: now(),
    }
}
