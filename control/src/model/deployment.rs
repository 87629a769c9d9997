//! Deployments: a new process takes the place of an old one, step by step.

use super::Micros;
use super::words::words;

words! {
    /// How the instances are replaced.
    Strategy {
        /// A few new instances, then a pause until somebody says go on; once or in several steps.
        Canary = "canary",
        /// A few at a time.
        Rolling = "rolling",
    }
}

words! {
    /// How far a deployment has come.
    DeploymentState {
        /// The old process has its instances again.
        Canceled = "CANCELED",
        /// The old process gets its instances back.
        Canceling = "CANCELING",
        /// The new process has taken over.
        Deployed = "DEPLOYED",
        /// Instances are being replaced.
        Deploying = "DEPLOYING",
        /// The canary runs, and somebody has to say go on.
        Paused = "PAUSED",
        /// A newer deployment has taken over.
        Superseded = "SUPERSEDED",
    }
}

impl DeploymentState {
    /// `ACTIVE` while something is still to do, `FINALIZED` after.
    #[must_use]
    pub const fn status_value(self) -> &'static str {
        match self {
            Self::Canceling | Self::Deploying | Self::Paused => ACTIVE,
            Self::Canceled | Self::Deployed | Self::Superseded => FINALIZED,
        }
    }

    /// The word behind the status value; it is the state's own.
    #[must_use]
    pub const fn status_reason(self) -> &'static str {
        self.as_str()
    }

    /// Whether something is still to do.
    #[must_use]
    pub const fn is_active(self) -> bool {
        match self {
            Self::Canceling | Self::Deploying | Self::Paused => true,
            Self::Canceled | Self::Deployed | Self::Superseded => false,
        }
    }

    /// Whether a deployment that stands here may go there.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        match (self, next) {
            (Self::Deploying | Self::Paused, Self::Canceling | Self::Superseded)
            | (Self::Deploying, Self::Deployed | Self::Paused)
            | (Self::Paused, Self::Deploying)
            | (Self::Canceling, Self::Canceled | Self::Superseded) => true,
            (
                Self::Canceled
                | Self::Canceling
                | Self::Deployed
                | Self::Deploying
                | Self::Paused
                | Self::Superseded,
                _,
            ) => false,
        }
    }
}

/// One deployment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Deployment {
    /// Its guid.
    pub guid: String,
    /// The application that is deployed.
    pub app_guid: String,
    /// How far it has come.
    pub state: DeploymentState,
    /// How the instances are replaced.
    pub strategy: Strategy,
    /// How many new instances may be on their way at once.
    pub max_in_flight: u32,
    /// Percent of the instances that are new at each pause of a canary, rising; none is one instance.
    pub canary_steps: Vec<u32>,
    /// How many of these pauses were reached.
    pub canaries_ran: u32,
    /// What the new process runs.
    pub droplet_guid: String,
    /// What the old process runs.
    pub previous_droplet_guid: Option<String>,
    /// The new process.
    pub process_guid: String,
    /// The old process.
    pub previous_process_guid: String,
    /// How many instances the old process had.
    pub original_instances: u32,
    /// How many instances the new process is to have.
    pub desired_instances: u32,
    /// When it is cancelled by the platform.
    pub deadline: Micros,
    /// When it was asked for.
    pub created_at: Micros,
    /// When it was last changed.
    pub updated_at: Micros,
}

/// How many pauses a deployment has.
#[must_use]
pub fn canary_pauses(strategy: Strategy, steps: &[u32]) -> u32 {
    match strategy {
        Strategy::Canary => u32::try_from(steps.len()).unwrap_or(u32::MAX).max(1),
        Strategy::Rolling => 0,
    }
}

/// How many of `goal` instances are new before the pause that comes after `ran` others.
#[must_use]
pub fn canary_size(steps: &[u32], ran: u32, goal: u32) -> u32 {
    let step = usize::try_from(ran).ok().and_then(|ran| steps.get(ran));
    let percent = u64::from(step.copied().unwrap_or(0).min(100));
    let share = (u64::from(goal) * percent + 50) / 100;
    u32::try_from(share).unwrap_or(goal).max(1).min(goal)
}

/// The status value of a deployment that has something to do.
pub const ACTIVE: &str = "ACTIVE";

/// The status value of a deployment that is over.
pub const FINALIZED: &str = "FINALIZED";

#[cfg(test)]
mod tests {
    use super::DeploymentState as State;

    const ALL: [State; 6] = [
        State::Canceled,
        State::Canceling,
        State::Deployed,
        State::Deploying,
        State::Paused,
        State::Superseded,
    ];

    #[test]
    fn what_is_finalized_never_changes_and_what_is_active_can() {
        for state in ALL {
            let moves = ALL.iter().any(|&next| state.may_become(next));
            assert_eq!(moves, state.is_active(), "{state:?}");
            assert_eq!(state.status_value() == "ACTIVE", state.is_active());
        }
    }

    #[test]
    fn a_canary_is_its_share_of_the_instances_and_at_least_one() {
        let sizes = |steps: &[u32], goal| [0, 1, 2].map(|ran| super::canary_size(steps, ran, goal));
        assert_eq!(sizes(&[1, 50, 100], 10), [1, 5, 10]);
        assert_eq!(sizes(&[25, 26, 75], 2), [1, 1, 2]);
        assert_eq!(sizes(&[], 3)[0], 1);
        assert_eq!(sizes(&[50], 0)[0], 0);
        assert_eq!(super::canary_pauses(super::Strategy::Canary, &[]), 1);
        assert_eq!(super::canary_pauses(super::Strategy::Rolling, &[]), 0);
    }

    #[test]
    fn a_cancelled_deployment_is_never_deployed() {
        assert!(!State::Canceling.may_become(State::Deployed));
        assert!(!State::Canceling.may_become(State::Deploying));
    }
}
