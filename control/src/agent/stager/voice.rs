//! What a build says, line by line, to the application's log.

use std::collections::VecDeque;
use std::time::{SystemTime, UNIX_EPOCH};

use bus::Bus;

use crate::wire::{LogBatch, LogRecord, LogStream, Wire, subject};

/// The voice of one build.
#[derive(Debug)]
pub(super) struct Voice {
    bus: Bus,
    app: String,
    last: VecDeque<String>,
    lost: u64,
}

impl Voice {
    pub(super) fn new(bus: Bus, app: &str) -> Self {
        Self {
            bus,
            app: app.to_owned(),
            last: VecDeque::new(),
            lost: 0,
        }
    }

    /// Says what the stager itself does.
    pub(super) async fn say(&mut self, text: impl Into<String>) {
        self.publish(vec![text.into()], LogStream::Out).await;
    }

    /// Says what went wrong, one record for each line.
    pub(super) async fn complain(&mut self, text: &str) {
        let lines = text.lines().map(str::to_owned).collect();
        self.publish(lines, LogStream::Err).await;
    }

    /// Passes on what buildpacks print, and remembers the end of it.
    pub(super) async fn pass(&mut self, lines: Vec<String>) {
        for line in lines.iter().filter(|line| !line.trim().is_empty()) {
            self.last.push_back(line.clone());
            if self.last.len() > LAST_LINES {
                self.last.pop_front();
            }
        }
        for part in lines.chunks(BATCH_LINES) {
            self.publish(part.to_vec(), LogStream::Out).await;
        }
    }

    /// The last lines that buildpacks printed.
    pub(super) fn last_lines(&self) -> Vec<String> {
        self.last.iter().cloned().collect()
    }

    async fn publish(&mut self, lines: Vec<String>, stream: LogStream) {
        if lines.is_empty() {
            return;
        }
        let count = lines.len() as u64;
        let time_ns = now_ns();
        let records = lines.into_iter().map(|text| LogRecord {
            time_ns,
            source_type: SOURCE.to_owned(),
            instance: "0".to_owned(),
            stream,
            text,
        });
        let batch = LogBatch {
            app: self.app.clone(),
            records: records.collect(),
            lost: self.lost,
        };
        let subject = subject::logs(&self.app);
        match self.bus.publish(&subject, batch.encode().into()).await {
            Ok(()) => self.lost = 0,
            Err(_) => self.lost += count,
        }
    }
}

fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    })
}

/// A line has at most 950 bytes, which escaping may make six times as long.
const BATCH_LINES: usize = 128;
const LAST_LINES: usize = 10;
const SOURCE: &str = "STG";
