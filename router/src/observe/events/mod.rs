//! Events: gorouter's component log, one JSON object per line on stdout.
//!
//! In: `tracing` events of every room; the message is gorouter's event name, the fields are facts.
//! Out: `{"log_level":1,"timestamp":…,"message":"…","source":"…","data":{…}}` lines, whole and in
//! order, written by one thread. Never: a worker that waits for stdout. When the queue is full an
//! event is dropped and counted, and the count is an event itself.

mod json;
mod layer;
mod queue;

pub use json::write_string;
pub use layer::{EventCounts, EventLayer};
pub use queue::EventQueue;

use std::io;
use std::sync::Arc;

use thiserror::Error;
use tracing::Level;
use tracing::subscriber::SetGlobalDefaultError;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

use crate::config::{LogLevel, ObserveConfig};

use super::zone::Zone;

/// The running component log. Dropping it writes what waits, for at most a second.
#[derive(Debug)]
pub struct Events {
    queue: EventQueue,
    counts: Arc<EventCounts>,
}

/// Events cannot be printed.
#[derive(Debug, Error)]
pub enum EventsError {
    /// No thread could be made.
    #[error("no thread for the events")]
    Thread(#[source] io::Error),
    /// Something else in this process listens to events already.
    #[error("events are listened to already")]
    Taken(#[source] SetGlobalDefaultError),
}

impl Events {
    /// Prints this process's events to stdout from now on.
    ///
    /// # Errors
    ///
    /// Fails when no thread can be made, or when something else listens already.
    pub fn start(config: &ObserveConfig, zone: Zone) -> Result<Self, EventsError> {
        let queue = EventQueue::start(io::stdout()).map_err(EventsError::Thread)?;
        let layer = EventLayer::new(config, zone, queue.clone());
        let counts = layer.counts();
        let subscriber = Registry::default().with(layer.with_filter(targets(config.level)));
        tracing::subscriber::set_global_default(subscriber).map_err(EventsError::Taken)?;
        Ok(Self { queue, counts })
    }

    /// How many events there were of each level.
    #[must_use]
    pub fn counts(&self) -> Arc<EventCounts> {
        Arc::clone(&self.counts)
    }

    /// Waits until all events so far are written, for at most a second.
    pub fn flush(&self) {
        self.queue.flush();
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.flush();
    }
}

/// Our own events from this level on; of the libraries only what went wrong.
fn targets(level: LogLevel) -> Targets {
    let level = match level {
        LogLevel::Debug => Level::DEBUG,
        LogLevel::Info => Level::INFO,
        LogLevel::Warn => Level::WARN,
        LogLevel::Error => Level::ERROR,
    };
    let ours = ["router", "bus", "switchyard"].map(|target| (target, level));
    Targets::new()
        .with_default(level.min(Level::WARN))
        .with_targets(ours)
}

#[cfg(test)]
mod tests;
