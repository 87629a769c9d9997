//! Access log: one line per exchange, byte for byte gorouter's.
//!
//! In: a [`Record`] from the worker whose exchange has ended. Out: lines in the file, in the order
//! of each core (between cores only the timestamps tell). On the way: [`LineWriter`] makes the
//! line, the core's ring carries it, one thread writes the file.
//! Never: a worker that waits. A line that does not fit into its ring is dropped and counted.

mod core_log;
mod line;
mod quote;
mod record;
mod ring;
mod sink;
#[cfg(test)]
mod tests;

pub use core_log::CoreLog;
pub use line::LineWriter;
pub use record::{Extra, Record};
pub use ring::{Dropped, LogProducer};
pub use sink::{AccessLog, Unwritten};
