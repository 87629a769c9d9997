//! The course of one build: its phases, one after the other, against a deadline.

/// What a build is doing. The order is the order in which it happens.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Phase {
    /// Waiting for room on the node.
    Admitting,
    /// The package is fetched.
    Downloading,
    /// The package is unpacked.
    Unpacking,
    /// Buildpacks are fetched.
    Fetching,
    /// The buildpacks run.
    Building,
    /// What starts the application is found out.
    Releasing,
    /// The droplet is packed.
    Packing,
    /// The droplet is sent.
    Uploading,
    /// All is done.
    Done,
}

impl Phase {
    /// The word for it in logs and errors.
    pub fn name(self) -> &'static str {
        match self {
            Self::Admitting => "admitting",
            Self::Building => "building",
            Self::Done => "done",
            Self::Downloading => "downloading",
            Self::Fetching => "fetching buildpacks",
            Self::Packing => "packing",
            Self::Releasing => "releasing",
            Self::Unpacking => "unpacking",
            Self::Uploading => "uploading",
        }
    }
}

/// Where a build stands. Instants are microseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub struct StagingTask {
    phase: Phase,
    begun: i64,
    deadline: i64,
}

impl StagingTask {
    /// Begins a build that may take `limit_micros`.
    pub fn begin(now: i64, limit_micros: i64) -> Self {
        Self {
            phase: Phase::Admitting,
            begun: now,
            deadline: now.saturating_add(limit_micros.max(0)),
        }
    }

    /// Goes on to a phase; a build never goes back, so an earlier phase changes nothing.
    pub fn enter(&mut self, phase: Phase) {
        self.phase = self.phase.max(phase);
    }

    /// What it is doing.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Microseconds that are left; 0 when it is too late.
    pub fn left(&self, now: i64) -> i64 {
        self.deadline.saturating_sub(now).max(0)
    }

    /// Microseconds since it began.
    pub fn taken(&self, now: i64) -> i64 {
        now.saturating_sub(self.begun).max(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_never_goes_back() {
        let mut task = StagingTask::begin(0, 10);
        task.enter(Phase::Packing);
        task.enter(Phase::Downloading);
        assert_eq!(task.phase(), Phase::Packing);
    }

    #[test]
    fn time_runs_out_and_not_below() {
        let task = StagingTask::begin(100, 50);
        assert_eq!(task.left(120), 30);
        assert_eq!(task.left(200), 0);
        assert_eq!(task.taken(120), 20);
        assert_eq!(task.taken(90), 0);
    }
}
