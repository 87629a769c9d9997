//! The roll: which nodes may have instances, and have all of them said what they have?
//!
//! A reconciler that was away, or is new, must not take what it did not hear of for missing. Time
//! helps: whoever is not heard in `droplet_lost` has nothing. An answer from everybody helps as
//! well, and sooner:
//!
//! 1. A node is written down before the first start goes there ([`Health::note_node`]), so whoever
//!    leads next knows every node that may have an instance ([`Health::expect_nodes`]). A node has
//!    one name for all the agents that work on it one after the other.
//! 2. After a gap nothing is asked for as long as an order of another leader may still be on its
//!    way. Then all are asked, with a word drawn for this one question ([`Health::call_roll`]).
//! 3. An agent answers with all that it has, and with the word. What was sent before the question,
//!    and heard late, does not have it.
//! 4. Once every node has answered, what was missing before the question is missing. A node that does
//!    not answer holds this up until it is lost, which is as long as if nobody had been asked.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use rand::{Rng, RngExt};

use crate::model::Micros;

use super::reconciler::Health;

/// Who is to answer, and who has.
#[derive(Debug, Default)]
pub(super) struct Roll {
    /// The nodes that may have instances, and when each was last heard of.
    nodes: BTreeMap<String, Micros>,
    /// Whether `nodes` holds what other leaders have written down.
    written: bool,
    /// Since when nobody else has ordered anything.
    since: Option<Micros>,
    call: Option<Call>,
    /// When the question was put that all have answered.
    answered: Option<Micros>,
}

/// A question to all nodes.
#[derive(Debug)]
struct Call {
    word: String,
    first: Micros,
    last: Micros,
    answers: HashSet<String>,
}

impl Roll {
    /// Begins anew: answers that were given count no more.
    pub(super) fn begin(&mut self, now: Micros) {
        self.since = Some(now);
        self.call = None;
        self.answered = None;
    }

    /// Begins anew without knowing which nodes there are: somebody else has led.
    pub(super) fn forget(&mut self, now: Micros) {
        self.written = false;
        self.nodes.clear();
        self.begin(now);
    }

    pub(super) fn hear(&mut self, now: Micros, node: &str, word: Option<&str>) {
        self.note(now, node);
        if let Some(call) = &mut self.call
            && word == Some(call.word.as_str())
        {
            call.answers.insert(node.to_owned());
        }
        self.count();
    }

    fn note(&mut self, now: Micros, node: &str) {
        match self.nodes.get_mut(node) {
            Some(heard) => *heard = now,
            None => {
                self.nodes.insert(node.to_owned(), now);
            }
        }
    }

    fn count(&mut self) {
        let Some(call) = self.call.as_ref().filter(|_| self.written) else {
            return;
        };
        let all = self.nodes.keys().all(|node| call.answers.contains(node));
        // Without any answer it is we who hear nothing.
        if all && !call.answers.is_empty() {
            self.answered.get_or_insert(call.first);
        }
    }

    /// When the question was put that every node has answered; `None` while one has not.
    pub(super) fn answered(&self) -> Option<Micros> {
        self.answered
    }

    /// Forgets nodes that were not heard of for so long.
    pub(super) fn forget_lost(&mut self, now: Micros, patience: Duration) {
        self.nodes
            .retain(|_, heard| now.since(*heard) <= patience || now < *heard);
    }

    /// The word of the question that is to be put now.
    fn call(&mut self, now: Micros, random: &mut impl Rng) -> Option<String> {
        let since = *self.since.get_or_insert(now);
        if self.answered.is_some() || now.since(since) < SETTLE {
            return None;
        }
        let call = self.call.get_or_insert_with(|| Call {
            word: format!("{:016x}", random.random::<u64>()),
            first: now,
            last: Micros(i64::MIN),
            answers: HashSet::new(),
        });
        // An answer to the first is as good as one to a later one.
        let due = now.since(call.last) >= AGAIN;
        due.then(|| {
            call.last = now;
            call.word.clone()
        })
    }
}

impl Health {
    /// The word with which every agent is to be asked now for all that it has; to be asked for about
    /// once a second by the reconciler that leads.
    pub fn call_roll(&mut self, now: Micros, random: &mut impl Rng) -> Option<String> {
        // Older agents never answer; time has told then.
        if self.agents.is_complete(now, &self.settings) {
            return None;
        }
        self.agents.roll.call(now, random)
    }

    /// Takes in every node that was written down; to be called after [`Health::take_over`], and after
    /// everything else that is known of the time before it.
    pub fn expect_nodes(&mut self, now: Micros, nodes: impl IntoIterator<Item = String>) {
        let roll = &mut self.agents.roll;
        nodes.into_iter().for_each(|node| roll.note(now, &node));
        roll.written = true;
        roll.count();
    }

    /// Takes in a node that is about to get an instance, and was written down.
    pub fn note_node(&mut self, now: Micros, node: &str) {
        self.agents.roll.note(now, node);
    }

    /// The nodes that may have instances; `None` while those are not known that others wrote down.
    #[must_use]
    pub fn nodes(&self) -> Option<BTreeSet<&str>> {
        let roll = &self.agents.roll;
        let nodes = roll.nodes.keys().map(String::as_str);
        roll.written.then(|| nodes.collect())
    }
}

/// How long an order of somebody else may be on its way.
const SETTLE: Duration = Duration::from_secs(2);
/// After how long a question is put again that not all have answered.
const AGAIN: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    fn at(seconds: i64) -> Micros {
        Micros::from_seconds(1_000_000 + seconds)
    }

    /// A roll that was begun and called, and the word.
    fn called(nodes: &[&str]) -> (Roll, String) {
        let mut roll = Roll::default();
        roll.begin(at(0));
        nodes.iter().for_each(|node| roll.note(at(0), node));
        roll.written = true;
        let mut random = StdRng::seed_from_u64(1);
        assert_eq!(roll.call(at(1), &mut random), None, "too early");
        let word = roll.call(at(2), &mut random).unwrap();
        assert_eq!(roll.call(at(3), &mut random), None, "just asked");
        assert_eq!(roll.call(at(5), &mut random).as_ref(), Some(&word));
        (roll, word)
    }

    #[test]
    fn all_have_answered_when_each_node_has_said_the_word() {
        let (mut roll, word) = called(&["a", "b"]);
        roll.hear(at(3), "a", Some(&word));
        roll.hear(at(3), "b", None);
        roll.hear(at(3), "b", Some("another"));
        assert_eq!(roll.answered(), None);
        roll.hear(at(4), "b", Some(&word));
        assert_eq!(roll.answered(), Some(at(2)));
        roll.hear(at(9), "new", None);
        assert_eq!(roll.answered(), Some(at(2)), "nobody could have known it");
    }

    #[test]
    fn a_node_that_is_heard_before_all_have_answered_is_to_answer_as_well() {
        let (mut roll, word) = called(&["a"]);
        roll.hear(at(3), "unheard-of", None);
        roll.hear(at(3), "a", Some(&word));
        assert_eq!(roll.answered(), None);
        roll.hear(at(3), "unheard-of", Some(&word));
        assert_eq!(roll.answered(), Some(at(2)));
    }

    #[test]
    fn without_the_list_of_nodes_or_any_answer_nothing_is_known() {
        let (mut roll, _) = called(&[]);
        roll.count();
        assert_eq!(roll.answered(), None, "nobody was heard");
        let (mut roll, word) = called(&["a"]);
        roll.written = false;
        roll.hear(at(3), "a", Some(&word));
        assert_eq!(roll.answered(), None, "there may be others");
    }

    #[test]
    fn what_was_answered_before_a_gap_counts_no_more() {
        let (mut roll, word) = called(&["a"]);
        roll.begin(at(6));
        roll.hear(at(7), "a", Some(&word));
        assert_eq!(roll.answered(), None);
        let again = roll.call(at(8), &mut StdRng::seed_from_u64(2)).unwrap();
        roll.hear(at(9), "a", Some(&again));
        assert_eq!(roll.answered(), Some(at(8)));
    }
}
