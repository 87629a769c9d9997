//! What the walk of one core is built of.

use std::rc::Rc;
use std::sync::Arc;

use super::date::DateCache;
use super::settings::{CoreSettings, SharedSettings};
use crate::core::Random;
use crate::observe::Observer;
use crate::observe::health::Health;
use crate::route::{Cursors, RouteTable};
use crate::upstream::Upstream;

/// What carries exchanges, one per core.
pub struct Proxy {
    pub(super) table: Arc<RouteTable>,
    pub(super) health: Arc<Health>,
    pub(super) settings: CoreSettings,
    pub(super) upstream: Rc<Upstream>,
    pub(super) observer: Observer,
    pub(super) random: Random,
    pub(super) cursors: Cursors,
    pub(super) date: DateCache,
}

impl Proxy {
    /// Builds the walk of one core.
    #[must_use]
    pub fn new(
        shared: (Arc<RouteTable>, Arc<Health>, Arc<SharedSettings>),
        upstream: Rc<Upstream>,
        observer: Observer,
    ) -> Self {
        let (table, health, settings) = shared;
        Self {
            table,
            health,
            settings: CoreSettings::new(settings),
            upstream,
            observer,
            random: Random::from_system(),
            cursors: Cursors::new(),
            date: DateCache::default(),
        }
    }

    /// What this core counts and logs with.
    #[must_use]
    pub fn observer(&self) -> &Observer {
        &self.observer
    }
}
