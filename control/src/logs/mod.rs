//! Logs: what applications and the platform say, from the files of an instance to whoever reads.
//!
//! On the node, [`Tail`] follows the files that an instance writes and publishes their lines on the
//! bus, at a bounded rate and from where an earlier agent stopped. Where they arrive, [`Recent`]
//! keeps the recent past of each application in the order of arrival: never two records of one
//! application with the same instant. Neither ever loses a line without telling it in the stream, but for an
//! application that may say nothing at all.
//!
//! The room never speaks HTTP, and decides nothing about an instance.

mod recent;
mod tail;

pub use recent::{Entry, Meta, Order, Recent, RecentLimits, Window};
pub use tail::{End, Following, LineFile, Lines, Tail, TailTarget};
