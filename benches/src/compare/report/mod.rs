//! Results: everything that was found, and the three forms in which it is written down.
//!
//! In: rows from the scenarios. Out: `latest.md` for people, `latest.json` for machines, a plot for the README.
//! Nothing is measured or judged here.

mod markdown;
mod plot;
mod rows;

pub(crate) use markdown::markdown;
#[cfg(test)]
use rows::sample;
pub(crate) use rows::{Figure, Ratio, Results};
