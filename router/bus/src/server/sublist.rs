//! All subscriptions, found by subject at a cost that depends on the subject's tokens and the
//! subscriptions that match, not on how many others there are.

use std::collections::HashMap;
use std::sync::Arc;

use super::client::Subscription;
use super::subject::{ANY, REST, tokens};

/// A tree of tokens; a subscription hangs where its last token leads.
#[derive(Default)]
pub(super) struct Sublist {
    root: Node,
    len: usize,
}

#[derive(Default)]
struct Node {
    children: HashMap<Box<[u8]>, Self>,
    any: Option<Box<Self>>,
    /// Subscriptions that end here.
    here: Vec<Arc<Subscription>>,
    /// Subscriptions that end here with `>`.
    rest: Vec<Arc<Subscription>>,
}

/// Who gets a message. Kept between messages for its allocations.
#[derive(Default)]
pub(super) struct Matches {
    /// Subscriptions that each get it.
    pub(super) all: Vec<Arc<Subscription>>,
    /// Queue groups, of which one member each gets it.
    pub(super) groups: Vec<Vec<Arc<Subscription>>>,
}

impl Sublist {
    /// Adds a subscription, whose subject must be subscribable.
    pub(super) fn insert(&mut self, subscription: Arc<Subscription>) {
        let mut node = &mut self.root;
        let owner = Arc::clone(&subscription);
        self.len += 1;
        for token in tokens(&owner.subject) {
            node = match token {
                REST => return node.rest.push(subscription),
                ANY => node.any.get_or_insert_default(),
                _ => node.children.entry(token.into()).or_default(),
            };
        }
        node.here.push(subscription);
    }

    /// Removes a subscription, if it is still there.
    pub(super) fn remove(&mut self, subscription: &Arc<Subscription>) {
        let mut path = tokens(&subscription.subject);
        self.len -= usize::from(self.root.remove(&mut path, subscription));
    }

    /// Collects who subscribed to `subject`, which has no empty token.
    pub(super) fn collect(&self, subject: &[u8], matches: &mut Matches) {
        matches.clear();
        let mut nodes = vec![&self.root];
        for token in tokens(subject) {
            let mut next = Vec::with_capacity(nodes.len());
            for node in nodes {
                matches.add(&node.rest);
                next.extend(node.children.get(token));
                next.extend(node.any.as_deref());
            }
            if next.is_empty() {
                return;
            }
            nodes = next;
        }
        for node in nodes {
            matches.add(&node.here);
        }
    }

    /// How many subscriptions there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }
}

impl Node {
    /// Removes below this node; says whether it was there. Nodes left empty go with it.
    // invariant: as deep as the subject has tokens, which the length of a line limits.
    fn remove<'a, P>(&mut self, path: &mut P, subscription: &Arc<Subscription>) -> bool
    where
        P: Iterator<Item = &'a [u8]>,
    {
        match path.next() {
            None => take(&mut self.here, subscription),
            Some(REST) => take(&mut self.rest, subscription),
            Some(ANY) => {
                let Some(child) = &mut self.any else {
                    return false;
                };
                let removed = child.remove(path, subscription);
                self.any.take_if(|child| child.is_empty());
                removed
            }
            Some(token) => {
                let Some(child) = self.children.get_mut(token) else {
                    return false;
                };
                let removed = child.remove(path, subscription);
                if child.is_empty() {
                    self.children.remove(token);
                }
                removed
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.children.is_empty()
            && self.any.is_none()
            && self.here.is_empty()
            && self.rest.is_empty()
    }
}

fn take(list: &mut Vec<Arc<Subscription>>, subscription: &Arc<Subscription>) -> bool {
    let place = list
        .iter()
        .position(|entry| Arc::ptr_eq(entry, subscription));
    place.map(|place| list.remove(place)).is_some()
}

impl Matches {
    /// Lets go of everyone.
    pub(super) fn clear(&mut self) {
        self.all.clear();
        self.groups.clear();
    }

    fn add(&mut self, subscriptions: &[Arc<Subscription>]) {
        for subscription in subscriptions {
            let subscription = Arc::clone(subscription);
            match &subscription.queue {
                None => self.all.push(subscription),
                Some(queue) => self.add_to_group(&Arc::clone(queue), subscription),
            }
        }
    }

    /// A group is known by its name alone, whichever subjects its members subscribed to.
    fn add_to_group(&mut self, queue: &Arc<[u8]>, subscription: Arc<Subscription>) {
        let same = |group: &&mut Vec<Arc<Subscription>>| {
            group
                .first()
                .is_some_and(|member| member.queue.as_ref() == Some(queue))
        };
        match self.groups.iter_mut().find(same) {
            Some(group) => group.push(subscription),
            None => self.groups.push(vec![subscription]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::client::Client;
    use super::super::subject::is_subscribable;
    use super::*;
    use proptest::prelude::*;

    fn subscription(subject: &str, queue: Option<&str>) -> Arc<Subscription> {
        let client = Arc::new(Client::new(1, 1024));
        let queue = queue.map(str::as_bytes);
        Arc::new(Subscription::new(client, subject.as_bytes(), queue, b"1"))
    }

    fn matching(list: &Sublist, subject: &str) -> Matches {
        let mut matches = Matches::default();
        list.collect(subject.as_bytes(), &mut matches);
        matches
    }

    #[test]
    fn wildcards_match_one_token_or_the_rest() {
        let mut list = Sublist::default();
        for pattern in ["a.b", "a.*", "*.b", "a.>", ">", "*.*", "*"] {
            list.insert(subscription(pattern, None));
        }
        assert_eq!(matching(&list, "a.b").all.len(), 6);
        assert_eq!(matching(&list, "a").all.len(), 2);
        assert_eq!(matching(&list, "a.b.c").all.len(), 2);
        assert_eq!(matching(&list, "x.y").all.len(), 2);
    }

    #[test]
    fn a_group_is_one_across_subjects() {
        let mut list = Sublist::default();
        for (pattern, queue) in [
            ("a", Some("q")),
            ("*", Some("q")),
            ("a", Some("r")),
            ("a", None),
        ] {
            list.insert(subscription(pattern, queue));
        }
        let matches = matching(&list, "a");
        assert_eq!(matches.all.len(), 1);
        let mut sizes: Vec<_> = matches.groups.iter().map(Vec::len).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, [1, 2]);
    }

    #[test]
    fn removing_everything_leaves_no_node() {
        let mut list = Sublist::default();
        let added: Vec<_> = ["a.b.c", "a.*", "a.>", ">", "a.b"]
            .map(|pattern| subscription(pattern, None))
            .into();
        for entry in &added {
            list.insert(Arc::clone(entry));
        }
        for entry in &added {
            list.remove(entry);
            list.remove(entry);
        }
        assert!(list.root.is_empty());
        assert_eq!(list.len(), 0);
    }

    #[test]
    fn the_deepest_subject_that_fits_a_line_is_kept_and_removed() {
        let deep = vec!["a"; 2048].join(".");
        let entry = subscription(&deep, None);
        let mut list = Sublist::default();
        list.insert(Arc::clone(&entry));
        assert_eq!(matching(&list, &deep).all.len(), 1);
        list.remove(&entry);
        assert!(list.root.is_empty());
        list.insert(entry);
        drop(list);
    }

    /// The rule itself, token by token.
    fn matches_naively(pattern: &str, subject: &str) -> bool {
        let (mut pattern, mut subject) = (pattern.split('.'), subject.split('.'));
        loop {
            match (pattern.next(), subject.next()) {
                (None, None) => return true,
                (Some(">"), Some(_)) => return true,
                (Some("*"), Some(_)) => {}
                (Some(wanted), Some(token)) if wanted == token => {}
                _ => return false,
            }
        }
    }

    proptest! {
        #[test]
        fn agrees_with_matching_one_by_one(
            patterns in prop::collection::vec("[ab*](\\.[ab*]){0,3}(\\.>)?", 1..20),
            gone in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
            subject in "[ab](\\.[ab]){0,4}",
        ) {
            let mut list = Sublist::default();
            let mut kept: Vec<_> = patterns.iter().map(|pattern| subscription(pattern, None)).collect();
            for entry in &kept {
                assert!(is_subscribable(&entry.subject));
                list.insert(Arc::clone(entry));
            }
            for index in gone {
                if !kept.is_empty() {
                    list.remove(&kept.swap_remove(index.index(kept.len())));
                }
            }
            let naive = kept
                .iter()
                .filter(|entry| matches_naively(str::from_utf8(&entry.subject).unwrap(), &subject));
            prop_assert_eq!(matching(&list, &subject).all.len(), naive.count());
            prop_assert_eq!(list.len(), kept.len());
        }
    }
}
