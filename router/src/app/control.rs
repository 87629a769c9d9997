//! The control thread: the bus, the registry and the operator's pages, on one small runtime.

use std::io;
use std::sync::mpsc::SyncSender;
use std::thread::{self, JoinHandle};

use bus::{Bus, BusOptions, StartMessage};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{oneshot, watch};

use super::error::StartError;
use crate::admin::{self, AdminListeners, AdminState};
use crate::config::RegistryConfig;
use crate::core::Clock;
use crate::registry::{self, Lifecycle, Registry};

/// What runs on the control thread.
pub(super) struct Control {
    pub(super) listeners: AdminListeners,
    pub(super) state: AdminState,
    pub(super) registry: Registry,
    pub(super) config: RegistryConfig,
    pub(super) start: StartMessage,
    pub(super) bus: BusOptions,
    pub(super) clock: Clock,
}

/// What the one who starts the thread waits for.
pub(super) type Readiness = Result<(), StartError>;

/// Starts the thread. It says on `ready` when the bus has confirmed the subscription, or why
/// not, and ends when `over` says so.
pub(super) fn spawn(
    control: Control,
    ready: SyncSender<Readiness>,
    over: watch::Receiver<bool>,
) -> io::Result<JoinHandle<()>> {
    thread::Builder::new()
        .name("control".into())
        .spawn(move || {
            match Builder::new_current_thread()
                .enable_all()
                .build_local(LocalOptions::default())
            {
                Ok(runtime) => runtime.block_on(run(control, ready, over)),
                // The other end waits for a word, and may be gone only if it needs none.
                Err(error) => drop(ready.send(Err(error.into()))),
            }
        })
}

async fn run(control: Control, ready: SyncSender<Readiness>, mut over: watch::Receiver<bool>) {
    let Control {
        listeners,
        state,
        registry,
        config,
        start,
        bus,
        clock,
    } = control;
    tokio::task::spawn_local(async move {
        let Err(error) = admin::serve(listeners, state).await;
        tracing::error!(error = %error, "admin-failed");
    });
    let (stop, stopped) = oneshot::channel();
    let (told, subscribed) = oneshot::channel();
    let lifecycle = Lifecycle {
        start,
        ready: told,
        stop: stopped,
    };
    let keeping = tokio::task::spawn_local(async move {
        let bus = Bus::connect(bus).await.map_err(StartError::Bus)?;
        registry::run(registry, bus, config, clock, lifecycle)
            .await
            .map_err(StartError::Registry)
    });
    if subscribed.await.is_ok() {
        // Nobody waits any more only when the start was given up.
        let _given_up = ready.send(Ok(()));
        let _over = over.wait_for(|over| *over).await;
        drop(stop);
        report(keeping.await);
        return;
    }
    if let Ok(Err(error)) = keeping.await {
        let _given_up = ready.send(Err(error));
    }
    let _over = over.wait_for(|over| *over).await;
}

fn report(ended: Result<Result<(), StartError>, tokio::task::JoinError>) {
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(error = %error, "registry-failed"),
        Err(panic) => tracing::error!(error = %panic, "registry-failed"),
    }
}
