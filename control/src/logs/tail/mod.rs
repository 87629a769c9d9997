//! The tail of an instance: its files read to their end and on, line by line, onto the bus.
//!
//! `lines` cuts bytes into records, `file` reads on from an offset and gives disk space back, `rate`
//! says how many records may go, `allowance` how many bytes by the user's own limit, `round` puts these together, `follow` is the task that does so
//! again and again, `offsets` is what outlives the agent.

mod allowance;
mod file;
mod follow;
mod lines;
mod offsets;
mod rate;
mod round;

pub use file::{LineFile, Lines};
pub use follow::{Following, Tail, TailTarget};
pub use lines::End;
