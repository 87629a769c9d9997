//! Where repeated announcements lead: from the fingerprint of a message straight to what it renews.

use std::hash::{BuildHasher, RandomState};

use super::shard::Place;

/// Tells one message from every other, by a hash under a key that nobody outside this process knows.
///
// invariant: two messages share one by chance only. The hash is SipHash, which cannot be forged without its key, and
// nothing that depends on it leaves the process. A message is compared with the few memberships that its slots name:
// 64 bits mean one false answer in millions of years at 20 000 messages a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(u64);

/// The memberships that the last announcements have renewed, by fingerprint.
///
/// A hint and no more: whoever follows it finds a membership that bears the fingerprint, or goes the long way. So an
/// entry may be stale, lost, or name another route. It holds at most three slots of 8 bytes for each endpoint.
pub(super) struct Repeats {
    keys: RandomState,
    /// A power of two of them, or none before the first repetition.
    sets: Box<[Set]>,
    victim: u64,
}

// perf: eight ways of eight bytes are one cache line, and at two thirds full 3 % find no room (one in three with a
// single way).
type Set = [Slot; WAYS];

/// Where one membership was seen. A slot that leads to no routes is free.
#[derive(Clone, Copy, Default)]
struct Slot {
    tag: u32,
    shard: u16,
    check: u8,
    /// Routes of the whole message.
    routes: u8,
}

const WAYS: usize = 8;
const FEWEST_SETS: usize = 128;
/// A full set lets one newcomer in of this many, so that two that do not fit together do not drive each other out.
const PATIENCE: u64 = 8;

impl Fingerprint {
    /// Of the nth route of the same message.
    pub(super) fn nth(self, nth: u8) -> Self {
        let step = u64::from(nth).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self(self.0.wrapping_add(step))
    }

    /// As a membership bears it; 0 stands for none.
    pub(super) fn word(self) -> u64 {
        self.0.max(1)
    }

    fn check(self) -> u8 {
        (self.0 >> (u64::BITS - u8::BITS)) as u8
    }
}

impl Repeats {
    pub(super) fn new() -> Self {
        Self {
            keys: RandomState::new(),
            sets: Box::default(),
            victim: 0,
        }
    }

    pub(super) fn fingerprint(&self, message: &[u8]) -> Fingerprint {
        Fingerprint(self.keys.hash_one(message))
    }

    /// Where the message may lead, with the number of its routes.
    pub(super) fn places(&self, print: Fingerprint) -> impl Iterator<Item = (Place, u8)> {
        let set = self.sets.get(self.set_of(print));
        let slots = set.into_iter().flatten();
        slots
            .filter(move |slot| slot.routes > 0 && slot.check == print.check())
            .map(|slot| {
                let (shard, tag) = (usize::from(slot.shard), slot.tag);
                (Place { shard, tag }, slot.routes)
            })
    }

    /// Notes where a message leads; `endpoints` are those of the whole table.
    pub(super) fn note(&mut self, print: Fingerprint, place: Place, routes: u8, endpoints: usize) {
        // A table of more shards than that is not remembered.
        let Ok(shard) = u16::try_from(place.shard) else {
            return;
        };
        self.make_room(endpoints);
        let slot = Slot {
            tag: place.tag,
            shard,
            check: print.check(),
            routes,
        };
        self.victim = self
            .victim
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(1);
        let dice = self.victim >> u32::BITS;
        let set = self.set_of(print);
        let Some(set) = self.sets.get_mut(set) else {
            return;
        };
        let same = |known: &Slot| (known.tag, known.shard) == (slot.tag, slot.shard);
        let at = set
            .iter()
            .position(|known| known.routes == 0 || (same(known) && known.check == slot.check))
            .or_else(|| {
                (dice.is_multiple_of(PATIENCE)).then_some((dice / PATIENCE) as usize % WAYS)
            });
        if let Some(place) = at.and_then(|at| set.get_mut(at)) {
            *place = slot;
        }
    }

    /// Grows when two thirds are needed. What was noted is lost then, and learnt again by one repetition.
    fn make_room(&mut self, endpoints: usize) {
        let slots = self.sets.len() * WAYS;
        if slots == 0 || slots < endpoints + endpoints / 2 {
            let sets = (2 * endpoints).next_power_of_two() / WAYS;
            self.sets = vec![Set::default(); sets.max(FEWEST_SETS)].into();
        }
    }

    fn set_of(&self, print: Fingerprint) -> usize {
        print.0 as usize & self.sets.len().wrapping_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(nth: u32) -> Place {
        Place {
            shard: (nth % 60_000) as usize,
            tag: nth,
        }
    }

    fn leads_to(repeats: &Repeats, print: Fingerprint, tag: u32) -> bool {
        repeats.places(print).any(|(place, _)| place.tag == tag)
    }

    #[test]
    fn nothing_is_known_before_the_first_note() {
        let repeats = Repeats::new();
        let print = repeats.fingerprint(b"a");
        assert_eq!(repeats.places(print).count(), 0);
    }

    #[test]
    fn nearly_every_message_of_a_growing_table_is_found_again() {
        let mut repeats = Repeats::new();
        let prints: Vec<_> = (0..30_000_u32)
            .map(|nth| repeats.fingerprint(&nth.to_be_bytes()))
            .collect();
        for round in 0..2 {
            for (nth, print) in (0..).zip(&prints) {
                let endpoints = if round == 0 {
                    nth as usize
                } else {
                    prints.len()
                };
                repeats.note(*print, place(nth), 1, endpoints);
            }
        }
        let found = (0..).zip(&prints);
        let found = found.filter(|(nth, print)| leads_to(&repeats, **print, *nth));
        let (found, slots) = (found.count(), repeats.sets.len() * WAYS);
        assert!(found > 28_000, "{found} of 30000 in {slots} slots");
        assert!(slots <= 3 * prints.len(), "{slots}");
    }

    #[test]
    fn a_full_set_takes_newcomers_in_after_some_patience() {
        let mut repeats = Repeats::new();
        let print = repeats.fingerprint(b"a");
        (0..8).for_each(|nth| repeats.note(print, place(nth), 1, 1));
        (0..1000).for_each(|_| {
            if !leads_to(&repeats, print, 9) {
                repeats.note(print, place(9), 1, 1);
            }
        });
        assert!(leads_to(&repeats, print, 9));
        assert_eq!(repeats.places(print).count(), 8);
    }

    #[test]
    fn the_routes_of_one_message_have_fingerprints_of_their_own() {
        let repeats = Repeats::new();
        let print = repeats.fingerprint(b"a");
        let words: std::collections::BTreeSet<_> =
            (0..=255).map(|nth| print.nth(nth).word()).collect();
        assert_eq!(words.len(), 256);
        assert_eq!(print.nth(0), print);
    }
}
