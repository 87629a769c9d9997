//! Core log: one worker's way into the access log.

use crate::config::ObserveConfig;
use crate::observe::zone::Zone;

use super::line::LineWriter;
use super::record::Record;
use super::ring::{Dropped, LogProducer};

/// What one worker logs with: the line is made here and copied once, into the core's ring.
#[derive(Debug)]
pub struct CoreLog {
    writer: LineWriter,
    line: Vec<u8>,
    producer: LogProducer,
}

impl CoreLog {
    /// Logs into this ring.
    #[must_use]
    pub fn new(config: &ObserveConfig, zone: Zone, producer: LogProducer) -> Self {
        let line = Vec::with_capacity(USUAL_LINE_BYTES);
        Self {
            writer: LineWriter::new(config, zone),
            line,
            producer,
        }
    }

    /// Logs one exchange. Never waits.
    ///
    /// # Errors
    ///
    /// Fails when the ring is full; that is counted already.
    pub fn log(&mut self, record: &Record<'_>) -> Result<(), Dropped> {
        self.line.clear();
        self.line.shrink_to(MAX_KEPT_BYTES);
        self.writer.write_line(&mut self.line, record);
        self.producer.push(&self.line)
    }
}

const USUAL_LINE_BYTES: usize = 1 << 10;
/// One monstrous line does not stay allocated.
const MAX_KEPT_BYTES: usize = 64 << 10;
