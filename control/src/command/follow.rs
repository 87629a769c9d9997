//! Following: log records from the bus into the recent past.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bus::{Bus, BusError};

use crate::logs::Recent;
use crate::wire::{LogBatch, Wire, subject};

/// Puts every record of the bus into the ring, until the bus is closed.
pub(super) async fn follow(bus: Bus, recent: Arc<Recent>) -> Result<(), BusError> {
    let mut batches = bus.subscribe(subject::ALL_LOGS).await?;
    while let Some(message) = batches.next().await {
        let Ok(batch) = LogBatch::decode(&message.payload) else {
            tracing::debug!(subject = %message.subject, "bus-message-dropped");
            continue;
        };
        take(&recent, batch, now_ns());
    }
    Ok(())
}

fn take(recent: &Recent, batch: LogBatch, now_ns: i64) {
    let LogBatch { app, records, lost } = batch;
    for record in records {
        recent.push(&app, record, now_ns);
    }
    recent.lost(&app, lost, now_ns);
}

fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = since.map_or(0, |since| since.as_nanos());
    i64::try_from(now).unwrap_or(i64::MAX)
}
