//! Ending what an earlier agent left running, where no agent will take it up.

use std::time::Duration;

use tokio::task::JoinSet;
use tracing::{info, warn};

use super::error::AgentError;
use super::runtime::Runtime;
use super::snapshot::Snapshot;
use crate::wire::InstanceState;

/// Ends every container of this node, asking first and killing after `grace`, and notes in the
/// snapshot that its instances have stopped.
///
/// # Errors
///
/// Fails when the engine does not say what there is; a container that cannot be ended is told in
/// the log.
pub(super) async fn clear(
    runtime: &Runtime,
    snapshot: &Snapshot,
    grace: Duration,
) -> Result<(), AgentError> {
    let listed = runtime.list().await.map_err(AgentError::Runtime)?;
    let mut ends = JoinSet::new();
    for container in listed {
        let runtime = runtime.clone();
        ends.spawn(async move {
            if container.running && !grace.is_zero() {
                // One that does not end, or cannot be asked, is killed by its removal.
                let _asked = runtime.stop(&container.handle, grace).await;
            }
            match runtime.remove(&container.handle).await {
                Ok(()) => info!(container = container.handle, "container-cleared"),
                Err(error) => {
                    warn!(%error, container = container.handle, "container-not-removed");
                }
            }
        });
    }
    while ends.join_next().await.is_some() {}
    runtime.leave().await;
    if let Err(error) = stopped(snapshot) {
        // The next agent finds no container and tells the instances' ends itself.
        warn!(%error, "snapshot-not-written");
    }
    Ok(())
}

/// Lets no later agent take the end of these instances for a crash.
fn stopped(snapshot: &Snapshot) -> std::io::Result<()> {
    let mut instances = snapshot.read()?;
    for instance in instances.iter_mut().filter(|one| one.is_live()) {
        instance.state = InstanceState::Stopped;
        instance.routable = false;
    }
    snapshot.write(&instances)
}
