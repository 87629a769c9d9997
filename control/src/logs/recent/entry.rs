//! What comes out of the ring, and how it is asked for.

use crate::wire::{LogRecord, LogStream};

/// One record of the ring.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// When it arrived, nanoseconds since 1970; no other record of the application has the same.
    pub time_ns: i64,
    /// When its writer saw it, nanoseconds since 1970.
    pub sent_ns: i64,
    /// Who says it.
    pub source_type: Box<str>,
    /// Index of the instance.
    pub instance: Box<str>,
    /// Where it was written.
    pub stream: LogStream,
    /// The line.
    pub text: Box<str>,
}

impl Entry {
    pub(super) fn arrived(record: LogRecord, time_ns: i64) -> Self {
        Self {
            time_ns,
            sent_ns: record.time_ns,
            source_type: record.source_type.into(),
            instance: record.instance.into(),
            stream: record.stream,
            text: record.text.into(),
        }
    }

    /// What the record costs, its own fields included.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.source_type.len() + self.instance.len() + self.text.len()
    }
}

/// Which part of an application's past is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Window {
    /// The first instant, inclusive, nanoseconds since 1970.
    pub start_ns: i64,
    /// The first instant after the window, exclusive.
    pub end_ns: i64,
    /// How many records at most: the first ones in the order asked for.
    pub limit: usize,
    /// Oldest or newest first.
    pub order: Order,
}

/// Which record comes first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Order {
    /// The oldest.
    Ascending,
    /// The newest.
    Descending,
}

/// What is kept of one application.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Meta {
    /// The application's guid.
    pub app: String,
    /// Records kept.
    pub count: usize,
    /// Records that made room for newer ones.
    pub expired: u64,
    /// Instant of the oldest record kept, nanoseconds since 1970.
    pub oldest_ns: i64,
    /// Instant of the newest record kept, nanoseconds since 1970.
    pub newest_ns: i64,
}
