//! Why a build failed, in the words that its owner gets.

use std::fmt::Write as _;

use super::task::Phase;

/// The kinds of failure that clients tell apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// A buildpack could not build the application.
    BuildpackCompileFailed,
    /// A buildpack could not say how to start it.
    BuildpackReleaseFailed,
    /// No buildpack wanted it.
    NoAppDetectedError,
    /// Anything else.
    StagingError,
}

impl Fault {
    /// The name in `error_info.type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::BuildpackCompileFailed => "BuildpackCompileFailed",
            Self::BuildpackReleaseFailed => "BuildpackReleaseFailed",
            Self::NoAppDetectedError => "NoAppDetectedError",
            Self::StagingError => "StagingError",
        }
    }

    // compat: the first sentence is Cloud Foundry's; people search for it.
    fn sentence(self) -> &'static str {
        match self {
            Self::BuildpackCompileFailed => "App staging failed in the buildpack compile phase",
            Self::BuildpackReleaseFailed => "App staging failed in the buildpack release phase",
            Self::NoAppDetectedError => {
                "An app was not successfully detected by any available buildpack"
            }
            Self::StagingError => "Staging error",
        }
    }
}

/// What the build was allowed to take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Memory in MB.
    pub memory_mb: u64,
    /// Disk in MB.
    pub disk_mb: u64,
    /// Seconds from its start to its end.
    pub seconds: u64,
}

/// A build that failed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failure {
    /// Which kind of failure.
    pub fault: Fault,
    /// What was going on.
    pub phase: Phase,
    /// What went wrong, in one line.
    pub reason: String,
}

impl Failure {
    /// A failure of the platform or of what it was given, not of a buildpack.
    pub fn staging(phase: Phase, reason: impl Into<String>) -> Self {
        Self {
            fault: Fault::StagingError,
            phase,
            reason: reason.into(),
        }
    }

    /// The whole text: sentence, reason, phase, limits and the last lines that were printed.
    pub fn message(&self, limits: Limits, last_lines: &[String]) -> String {
        let mut text = format!(
            "{}: {} (phase: {}; limits: memory {} MB, disk {} MB, {} s)",
            self.fault.sentence(),
            self.reason,
            self.phase.name(),
            limits.memory_mb,
            limits.disk_mb,
            limits.seconds,
        );
        if !last_lines.is_empty() {
            let _ = write!(text, "\nlast output:");
        }
        for line in last_lines {
            let _ = write!(text, "\n  {line}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_names_phase_limits_and_last_lines() {
        let failure = Failure {
            fault: Fault::BuildpackCompileFailed,
            phase: Phase::Building,
            reason: "`python` ended with status 1".to_owned(),
        };
        let limits = Limits {
            memory_mb: 1024,
            disk_mb: 4096,
            seconds: 900,
        };
        let lines = ["no such package".to_owned()];
        assert_eq!(
            failure.message(limits, &lines),
            "App staging failed in the buildpack compile phase: `python` ended with status 1 \
             (phase: building; limits: memory 1024 MB, disk 4096 MB, 900 s)\n\
             last output:\n  no such package"
        );
    }
}
