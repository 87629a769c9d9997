//! Results: everything that was found, and the three forms in which it is written down.
//!
//! In: rows from the scenarios. Out: `latest.md` for people, `latest.json` for machines (and for the next run, which
//! replaces only the rows of what it asks), a plot for the README. Nothing is measured or judged here.

mod book;
mod markdown;
mod plot;
mod rows;

pub(crate) use book::{Book, Run};
pub(crate) use rows::{Figure, Ratio, Results};
