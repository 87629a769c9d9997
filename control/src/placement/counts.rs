//! How many instances of a process each node has.

use std::collections::HashMap;

/// Instances by process, then by the number of the node; nothing is kept for none.
#[derive(Debug, Default)]
pub(super) struct Counts {
    by_process: HashMap<Box<str>, HashMap<u32, u32>>,
}

impl Counts {
    pub(super) fn set(&mut self, process: &str, node: u32, count: u32) {
        if count == 0 {
            return self.clear(process, node);
        }
        if let Some(nodes) = self.by_process.get_mut(process) {
            nodes.insert(node, count);
            return;
        }
        self.by_process
            .insert(process.into(), HashMap::from([(node, count)]));
    }

    /// The nodes that have instances of `process`, and how many.
    pub(super) fn of(&self, process: &str) -> impl Iterator<Item = (u32, u32)> {
        let nodes = self.by_process.get(process).into_iter().flatten();
        nodes.map(|(&node, &count)| (node, count))
    }

    fn clear(&mut self, process: &str, node: u32) {
        let Some(nodes) = self.by_process.get_mut(process) else {
            return;
        };
        nodes.remove(&node);
        if nodes.is_empty() {
            self.by_process.remove(process);
        }
    }
}
