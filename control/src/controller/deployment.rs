//! Deployments, decided: what is to change now, so that the new process takes the old ones' place.

use crate::model::DeploymentState;

/// A deployment and the processes that it is about, as they stand now.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    /// How far it has come.
    pub(super) state: DeploymentState,
    /// How many new instances are wanted before the next pause; `None` when there is no pause left.
    pub(super) canary: Option<u32>,
    /// How many new instances may be on their way at once, at least 1.
    pub(super) max_in_flight: u32,
    /// How many instances the new process is to have.
    pub(super) goal: u32,
    /// How many instances come back when it is canceled.
    pub(super) original: u32,
    /// Whether the application should run at all.
    pub(super) started: bool,
    /// Whether a newer deployment of the application goes on.
    pub(super) superseded: bool,
    /// Whether nothing has happened for too long.
    pub(super) overdue: bool,
    /// The new process.
    pub(super) new: Fleet,
    /// The process that comes back when it is canceled.
    pub(super) previous: Fleet,
    /// How many instances are wanted of each other process, oldest first, the previous one included.
    pub(super) old: Vec<u32>,
}

/// The instances of one process.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Fleet {
    /// How many are wanted.
    pub(super) wanted: u32,
    /// How many get requests.
    pub(super) routable: u32,
    /// How many have crashed.
    pub(super) crashed: u32,
}

/// What is to change now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Step {
    /// Give the previous process its instances back.
    Cancel,
    /// The previous process is back: the others go.
    Canceled,
    /// The new process has taken over: the others go.
    Deployed,
    /// The canaries run: wait for somebody to say go on.
    Pause,
    /// Change how many instances are wanted.
    Scale {
        /// Of the new process.
        new: u32,
        /// Of each other process, as many as in the scene.
        old: Vec<u32>,
    },
    /// Let the previous process have so many instances, and the new one so many.
    Restore {
        /// Of the previous process.
        previous: u32,
        /// Of the new process.
        new: u32,
    },
    /// A newer deployment goes on from here.
    Superseded,
    /// Nothing, for now.
    Wait,
}

/// Decides the next step. Whoever carries out steps until there is nothing to do has at every moment
/// as many routable instances as the smaller of the old and the new process.
pub(super) fn decide(scene: &Scene) -> Step {
    if scene.superseded && scene.state.is_active() {
        return Step::Superseded;
    }
    match scene.state {
        DeploymentState::Canceling => restore(scene),
        DeploymentState::Deploying | DeploymentState::Paused if !scene.started => Step::Deployed,
        DeploymentState::Deploying => advance(scene),
        DeploymentState::Canceled
        | DeploymentState::Deployed
        | DeploymentState::Paused
        | DeploymentState::Superseded => Step::Wait,
    }
}

fn advance(scene: &Scene) -> Step {
    let Fleet {
        wanted,
        routable,
        crashed,
    } = scene.new;
    let goal = scene.canary.map_or(scene.goal, |some| some.min(scene.goal));
    let settled = crashed == 0 && routable >= wanted;
    // The first canary comes on top: nobody gives way to it. Those after it take an old one's place.
    let left = match scene.canary {
        Some(_) => scene.original.max(scene.goal).saturating_add(1),
        None => scene.goal,
    };
    let old = lowered(&scene.old, left.saturating_sub(routable));
    if wanted >= goal && routable >= goal {
        return match scene.canary {
            Some(_) if old != scene.old => Step::Scale { new: wanted, old },
            Some(_) => Step::Pause,
            None => Step::Deployed,
        };
    }
    if scene.overdue {
        return Step::Cancel;
    }
    let new = if settled {
        goal.min(routable.saturating_add(scene.max_in_flight))
            .max(wanted)
    } else {
        wanted
    };
    if new == wanted && old == scene.old {
        return Step::Wait;
    }
    Step::Scale { new, old }
}

fn restore(scene: &Scene) -> Step {
    let back = scene.previous.wanted >= scene.original;
    if !scene.started || (back && (scene.previous.routable >= scene.original || scene.overdue)) {
        return Step::Canceled;
    }
    let missing = scene.original.saturating_sub(scene.previous.routable);
    let new = scene.new.wanted.min(missing);
    if back && new == scene.new.wanted {
        return Step::Wait;
    }
    Step::Restore {
        previous: scene.original,
        new,
    }
}

/// Takes instances from the oldest processes first, until `left` are left in all; adds none.
fn lowered(old: &[u32], left: u32) -> Vec<u32> {
    let total = old.iter().fold(0_u32, |sum, one| sum.saturating_add(*one));
    let mut surplus = total.saturating_sub(left);
    let take = |one: &u32| {
        let taken = surplus.min(*one);
        surplus -= taken;
        one - taken
    };
    old.iter().map(take).collect()
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn scene(goal: u32, original: u32, max_in_flight: u32) -> Scene {
        Scene {
            state: DeploymentState::Deploying,
            canary: None,
            max_in_flight,
            goal,
            original,
            started: true,
            superseded: false,
            overdue: false,
            new: Fleet::default(),
            previous: Fleet {
                wanted: original,
                routable: original,
                crashed: 0,
            },
            old: vec![original],
        }
    }

    /// Carries out a step as the driver does; old instances end at once, new ones become routable later.
    fn carry_out(scene: &mut Scene, step: &Step) {
        match step {
            Step::Cancel => scene.state = DeploymentState::Canceling,
            Step::Canceled => {
                scene.state = DeploymentState::Canceled;
                scene.new = Fleet::default();
                scene.previous.wanted = scene.original;
            }
            Step::Deployed => {
                scene.state = DeploymentState::Deployed;
                scene.new.wanted = scene.goal;
                scene.old = Vec::new();
                scene.previous = Fleet::default();
            }
            Step::Pause => {
                scene.state = DeploymentState::Paused;
            }
            Step::Scale { new, old } => {
                scene.new.wanted = *new;
                scene.old.clone_from(old);
                scene.previous.wanted = old[0];
                scene.previous.routable = scene.previous.routable.min(old[0]);
            }
            Step::Restore { previous, new } => {
                scene.previous.wanted = *previous;
                scene.new.wanted = *new;
                scene.new.routable = scene.new.routable.min(*new);
            }
            Step::Superseded => scene.state = DeploymentState::Superseded,
            Step::Wait => {}
        }
    }

    /// One more of the wanted instances becomes routable.
    fn grow(fleet: &mut Fleet) {
        fleet.routable = fleet.wanted.min(fleet.routable + 1);
    }

    proptest! {
        #[test]
        fn a_deployment_ends_and_never_has_too_few(
            goal in 0_u32..12, original in 0_u32..12, max_in_flight in 1_u32..5,
            canaries in proptest::collection::vec(0_u32..13, 0..4), cancel_after in proptest::option::of(0_usize..40),
        ) {
            let mut scene = scene(goal, original, max_in_flight);
            let mut canaries = canaries;
            canaries.sort_unstable();
            let mut canaries = canaries.into_iter();
            scene.canary = canaries.next();
            let floor = goal.min(original);
            for turn in 0..200 {
                if cancel_after == Some(turn) && scene.state == DeploymentState::Deploying {
                    scene.state = DeploymentState::Canceling;
                }
                if scene.state == DeploymentState::Paused {
                    let canary = scene.canary.unwrap_or_default();
                    prop_assert!(scene.new.wanted <= canary && scene.new.routable >= canary.min(goal));
                    prop_assert!(canary > 1 || scene.previous.wanted == original);
                    scene.state = DeploymentState::Deploying;
                    scene.canary = canaries.next();
                }
                let step = decide(&scene);
                carry_out(&mut scene, &step);
                if !scene.state.is_active() {
                    break;
                }
                let serving = scene.new.routable + scene.previous.routable;
                prop_assert!(serving >= floor, "{serving} of {floor}: {scene:?}");
                if scene.state == DeploymentState::Deploying {
                    prop_assert!(scene.new.wanted - scene.new.routable <= max_in_flight);
                    prop_assert!(scene.new.wanted <= goal);
                }
                grow(&mut scene.new);
                grow(&mut scene.previous);
            }
            match scene.state {
                DeploymentState::Deployed => prop_assert_eq!(scene.new.wanted, goal),
                DeploymentState::Canceled => {
                    prop_assert_eq!(scene.previous.wanted, original);
                    prop_assert_eq!(scene.new.wanted, 0);
                }
                other => prop_assert!(false, "it hangs in {other:?}: {scene:?}"),
            }
        }

        #[test]
        fn a_crashing_version_never_costs_more_than_it_brought(
            goal in 1_u32..12, max_in_flight in 1_u32..5, up in 0_u32..12,
        ) {
            let mut scene = scene(goal, goal, max_in_flight);
            let up = up.min(goal - 1);
            for _ in 0..100 {
                scene.new.crashed = u32::from(scene.new.routable >= up);
                let step = decide(&scene);
                carry_out(&mut scene, &step);
                prop_assert!(scene.state == DeploymentState::Deploying);
                if scene.new.routable < up {
                    grow(&mut scene.new);
                }
            }
            prop_assert!(scene.previous.wanted + scene.new.routable >= goal);
            scene.overdue = true;
            prop_assert_eq!(decide(&scene), Step::Cancel);
        }
    }

    #[test]
    fn an_application_that_is_stopped_is_deployed_at_once() {
        let stopped = Scene {
            started: false,
            ..scene(3, 3, 1)
        };
        assert_eq!(decide(&stopped), Step::Deployed);
    }

    #[test]
    fn a_newer_deployment_ends_an_older_one() {
        let older = Scene {
            superseded: true,
            ..scene(3, 3, 1)
        };
        assert_eq!(decide(&older), Step::Superseded);
    }

    #[test]
    fn the_oldest_processes_give_way_first() {
        assert_eq!(lowered(&[2, 3, 1], 4), [0, 3, 1]);
        assert_eq!(lowered(&[2, 3], 9), [2, 3]);
    }

    #[test]
    fn what_cannot_come_back_is_given_up_when_it_is_overdue() {
        let mut stuck = scene(2, 2, 1);
        stuck.state = DeploymentState::Canceling;
        stuck.previous.routable = 1;
        assert_eq!(decide(&stuck), Step::Wait);
        stuck.overdue = true;
        assert_eq!(decide(&stuck), Step::Canceled);
    }
}
