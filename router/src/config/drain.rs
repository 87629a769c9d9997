//! How long a polite stop may take.

use std::time::Duration;

use super::file::File;
use super::show::Tree;

/// What `app` needs to stop.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DrainConfig {
    /// `drain_wait` (default `0s`): how long we go on serving after health says no.
    pub drain_wait: Duration,
    /// `drain_timeout` (default `endpoint_timeout`): how long requests in flight may then take; at most 0 means `endpoint_timeout`.
    pub drain_timeout: Duration,
}

impl Default for DrainConfig {
    fn default() -> Self {
        Self {
            drain_wait: Duration::ZERO,
            drain_timeout: Duration::from_secs(60),
        }
    }
}

impl DrainConfig {
    pub(super) fn resolve(file: &File) -> Self {
        let default = Self::default();
        // compat: an unset drain timeout follows the endpoint timeout (gorouter 11.2). Where that is
        // off, its default stands in, since a drain must end.
        let drain_timeout = [file.drain_timeout, file.endpoint_timeout]
            .into_iter()
            .find_map(|field| field?.value.unless_off())
            .unwrap_or(default.drain_timeout);
        let drain_wait = file
            .drain_wait
            .map_or(default.drain_wait, |at| at.value.at_least_zero());
        Self {
            drain_wait,
            drain_timeout,
        }
    }

    /// Writes the keys of this slice.
    pub(super) fn show(&self, tree: &mut Tree) {
        tree.time("drain_wait", self.drain_wait);
        tree.time("drain_timeout", self.drain_timeout);
    }
}

#[cfg(test)]
mod tests {
    use super::{DrainConfig, Duration};
    use crate::config::Config;

    fn drain(text: &str) -> DrainConfig {
        Config::parse(text, "g.yml").unwrap().config.drain
    }

    #[test]
    fn an_unset_drain_timeout_follows_the_endpoint_timeout() {
        assert_eq!(
            drain("endpoint_timeout: 900s").drain_timeout,
            Duration::from_secs(900)
        );
        assert_eq!(
            drain("drain_timeout: 0s\nendpoint_timeout: 9s").drain_timeout,
            Duration::from_secs(9)
        );
        assert_eq!(
            drain("drain_timeout: 5s\nendpoint_timeout: 9s").drain_timeout,
            Duration::from_secs(5)
        );
    }

    #[test]
    fn a_drain_ends_even_without_an_endpoint_timeout() {
        assert_eq!(
            drain("endpoint_timeout: 0s").drain_timeout,
            Duration::from_secs(60)
        );
    }
}
