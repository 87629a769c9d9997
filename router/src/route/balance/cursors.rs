//! Round-robin positions: one per core and pool, in a fixed amount of memory.

use std::cell::Cell;

/// Where this core stands in each pool. Not shared: each core has its own.
///
/// Two pools that meet in one place displace each other and restart at random, which is as fair as
/// the first request to a pool.
pub struct Cursors {
    places: Box<[Cell<Place>]>,
}

#[derive(Clone, Copy)]
struct Place {
    pool: u32,
    next: u32,
}

/// A place that no pool has used: ids begin at 1.
const FREE: Place = Place { pool: 0, next: 0 };
const PLACES: usize = 1024;

impl Cursors {
    /// Positions of a core that has served nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            places: (0..PLACES).map(|_| Cell::new(FREE)).collect(),
        }
    }

    /// Where the next choice of `pool` begins, among `members` of them.
    pub(super) fn position(&self, pool: u32, members: usize, random: u64) -> usize {
        let known = self
            .place(pool)
            .map(Cell::get)
            .filter(|place| place.pool == pool);
        // The remainder is below `members`, so nothing is cut off.
        match known {
            Some(place) => place.next as usize % members.max(1),
            None => (random >> 32) as usize % members.max(1),
        }
    }

    /// Notes where the choice after this one begins.
    pub(super) fn advance(&self, pool: u32, next: usize) {
        if let Some(place) = self.place(pool) {
            place.set(Place {
                pool,
                next: u32::try_from(next).unwrap_or(0),
            });
        }
    }

    fn place(&self, pool: u32) -> Option<&Cell<Place>> {
        self.places.get(pool as usize % PLACES)
    }
}

impl Default for Cursors {
    fn default() -> Self {
        Self::new()
    }
}
