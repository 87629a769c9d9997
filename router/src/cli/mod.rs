//! Command line: what the operator wants, in one word.
//!
//! In come the arguments of the process. Out goes an [`Action`]: a configuration to run with, or
//! the exit code of a command that is already done (`check`, `config show`, `healthcheck`). It
//! prints, reads the configuration file and asks the status port; it never starts the router.

mod act;
mod args;
mod check;
mod healthcheck;
mod start;

pub use act::{Action, act};
