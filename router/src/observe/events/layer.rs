//! Layer: one `tracing` event as one line (gorouter 9.3).

use std::error::Error;
use std::fmt::{self, Debug, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use crate::config::{ObserveConfig, TimestampFormat};
use crate::observe::stamp::Stamp;
use crate::observe::zone::Zone;

use super::json::write_string;
use super::queue::EventQueue;

/// Makes lines of events and queues them.
#[derive(Debug)]
pub struct EventLayer {
    source: Box<str>,
    timestamp: TimestampFormat,
    stamp: Stamp,
    queue: EventQueue,
    counts: Arc<EventCounts>,
}

/// How many events there were of each level.
#[derive(Debug, Default)]
pub struct EventCounts([AtomicU64; LEVELS.len()]);

impl EventCounts {
    /// Level names with their counts, lowest first.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        LEVELS
            .into_iter()
            .zip(self.0.iter().map(|count| count.load(Ordering::Relaxed)))
    }

    fn count(&self, level: usize) {
        if let Some(count) = self.0.get(level) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl EventLayer {
    /// Prints as the operator wants it.
    #[must_use]
    pub fn new(config: &ObserveConfig, zone: Zone, queue: EventQueue) -> Self {
        Self {
            source: config.source.as_str().into(),
            timestamp: config.timestamp,
            stamp: Stamp::new(zone),
            queue,
            counts: Arc::default(),
        }
    }

    /// How many events there were of each level.
    #[must_use]
    pub fn counts(&self) -> Arc<EventCounts> {
        Arc::clone(&self.counts)
    }

    fn line(&self, level: usize, source: &[&str], facts: &Facts, now: SystemTime) -> Vec<u8> {
        let mut line = Vec::with_capacity(facts.data.len() + 160);
        line.extend_from_slice(b"{\"log_level\":");
        line.extend_from_slice(itoa::Buffer::new().format(level).as_bytes());
        line.extend_from_slice(b",\"timestamp\":");
        self.write_timestamp(&mut line, now);
        line.extend_from_slice(b",\"message\":");
        write_string(&mut line, &facts.message);
        line.extend_from_slice(b",\"source\":");
        write_string(&mut line, &source.join("."));
        line.extend_from_slice(b",\"data\":{");
        line.extend_from_slice(&facts.data);
        line.extend_from_slice(b"}}");
        line
    }

    fn write_timestamp(&self, line: &mut Vec<u8>, now: SystemTime) {
        match self.timestamp {
            TimestampFormat::Rfc3339 => {
                line.push(b'"');
                self.stamp.clone().write(line, now);
                line.push(b'"');
            }
            TimestampFormat::UnixEpoch => {
                let since = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
                line.extend_from_slice(since.as_secs_f64().to_string().as_bytes());
            }
        }
    }
}

impl<S: Subscriber> Layer<S> for EventLayer {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let level = number(*event.metadata().level());
        self.counts.count(level);
        let mut facts = Facts::default();
        event.record(&mut facts);
        let now = SystemTime::now();
        let source: &str = &self.source;
        let source = [Some(source), room(event.metadata().target())];
        let source: Vec<&str> = source.into_iter().flatten().collect();
        self.queue.push(self.line(level, &source, &facts, now));
        let dropped = self.queue.take_dropped();
        if dropped > 0 {
            let mut facts = Facts {
                message: "events-dropped".into(),
                ..Facts::default()
            };
            facts.write("count", dropped);
            self.queue.push(self.line(2, &source, &facts, now));
        }
    }
}

/// The room within our crate, or the whole crate of somebody else.
fn room(target: &str) -> Option<&str> {
    let mut parts = target.split("::");
    match parts.next() {
        Some("router") => parts.next(),
        other => other,
    }
}

/// What one event says.
#[derive(Debug, Default)]
struct Facts {
    message: String,
    /// The fields as the inside of a JSON object.
    data: Vec<u8>,
}

impl Facts {
    fn key(&mut self, key: &str) {
        if !self.data.is_empty() {
            self.data.push(b',');
        }
        write_string(&mut self.data, key);
        self.data.push(b':');
    }

    /// Adds a value that JSON prints as Rust does.
    fn write(&mut self, key: &str, value: impl fmt::Display) {
        self.key(key);
        self.data.extend_from_slice(value.to_string().as_bytes());
    }

    fn write_text(&mut self, key: &str, text: &str) {
        self.key(key);
        write_string(&mut self.data, text);
    }
}

impl Visit for Facts {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = format!("{value:?}");
        self.record_str(field, &text);
    }

    fn record_str(&mut self, field: &Field, text: &str) {
        match field.name() {
            "message" => self.message = text.to_owned(),
            key => self.write_text(key, text),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.write(field.name(), value);
        } else {
            self.write_text(field.name(), &value.to_string());
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.write(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.write(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.write(field.name(), value);
    }

    fn record_error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        let mut chain = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let _infallible = write!(chain, ": {cause}");
            source = cause.source();
        }
        self.write_text(field.name(), &chain);
    }
}

/// gorouter's number for a level.
fn number(level: Level) -> usize {
    match level {
        Level::ERROR => 3,
        Level::WARN => 2,
        Level::INFO => 1,
        _ => 0,
    }
}

const LEVELS: [&str; 4] = ["debug", "info", "warn", "error"];
