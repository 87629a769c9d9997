//! The short way of a repeated registration: known by its bytes, it renews without being read.

use std::sync::Arc;

use super::shard::Place;
use super::{Fingerprint, Millis, Pool, TableWriter};

/// A membership that a registration has renewed.
pub struct Renewed {
    place: Place,
    pool: Arc<Pool>,
    position: usize,
}

impl Renewed {
    pub(super) fn of(place: Place, pool: &Arc<Pool>, position: usize) -> Self {
        let pool = Arc::clone(pool);
        Self {
            place,
            pool,
            position,
        }
    }
}

/// What a repeated message did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repetition {
    /// Index of the `component` tag among the metric labels.
    pub component_label: u16,
    /// How many routes were refreshed: all of the message.
    pub routes: u8,
}

impl TableWriter {
    /// The fingerprint of a message, for [`Self::repeat`] and [`Self::remember`].
    #[must_use]
    pub fn fingerprint(&self, message: &[u8]) -> Fingerprint {
        self.repeats.fingerprint(message)
    }

    /// Does what registering the message would do, if that is known to be nothing but noting the time.
    ///
    /// Otherwise it gives nothing, and the message has to be registered: a membership may have been renewed already,
    /// which the registration does again.
    pub fn repeat(&mut self, message: Fingerprint, now: Millis) -> Option<Repetition> {
        let first = self.repeats.places(message).find_map(|(place, routes)| {
            let component_label = self.renew_at(place, message, now)?;
            Some(Repetition {
                component_label,
                routes,
            })
        })?;
        for nth in 1..first.routes {
            let print = message.nth(nth);
            let mut places = self.repeats.places(print);
            places.find_map(|(place, _)| self.renew_at(place, print, now))?;
        }
        self.table.note_update(now);
        Some(first)
    }

    /// Remembers that a message did nothing but renew these memberships, one for each of its routes.
    pub fn remember(&mut self, message: Fingerprint, renewed: &[Renewed]) {
        let Ok(routes) = u8::try_from(renewed.len()) else {
            return;
        };
        let endpoints = self.table.endpoint_count();
        for (nth, renewed) in (0..routes).zip(renewed) {
            let print = message.nth(nth);
            if let Some(member) = renewed.pool.members().get(renewed.position) {
                member.note_renewal(print);
                self.repeats.note(print, renewed.place, routes, endpoints);
            }
        }
    }

    /// Renews the membership of this place that bears the fingerprint; gives its component label.
    fn renew_at(&self, place: Place, print: Fingerprint, now: Millis) -> Option<u16> {
        self.table
            .ask_at(place, |pool| renew_if_borne(pool, print, now))
    }
}

fn renew_if_borne(pool: &Pool, print: Fingerprint, now: Millis) -> Option<u16> {
    let mut members = pool.members().iter();
    let position = members.position(|member| member.is_renewed_by(print))?;
    let endpoint = pool.members().get(position)?.endpoint();
    // Another member's registration may have changed how the pool chooses; this one's would change it back.
    let algorithm = endpoint.load_balancing();
    if algorithm.is_some_and(|algorithm| algorithm != pool.algorithm()) {
        return None;
    }
    pool.renew(position, now);
    Some(endpoint.component_label())
}
