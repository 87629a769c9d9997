//! Inboxes: where the answers about one build go.

use std::sync::{Arc, Mutex, PoisonError};

/// Where answers go: to everybody who asked, since a controller that takes over asks again.
#[derive(Debug)]
pub(super) struct Inboxes(Mutex<Option<Vec<String>>>);

impl Inboxes {
    pub(super) fn new(first: Option<String>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Some(first.into_iter().collect()))))
    }

    /// Adds one; says whether answers are still to come.
    pub(super) fn join(&self, inbox: &str) -> bool {
        let mut inboxes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let open = inboxes.as_mut();
        open.map(|open| open.push(inbox.to_owned())).is_some()
    }

    pub(super) fn all(&self) -> Vec<String> {
        let inboxes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inboxes.clone().unwrap_or_default()
    }

    /// All of them, for the last answer: nobody joins any more.
    pub(super) fn close(&self) -> Vec<String> {
        let mut inboxes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inboxes.take().unwrap_or_default()
    }
}
