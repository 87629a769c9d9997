//! One index of a process: whether it has an instance, and what is planned when it has none.

use crate::model::Micros;

use super::action::StartReason;

/// What is known of one index of the live version.
#[derive(Clone, Debug)]
pub(super) struct Index {
    pub(super) plan: Plan,
    /// Crashes that count towards giving up.
    pub(super) crashes: u32,
    /// Starts in a row that its node failed.
    pub(super) refusals: u32,
    /// The last end that was not asked for.
    pub(super) last_crash: Option<Micros>,
    /// Why it has no instance, for people.
    pub(super) details: Option<String>,
    /// Since when two instances serve it.
    pub(super) doubled: Option<Micros>,
}

/// What becomes of an index.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Plan {
    /// An instance runs or starts.
    Covered,
    /// It will be started at `due`, past the queue.
    Delayed { due: Micros, reason: StartReason },
    /// It crashed too often to be started at once; the noise of its delay is not drawn yet.
    Flapping { crashed: Micros },
    /// It crashed too often to be started at all.
    GivenUp,
    /// No instance is known, and nobody has said why.
    Missing { since: Micros },
    /// A start waits for its turn.
    Queued { reason: StartReason },
    /// A start was handed out.
    Sent { at: Micros },
}

impl Index {
    pub(super) fn new(plan: Plan) -> Self {
        Self {
            plan,
            crashes: 0,
            refusals: 0,
            last_crash: None,
            details: None,
            doubled: None,
        }
    }
}
