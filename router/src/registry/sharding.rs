//! Which isolation segments this router serves.

use std::collections::HashSet;

use crate::config::{RegistryConfig, ShardingMode};

/// Says which messages concern this router (gorouter 2.7).
#[derive(Clone, Debug)]
pub struct Sharding {
    mode: ShardingMode,
    segments: HashSet<Box<str>>,
}

impl Sharding {
    /// Follows `routing_table_sharding_mode` and `isolation_segments`.
    #[must_use]
    pub fn new(config: &RegistryConfig) -> Self {
        let segments = config
            .isolation_segments
            .iter()
            .map(|segment| segment.as_str().into());
        Self {
            mode: config.routing_table_sharding_mode,
            segments: segments.collect(),
        }
    }

    /// Whether endpoints of this segment (empty for the shared one) enter the table.
    #[must_use]
    pub fn accepts(&self, segment: &str) -> bool {
        match self.mode {
            ShardingMode::All => true,
            ShardingMode::Segments => self.segments.contains(segment),
            ShardingMode::SharedAndSegments => {
                segment.is_empty() || self.segments.contains(segment)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(mode: ShardingMode) -> [bool; 3] {
        let config = RegistryConfig {
            routing_table_sharding_mode: mode,
            isolation_segments: vec!["ours".into()],
            ..RegistryConfig::default()
        };
        let sharding = Sharding::new(&config);
        ["", "ours", "theirs"].map(|segment| sharding.accepts(segment))
    }

    #[test]
    fn each_mode_accepts_its_segments() {
        assert_eq!(accepted(ShardingMode::All), [true, true, true]);
        assert_eq!(accepted(ShardingMode::Segments), [false, true, false]);
        assert_eq!(
            accepted(ShardingMode::SharedAndSegments),
            [true, true, false]
        );
    }
}
