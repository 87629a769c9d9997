//! Health: whether traffic should be sent to us.

use std::sync::atomic::{AtomicU8, Ordering};

/// What the probes are told (gorouter 8.4).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HealthState {
    /// The table is still being learnt.
    Initializing,
    /// Send traffic.
    Healthy,
    /// Draining, for good.
    Degraded,
}

/// The state that all threads share. It only moves forward.
#[derive(Debug, Default)]
pub struct Health(AtomicU8);

impl Health {
    /// Begins as [`HealthState::Initializing`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The state now.
    #[inline]
    #[must_use]
    pub fn state(&self) -> HealthState {
        match self.0.load(Ordering::Relaxed) {
            INITIALIZING => HealthState::Initializing,
            HEALTHY => HealthState::Healthy,
            _ => HealthState::Degraded,
        }
    }

    /// Whether traffic should be sent to us.
    #[inline]
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.state() == HealthState::Healthy
    }

    /// The warm-up is over. Changes nothing when a drain has begun already.
    pub fn warmed_up(&self) {
        self.0.fetch_max(HEALTHY, Ordering::Relaxed);
    }

    /// A drain begins; there is no way back.
    pub fn degrade(&self) {
        self.0.fetch_max(DEGRADED, Ordering::Relaxed);
    }
}

const INITIALIZING: u8 = 0;
const HEALTHY: u8 = 1;
const DEGRADED: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_begins_with_initializing_and_warms_up() {
        let health = Health::new();
        assert_eq!(health.state(), HealthState::Initializing);
        health.warmed_up();
        assert_eq!(health.state(), HealthState::Healthy);
    }

    #[test]
    fn a_drain_has_no_way_back() {
        for warm in [false, true] {
            let health = Health::new();
            if warm {
                health.warmed_up();
            }
            health.degrade();
            health.warmed_up();
            assert_eq!(health.state(), HealthState::Degraded);
        }
    }
}
