//! Nodes that may have instances: written down before the first start goes there, and forgotten when
//! they are lost, so that a controller that takes over knows whom to ask.

use std::collections::BTreeSet;

use tracing::{info, warn};

use super::drive::Driver;
use super::site::now;
use crate::store::StoreError;
use crate::wire::{Heartbeat, RollCall, subject};

impl Driver {
    /// Asks all agents for what they have, where what was heard has a gap.
    pub(super) async fn call_roll(&mut self) {
        let word = self.health.call_roll(now(), &mut rand::rng());
        if let Some(word) = word {
            let call = RollCall { word: Some(word) };
            self.site.say(subject::RECONCILER_START, &call).await;
        }
    }

    /// Takes up what the last leader wrote down.
    pub(super) async fn recall_nodes(&mut self) -> bool {
        match self.site.store.nodes().await {
            Ok(nodes) => {
                info!(nodes = nodes.len(), "nodes-recalled");
                self.health.expect_nodes(now(), nodes.iter().cloned());
                self.nodes = nodes.into_iter().collect();
                true
            }
            Err(error) => {
                warn!(%error, "nodes-unread");
                false
            }
        }
    }

    /// Makes sure that whoever leads next will know the node of an agent; `false` when that is not
    /// certain, and nothing may be started there.
    pub(super) async fn remember_node(&mut self, agent: &str) -> bool {
        let node = self.site.pool().node_of(agent).map(str::to_owned);
        let Some(node) = node else {
            return false;
        };
        self.health.note_node(now(), &node);
        self.write_down(&node).await
    }

    /// Writes down a node that is known to have instances: it may have taken another name since they
    /// were started.
    pub(super) async fn witness_node(&mut self, beat: &Heartbeat) {
        if self.leads() && !beat.instances.is_empty() {
            // What fails now is tried again at the next heartbeat.
            self.write_down(beat.node()).await;
        }
    }

    async fn write_down(&mut self, node: &str) -> bool {
        if self.nodes.contains(node) {
            return true;
        }
        match self.write_nodes(Some(node), &[]).await {
            Ok(()) => self.nodes.insert(node.to_owned()),
            Err(error) => {
                warn!(%error, node, "node-not-written-down");
                false
            }
        }
    }

    /// Forgets the nodes that are lost: what they had is started elsewhere.
    pub(super) async fn forget_nodes(&mut self) {
        let Some(there) = self.health.nodes() else {
            return;
        };
        let is_lost = |node: &&String| !there.contains(node.as_str());
        let lost: Vec<String> = self.nodes.iter().filter(is_lost).cloned().collect();
        if lost.is_empty() {
            return;
        }
        match self.write_nodes(None, &lost).await {
            Ok(()) => {
                info!(nodes = ?lost, "nodes-forgotten");
                self.nodes.retain(|node| !lost.contains(node));
            }
            // They are forgotten a second from now.
            Err(error) => warn!(%error, "nodes-not-forgotten"),
        }
    }

    async fn write_nodes(&self, new: Option<&str>, lost: &[String]) -> Result<(), StoreError> {
        let lease = self.site.lease().ok_or(StoreError::LeaseLost)?;
        let mut tx = self.site.store.begin().await?;
        tx.set_nodes(&lease, new, lost).await?;
        tx.commit().await
    }
}

/// The nodes that are written down, as far as this controller knows.
pub(super) type Nodes = BTreeSet<String>;
