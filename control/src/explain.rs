//! How an error is told to a person: what went wrong, why, and what helps.

use std::error::Error;
use std::fmt::Write as _;
use std::process::ExitCode;

/// An error that ends a command.
pub trait Explain: Error {
    /// What the reader can do about it, if we know.
    fn help(&self) -> Option<String>;

    /// What the process answers to its caller.
    fn exit(&self) -> Exit;
}

/// Exit codes of `switchyard` other than success.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    /// The operation failed (1).
    Failed,
    /// Something that we need cannot be reached (3).
    Unreachable,
    /// The command line or a setting is wrong (2).
    Usage,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Failed => Self::from(1),
            Exit::Usage => Self::from(2),
            Exit::Unreachable => Self::from(3),
        }
    }
}

/// Renders `error: …`, one `= note:` for each cause and one `= help:`, each on its own line.
pub fn tell(error: &dyn Explain) -> String {
    let mut text = format!("error: {error}\n");
    let mut cause = error.source();
    while let Some(reason) = cause {
        let _ = writeln!(text, "  = note: {reason}");
        cause = reason.source();
    }
    if let Some(help) = error.help() {
        let _ = writeln!(text, "  = help: {help}");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot open the door")]
    struct Stuck(#[source] io::Error);

    impl Explain for Stuck {
        fn help(&self) -> Option<String> {
            Some("push harder".to_owned())
        }

        fn exit(&self) -> Exit {
            Exit::Unreachable
        }
    }

    #[test]
    fn the_cause_and_the_help_follow_the_error() {
        let told = tell(&Stuck(io::Error::other("rust")));
        assert_eq!(
            told,
            "error: cannot open the door\n  = note: rust\n  = help: push harder\n"
        );
    }
}
