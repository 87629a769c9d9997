//! What is to be done, and why.

/// One order to the agents.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Action {
    /// An index needs an instance.
    Start {
        /// The process.
        process: String,
        /// Its live version.
        version: String,
        /// From 0.
        index: u32,
        /// How urgent it was.
        priority: Priority,
        /// Why.
        reason: StartReason,
    },
    /// An instance is not needed.
    Stop {
        /// The process.
        process: String,
        /// The version that the instance is of.
        version: String,
        /// The instance's own guid.
        instance: String,
        /// From 0.
        index: u32,
        /// Why.
        reason: StopReason,
    },
}

/// Which starts go first when there are more than may go out at once.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Priority {
    /// Its node went or goes.
    High,
    /// It is missing or newly desired.
    Normal,
    /// It crashed.
    Low,
}

/// Why an index needs an instance.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum StartReason {
    /// The desired state was changed.
    Changed,
    /// The last instance crashed.
    Crashed,
    /// Its node is being emptied.
    Evacuated,
    /// It crashed several times, and its delay is over.
    Flapping,
    /// Nobody has reported an instance for too long.
    Missing,
    /// Its node is gone.
    NodeGone,
    /// There was no room before, or its node had failed it.
    Retried,
    /// The last instance was told to end.
    Stopped,
}

impl StartReason {
    pub(super) fn priority(self) -> Priority {
        match self {
            Self::Evacuated | Self::NodeGone => Priority::High,
            Self::Changed | Self::Missing | Self::Retried | Self::Stopped => Priority::Normal,
            Self::Crashed | Self::Flapping => Priority::Low,
        }
    }
}

/// Why an instance is not needed.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum StopReason {
    /// Another instance of its index runs.
    Duplicate,
    /// Its node is being emptied, and its replacement runs.
    Evacuated,
    /// Its index is no longer desired.
    Extra,
    /// An instance of the live version runs in its place.
    OldVersion,
    /// The process is stopped.
    Stopped,
    /// There is no such process.
    Unknown,
}
