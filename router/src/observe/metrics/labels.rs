//! Labels: the values a label can have, as small numbers.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How an answer's status counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StatusGroup {
    /// 200 to 299.
    Success,
    /// 300 to 399.
    Redirection,
    /// 400 to 499.
    ClientError,
    /// 500 to 599.
    ServerError,
    /// All others; 101 is one of them.
    Other,
}

impl StatusGroup {
    pub(super) const NAMES: [&str; 5] = ["2xx", "3xx", "4xx", "5xx", "xxx"];

    /// The group of a status code.
    #[must_use]
    pub fn of(status: u16) -> Self {
        match status / 100 {
            2 => Self::Success,
            3 => Self::Redirection,
            4 => Self::ClientError,
            5 => Self::ServerError,
            _ => Self::Other,
        }
    }
}

/// What a registration did to its route.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RegistryAction {
    /// A new endpoint.
    Added,
    /// Nothing but the time it was last heard of.
    Unmodified,
    /// An endpoint that was known with other facts.
    Updated,
}

impl RegistryAction {
    pub(super) const NAMES: [&str; 3] = ["added", "unmodified", "updated"];
}

/// Why a request was refused before it began its walk: its bytes were no clear message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RefusalReason {
    /// A malformed chunk size, extension or end.
    BadChunk,
    /// A Content-Length that is no number, or two that differ.
    BadContentLength,
    /// A malformed header line: a space before the colon, a bare CR or LF, NUL, a folded line.
    BadHeader,
    /// No Host where one is needed, several, or one with impossible bytes.
    BadHost,
    /// A malformed request line.
    BadRequestLine,
    /// A Transfer-Encoding that is not exactly `chunked`.
    BadTransferEncoding,
    /// Content-Length beside Transfer-Encoding.
    Conflict,
    /// A head above the configured size or number of lines.
    HeadTooLarge,
    /// The head did not arrive in time.
    HeadTimeout,
    /// A version of HTTP that is not served.
    Version,
}

impl RefusalReason {
    pub(super) const NAMES: [&str; 10] = [
        "bad_chunk",
        "bad_content_length",
        "bad_header",
        "bad_host",
        "bad_request_line",
        "bad_transfer_encoding",
        "conflict",
        "head_too_large",
        "head_timeout",
        "version",
    ];
}

/// Which way a client's bytes went.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Direction {
    /// From the client to us.
    Received,
    /// From us to the client.
    Sent,
}

impl Direction {
    pub(super) const NAMES: [&str; 2] = ["received", "sent"];
}

/// The names of components, resolved once at registration to a small number.
///
/// The control thread resolves and the scrape reads; a request carries the number.
#[derive(Debug)]
pub struct ComponentLabels {
    names: Mutex<Names>,
}

#[derive(Debug)]
struct Names {
    by_label: Vec<Box<str>>,
    by_name: HashMap<Box<str>, u16>,
}

impl ComponentLabels {
    /// How many labels there are; the last is `other` and takes every component beyond them.
    pub const LIMIT: u16 = 256;
    const OTHER: &str = "other";

    /// Knows only the component without a name, as label 0.
    #[must_use]
    pub fn new() -> Self {
        let names = Names {
            by_label: vec![Box::from("")],
            by_name: HashMap::from([(Box::from(""), 0)]),
        };
        Self {
            names: Mutex::new(names),
        }
    }

    /// The label of a component; the same name gives the same label for ever.
    pub fn resolve(&self, component: &str) -> u16 {
        let mut names = self.lock();
        if let Some(label) = names.by_name.get(component) {
            return *label;
        }
        let other = Self::LIMIT - 1;
        let next = u16::try_from(names.by_label.len()).unwrap_or(other);
        if next >= other || component == Self::OTHER {
            return other;
        }
        names.by_label.push(component.into());
        names.by_name.insert(component.into(), next);
        next
    }

    /// The name behind a label.
    #[must_use]
    pub fn name(&self, label: u16) -> Box<str> {
        let names = self.lock();
        names
            .by_label
            .get(usize::from(label))
            .map_or_else(|| Self::OTHER.into(), Clone::clone)
    }

    fn lock(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ComponentLabels {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_keeps_its_label() {
        let labels = ComponentLabels::new();
        let uaa = labels.resolve("uaa");
        let api = labels.resolve("CloudController");
        assert_ne!(uaa, api);
        assert_eq!(labels.resolve("uaa"), uaa);
        assert_eq!(&*labels.name(api), "CloudController");
        assert_eq!(labels.resolve(""), 0);
        assert_eq!(&*labels.name(0), "");
    }

    #[test]
    fn components_beyond_the_limit_are_other() {
        let labels = ComponentLabels::new();
        for n in 0..1_000 {
            let label = labels.resolve(&format!("component-{n}"));
            assert!(label < ComponentLabels::LIMIT);
        }
        let late = labels.resolve("component-999");
        assert_eq!(late, ComponentLabels::LIMIT - 1);
        assert_eq!(&*labels.name(late), "other");
        assert_eq!(&*labels.name(labels.resolve("component-7")), "component-7");
    }

    #[test]
    fn a_component_called_other_shares_the_last_label() {
        assert_eq!(
            ComponentLabels::new().resolve("other"),
            ComponentLabels::LIMIT - 1
        );
    }

    #[test]
    fn every_status_has_its_group() {
        let groups = [200, 204, 302, 404, 499, 503, 526, 101, 0, 999].map(StatusGroup::of);
        let names = groups.map(|group| StatusGroup::NAMES[group as usize]);
        let expected = [
            "2xx", "2xx", "3xx", "4xx", "4xx", "5xx", "5xx", "xxx", "xxx", "xxx",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn names_stand_at_their_variant() {
        assert_eq!(
            RefusalReason::NAMES[RefusalReason::Conflict as usize],
            "conflict"
        );
        assert_eq!(
            RefusalReason::NAMES[RefusalReason::Version as usize],
            "version"
        );
        assert_eq!(
            RegistryAction::NAMES[RegistryAction::Updated as usize],
            "updated"
        );
        assert_eq!(Direction::NAMES[Direction::Sent as usize], "sent");
    }
}
