//! Other agents under our node's name: a machine was copied while nothing told the copy apart, and one
//! of the two must take another name.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::wire::NodeClaim;

/// The agents that were heard under our name.
#[derive(Debug, Default)]
pub(super) struct Namesakes {
    /// When each was heard for the first time, and for the last.
    heard: BTreeMap<String, (Instant, Instant)>,
}

/// What is to be made of a claim.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Claim {
    /// Our own, or the last words of the agent before us.
    Nothing,
    /// There is another one, and the name is ours.
    Ours,
    /// There is another one, and we give the name up.
    Theirs,
}

impl Namesakes {
    /// Takes in who else goes by our name.
    ///
    /// Both sides come to the same answer: the name is for whoever runs instances, since controllers
    /// know those under it; where both do or neither does, the ids decide.
    pub(super) fn hear(&mut self, own: &NodeClaim, other: &NodeClaim, now: Instant) -> Claim {
        if own.agent == other.agent {
            return Claim::Nothing;
        }
        self.heard
            .retain(|_, (_, last)| now.duration_since(*last) < FORGET);
        if self.heard.len() >= MOST && !self.heard.contains_key(&other.agent) {
            return Claim::Nothing;
        }
        let heard = self.heard.entry(other.agent.clone()).or_insert((now, now));
        heard.1 = now;
        // The agent before us has ended, but what it said last may still be on its way.
        if now.duration_since(heard.0) < CERTAIN {
            return Claim::Nothing;
        }
        let rank = |claim: &NodeClaim| (claim.instances == 0, claim.agent.clone());
        if rank(own) < rank(other) {
            Claim::Ours
        } else {
            Claim::Theirs
        }
    }
}

/// How long somebody must be heard to be there.
const CERTAIN: Duration = Duration::from_secs(2);
const FORGET: Duration = Duration::from_secs(30);
/// More clones than that are told apart one after the other.
const MOST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(agent: &str, instances: u32) -> NodeClaim {
        NodeClaim {
            agent: agent.to_owned(),
            instances,
        }
    }

    /// What `own` makes of `other` when it has heard it for five seconds.
    fn made_of(own: &NodeClaim, other: &NodeClaim) -> Claim {
        let (mut namesakes, now) = (Namesakes::default(), Instant::now());
        assert_eq!(namesakes.hear(own, other, now), Claim::Nothing);
        namesakes.hear(own, other, now + Duration::from_secs(5))
    }

    #[test]
    fn of_two_exactly_one_gives_the_name_up_and_rather_the_one_without_instances() {
        for (keeps, yields) in [
            (claim("0-b", 1), claim("0-a", 0)),
            (claim("0-a", 0), claim("0-b", 0)),
            (claim("0-a", 3), claim("0-b", 9)),
        ] {
            assert_eq!(made_of(&keeps, &yields), Claim::Ours);
            assert_eq!(made_of(&yields, &keeps), Claim::Theirs);
        }
    }

    #[test]
    fn the_last_words_of_the_agent_before_are_no_claim() {
        let (own, before) = (claim("0-b", 0), claim("0-a", 7));
        let (mut namesakes, now) = (Namesakes::default(), Instant::now());
        for after in [0, 10, 1900] {
            let then = now + Duration::from_millis(after);
            assert_eq!(namesakes.hear(&own, &before, then), Claim::Nothing);
        }
        // Somebody of whom nothing was heard for so long begins anew.
        let much_later = now + Duration::from_secs(60);
        assert_eq!(namesakes.hear(&own, &before, much_later), Claim::Nothing);
    }

    #[test]
    fn each_of_several_is_noticed() {
        let own = claim("0-m", 1);
        let (mut namesakes, now) = (Namesakes::default(), Instant::now());
        for after in [0, 5] {
            for other in ["0-x", "0-y"] {
                let then = now + Duration::from_secs(after);
                let made = namesakes.hear(&own, &claim(other, 0), then);
                let expected = [Claim::Nothing, Claim::Ours][usize::from(after > 0)];
                assert_eq!(made, expected, "{other}");
            }
        }
        assert_eq!(namesakes.hear(&own, &own, now), Claim::Nothing);
    }
}
