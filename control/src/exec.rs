//! The shim that ties a child's life to its parent's.
//!
//! `switchyard exec --parent PID -- PROGRAM ARG…` asks the kernel for SIGTERM when the parent dies
//! and then becomes the program, so that even a parent that was killed leaves no orphan. A shim,
//! because doing the same between fork and exec would need `unsafe`.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Signal, getppid, set_parent_process_death_signal};

use crate::explain::{Exit, Explain};

/// What to become, and on whose life it depends.
#[derive(Clone, Debug, clap::Args)]
pub struct ExecOptions {
    /// The process whose end ends the program
    #[arg(long)]
    parent: i32,

    /// The program and its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// Becomes the program; returns only when that failed.
pub fn run(options: &ExecOptions) -> ExecError {
    if let Err(error) = set_parent_process_death_signal(Some(Signal::TERM)) {
        return ExecError::Tie(error.into());
    }
    // invariant: asked after the tie, so that a parent that died in between is noticed here.
    if getppid().map(|pid| pid.as_raw_nonzero().get()) != Some(options.parent) {
        return ExecError::Orphan {
            parent: options.parent,
        };
    }
    let mut words = options.command.iter();
    let Some(program) = words.next() else {
        return ExecError::NoProgram;
    };
    let source = Command::new(program).args(words).exec();
    ExecError::Program {
        program: program.clone(),
        source,
    }
}

/// Why the shim could not become the program.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// Nothing follows `--`.
    #[error("no program was named")]
    NoProgram,
    /// The parent had already ended.
    #[error("process {parent} is gone, so there is nobody to run for")]
    Orphan {
        /// The process that was expected to be the parent.
        parent: i32,
    },
    /// The program could not be started.
    #[error("cannot run {}", program.display())]
    Program {
        /// The program's path as it was given.
        program: OsString,
        /// What the kernel said.
        source: io::Error,
    },
    /// The kernel refused the tie.
    #[error("cannot ask for a signal at the parent's end")]
    Tie(#[source] io::Error),
}

impl Explain for ExecError {
    fn help(&self) -> Option<String> {
        None
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NoProgram => Exit::Usage,
            Self::Orphan { .. } | Self::Program { .. } | Self::Tie(_) => Exit::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_of_somebody_elses_child_is_not_started() {
        let options = ExecOptions {
            parent: i32::MAX,
            command: vec!["/bin/true".into()],
        };
        // Runs on a thread: the tie is the thread's and ends with it.
        let refused = std::thread::spawn(move || run(&options)).join().unwrap();
        assert!(matches!(refused, ExecError::Orphan { .. }));
    }
}
