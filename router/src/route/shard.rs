//! One shard of the table: a small sorted list that is replaced whole.

use std::sync::Arc;

use super::pool::Pool;

/// The nodes whose hashes fall into one shard, sorted by tag.
// perf: a sorted exact-size list costs 16 bytes a node; a hash table of the same 15 to 60 nodes costs
// 19 to 30, and is not faster to search or to copy (ADR 0003).
#[derive(Default)]
pub(super) struct Shard {
    slots: Box<[Slot]>,
}

/// A node's address: its shard, and its tag there.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) shard: usize,
    pub(super) tag: u32,
}

/// One node, with enough of its hash to find it.
#[derive(Clone)]
struct Slot {
    tag: u32,
    pool: Arc<Pool>,
}

impl Shard {
    pub(super) fn find(&self, tag: u32, key: &[u8]) -> Option<&Arc<Pool>> {
        self.position(tag, key)
            .ok()
            .and_then(|at| self.slots.get(at))
            .map(|slot| &slot.pool)
    }

    /// This shard with `pool` in its place, whether or not one was there.
    pub(super) fn with(&self, tag: u32, pool: Arc<Pool>) -> Self {
        let slot = Slot { tag, pool };
        let (at, end) = match self.position(tag, slot.pool.key_bytes()) {
            Ok(at) => (at, at + 1),
            Err(at) => (at, at),
        };
        self.spliced(at, end, Some(slot))
    }

    /// This shard without a node; nothing when it was the last.
    pub(super) fn without(&self, tag: u32, key: &[u8]) -> Option<Self> {
        let shard = match self.position(tag, key) {
            Ok(at) => self.spliced(at, at + 1, None),
            Err(at) => self.spliced(at, at, None),
        };
        (!shard.slots.is_empty()).then_some(shard)
    }

    /// The nodes of one tag: hardly ever more than one.
    pub(super) fn tagged(&self, tag: u32) -> impl Iterator<Item = &Arc<Pool>> {
        let first = self.slots.partition_point(|slot| slot.tag < tag);
        let tagged = self.slots.iter().skip(first);
        tagged
            .take_while(move |slot| slot.tag == tag)
            .map(|slot| &slot.pool)
    }

    pub(super) fn pools(&self) -> impl Iterator<Item = &Arc<Pool>> {
        self.slots.iter().map(|slot| &slot.pool)
    }

    #[cfg(test)]
    pub(super) fn is_sorted(&self) -> bool {
        self.slots.is_sorted_by_key(|slot| slot.tag)
    }

    /// Where a node is, or where it would go.
    fn position(&self, tag: u32, key: &[u8]) -> Result<usize, usize> {
        let first = self.slots.partition_point(|slot| slot.tag < tag);
        let same_tag = self
            .slots
            .iter()
            .enumerate()
            .skip(first)
            .take_while(|(_, slot)| slot.tag == tag);
        let mut found = same_tag.filter(|(_, slot)| slot.pool.key_bytes() == key);
        found.next().map_or(Err(first), |(at, _)| Ok(at))
    }

    /// A copy in which `from..to` is replaced.
    fn spliced(&self, from: usize, to: usize, slot: Option<Slot>) -> Self {
        let before = self.slots.get(..from).unwrap_or_default();
        let after = self.slots.get(to..).unwrap_or_default();
        let mut slots =
            Vec::with_capacity(before.len() + usize::from(slot.is_some()) + after.len());
        slots.extend_from_slice(before);
        slots.extend(slot);
        slots.extend_from_slice(after);
        Self {
            slots: slots.into_boxed_slice(),
        }
    }
}
