//! The queue of builds that wait for a stager, first come, first served.

use std::collections::VecDeque;

/// Builds in the order in which they came, and how many have a stager.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<String>,
    staging: usize,
}

impl Queue {
    /// Puts a build at the end; says whether it was not there yet.
    pub(super) fn join(&mut self, build: &str) -> bool {
        let is_new = !self.waiting.iter().any(|waiting| waiting == build);
        if is_new {
            self.waiting.push_back(build.to_owned());
        }
        is_new
    }

    /// Puts a build that had its turn, and needs another one, before all others.
    pub(super) fn rejoin(&mut self, build: &str) {
        self.leave(build);
        self.waiting.push_front(build.to_owned());
    }

    /// How many builds are before this one.
    pub(super) fn ahead(&self, build: &str) -> usize {
        let before = self.waiting.iter().take_while(|waiting| *waiting != build);
        before.count()
    }

    /// Takes a build out.
    pub(super) fn leave(&mut self, build: &str) {
        self.waiting.retain(|waiting| waiting != build);
    }

    /// Notes that a stager works on one more build.
    pub(super) fn begin(&mut self) {
        self.staging += 1;
    }

    /// Notes that a stager works on one build less.
    pub(super) fn end(&mut self) {
        self.staging = self.staging.saturating_sub(1);
    }

    /// Whether a stager works on some build, and will have room when that ends.
    pub(super) fn is_staging(&self) -> bool {
        self.staging > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_are_served_in_the_order_in_which_they_came() {
        let mut queue = Queue::default();
        assert!(queue.join("a") && queue.join("b") && !queue.join("a"));
        assert_eq!((queue.ahead("a"), queue.ahead("b")), (0, 1));
        queue.leave("a");
        assert_eq!(queue.ahead("b"), 0);
        queue.rejoin("a");
        assert_eq!((queue.ahead("a"), queue.ahead("b")), (0, 1));
    }
}
