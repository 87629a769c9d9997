//! When what is swept, and since when silence counts.

use std::time::Duration;

use super::writer::Registry;
use crate::config::RegistryConfig;
use crate::route::{Millis, Sweep};

/// Spreads each round over the table evenly over the prune interval.
///
// perf: gorouter stops for a scan of the whole table at each tick; a step here visits 1/64 of it,
// which is 3 ms for a million routes (bench `route`, `--memory`: sweep).
#[derive(Debug)]
pub struct Pruner {
    sweep: Sweep,
    /// Steps that are left of this round.
    left: u32,
    ageing: Ageing,
    /// Nothing counts as unheard of since before this.
    heard_floor: Millis,
    suspended: bool,
    step_every: Duration,
}

/// Whether announcers can be heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearing {
    /// The bus is away: silence means nothing.
    Deaf,
    /// The bus is there.
    Good,
}

/// When endpoints age at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ageing {
    /// Always.
    Always,
    /// Never: pruning is off.
    Never,
    /// Only while the bus is there.
    WhileHearing,
}

/// Steps of one round over the table.
const STEPS: u32 = 64;
/// Round length when pruning is off: evicted endpoints are removed all the same.
const ROUND_WITHOUT_PRUNING: Duration = Duration::from_secs(30);
/// A timer needs no more precision than this.
const SHORTEST_STEP: Duration = Duration::from_millis(1);

impl Pruner {
    /// Follows `prune_stale_droplets_interval` and `suspend_pruning_if_nats_unavailable`.
    #[must_use]
    pub fn new(config: &RegistryConfig) -> Self {
        let ageing = match (
            config.prune_stale_droplets_interval,
            config.suspend_pruning_if_nats_unavailable,
        ) {
            (None, _) => Ageing::Never,
            (Some(_), true) => Ageing::WhileHearing,
            (Some(_), false) => Ageing::Always,
        };
        let round = config
            .prune_stale_droplets_interval
            .unwrap_or(ROUND_WITHOUT_PRUNING);
        Self {
            sweep: Sweep::default(),
            left: STEPS,
            ageing,
            heard_floor: Millis(0),
            suspended: false,
            step_every: (round / STEPS).max(SHORTEST_STEP),
        }
    }

    /// How often to call [`Self::step`].
    #[must_use]
    pub fn step_every(&self) -> Duration {
        self.step_every
    }

    /// The announcers are heard (again) from now on, so nobody has been silent yet.
    pub fn heard(&mut self, now: Millis) {
        self.heard_floor = now;
    }

    /// Takes one step of the round, and reports at its end.
    pub fn step(&mut self, registry: &mut Registry, hearing: Hearing, now: Millis) {
        let heard_floor = self.floor(hearing, now);
        let shards = registry.table().shard_count().div_ceil(STEPS as usize);
        registry.sweep(&mut self.sweep, shards, now, heard_floor);
        self.left -= 1;
        if self.left == 0 {
            self.left = STEPS;
            registry.report(now);
        }
    }

    /// Since when silence counts at `now`. At `now` itself nothing ages, but what is evicted goes.
    fn floor(&mut self, hearing: Hearing, now: Millis) -> Millis {
        match (self.ageing, hearing) {
            (Ageing::Never, _) => return now,
            (Ageing::WhileHearing, Hearing::Deaf) => {
                if !self.suspended {
                    tracing::info!("prune-suspended");
                }
                self.suspended = true;
                return now;
            }
            (Ageing::WhileHearing, Hearing::Good) | (Ageing::Always, _) => {}
        }
        if self.suspended {
            self.suspended = false;
            self.heard(now);
        }
        self.heard_floor
    }
}
