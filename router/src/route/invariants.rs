//! What must hold of a table between any two changes.

use std::collections::{BTreeMap, HashMap};

use super::TableWriter;

impl TableWriter {
    /// Checks what must hold between any two changes.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub(super) fn check_invariants(&self) {
        let mut nodes = BTreeMap::new();
        for shard in 0..self.table.shard_count() {
            self.table.nodes_in(shard, |pool| {
                assert!(nodes.insert(pool.key().to_owned(), pool.clone()).is_none())
            });
        }
        let routes: Vec<_> = nodes.values().filter(|node| node.is_route()).collect();
        assert!(self.table.shards_are_sorted());
        assert_eq!(self.table.len(), routes.len());
        let mut memberships: HashMap<_, (u32, u32)> = HashMap::new();
        for member in routes.iter().flat_map(|pool| pool.members()) {
            memberships
                .entry(member.endpoint().id())
                .or_insert_with(|| (0, member.endpoint().membership_count()))
                .0 += 1;
        }
        assert_eq!(
            self.table.endpoint_count(),
            memberships
                .values()
                .map(|(held, _)| *held as usize)
                .sum::<usize>()
        );
        assert!(memberships.values().all(|(held, counted)| held == counted));
        assert_eq!(self.endpoints.len(), memberships.len());
        for (key, node) in &nodes {
            let below = routes
                .iter()
                .filter(|route| route.key().starts_with(&format!("{key}/")))
                .count();
            assert_eq!(node.below_count() as usize, below, "{key}");
            assert!(node.is_route() || below > 0, "{key} leads nowhere");
        }
    }
}
