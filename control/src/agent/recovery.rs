//! Taking up what an earlier agent left: instances that run, instances that ended meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::JoinSet;
use tracing::{info, warn};

use super::desk::forget;
use super::error::AgentError;
use super::instance::Instance;
use super::life::{From, Life};
use super::name::Origin;
use super::node::Node;
use super::runtime::Labelled;
use super::snapshot::Snapshot;
use crate::wire::{ExitReason, InstanceState};

/// Takes up every instance of the snapshot. Builds end with their agent; the stager sees to that.
///
/// In a copied directory most are another node's, which tells their ends itself; they are forgotten
/// here without a word.
pub(super) async fn recover(
    node: &Arc<Node>,
    snapshot: &Snapshot,
    origin: Origin,
    lives: &mut JoinSet<()>,
) -> Result<(), AgentError> {
    let known = snapshot.read().map_err(|source| AgentError::Snapshot {
        path: node.dir.join("db/instances.json"),
        source,
    })?;
    let listed = node.runtime.list().await.map_err(AgentError::Runtime)?;
    let listed: BTreeMap<String, Labelled> = listed
        .into_iter()
        .map(|one| (one.handle.clone(), one))
        .collect();
    let runs = |instance: &Instance| listed.get(&instance.guid).is_some_and(|one| one.running);
    for instance in known {
        if origin == Origin::Own || runs(&instance) {
            take_up(node, instance, &listed, lives);
        } else {
            disclaim(node, &instance).await;
        }
    }
    Ok(())
}

/// Forgets an instance of the node that this directory was copied from.
async fn disclaim(node: &Node, instance: &Instance) {
    let guid = instance.guid.as_str();
    info!(instance = guid, "instance-of-another-node-forgotten");
    if let Err(error) = node.runtime.remove(guid).await {
        // The sweep of orphans tries again.
        warn!(%error, instance = guid, "container-not-removed");
    }
    forget(node, instance);
    // Offsets that stay are read by nobody.
    let _ = std::fs::remove_file(node.dir.join("offsets").join(guid));
}

fn take_up(
    node: &Arc<Node>,
    mut instance: Instance,
    listed: &BTreeMap<String, Labelled>,
    lives: &mut JoinSet<()>,
) {
    let guid = instance.guid.clone();
    let found = listed.get(&guid);
    let was = instance.state;
    // Whoever speaks to the routers has forgotten it with the agent before us.
    instance.routable = false;
    let from = match (was, found.map(|container| container.running)) {
        (InstanceState::Crashed | InstanceState::Stopped, _) => {
            let room = node.admission.occupy(instance.amount());
            drop(node.roster.add(instance, room));
            // As a change, so that its room is given back.
            node.roster.change(&guid, |_| {});
            return;
        }
        (_, None) => From::Nothing,
        (InstanceState::Running | InstanceState::Evacuating, Some(true)) => From::Health,
        // Its program runs but was never seen healthy, or has ended; both are found out.
        (_, Some(_)) => From::Container,
    };
    let stopping = was == InstanceState::Stopping;
    let state = match from {
        From::Health => InstanceState::Running,
        From::Admission | From::Container | From::Nothing => InstanceState::Starting,
    };
    instance.state = state;
    let room = node.admission.occupy(instance.amount());
    let told = node.roster.add(instance, room);
    info!(instance = guid, state = ?was, container = found.is_some(), "instance-taken-up");
    let life = Life {
        node: Arc::clone(node),
        guid: guid.clone(),
        told,
        following: None,
    };
    if stopping {
        node.roster.tell(&guid, ExitReason::Stopped);
    }
    lives.spawn(life.live(from));
}
