//! The control thread's loop: many messages for each wake, and the chores between them.

use bus::{Bus, BusError, Message, StartMessage};
use thiserror::Error;
use tokio::sync::oneshot;
use tracing::{info, warn};

use super::chores::{Chore, Chores, Saver};
use super::prune::{Hearing, Pruner};
use super::snapshot;
use super::source::file::FileSource;
use super::source::nats::{Arrival, BATCH, NatsSource};
use super::writer::{Now, Registry};
use crate::config::RegistryConfig;
use crate::core::Clock;

/// Why the registry stopped on its own.
#[derive(Debug, Error)]
pub enum RegistryError {
    /// The bus connection is closed for good.
    #[error("the connection to the bus is closed")]
    BusClosed,
    /// The first subscription was not confirmed.
    #[error("the route announcements could not be subscribed to")]
    Subscribe(#[source] BusError),
}

/// How the loop begins and ends.
pub struct Lifecycle {
    /// What we say on `router.start`; see [`start_message`](super::source::nats::start_message).
    pub start: StartMessage,
    /// Told once the table is loaded and the server has confirmed the subscription.
    pub ready: oneshot::Sender<()>,
    /// Ends the loop, when it is told or dropped.
    pub stop: oneshot::Receiver<()>,
}

/// Keeps the table until it is stopped.
///
/// # Errors
///
/// When the bus cannot be subscribed to, or closes for good.
pub async fn run(
    mut registry: Registry,
    bus: Bus,
    config: RegistryConfig,
    clock: Clock,
    lifecycle: Lifecycle,
) -> Result<(), RegistryError> {
    let mut file = FileSource::of(&config);
    warm_up(&mut registry, &config, file.as_mut(), &clock);
    let mut pruner = Pruner::new(&config);
    let source = NatsSource::open(bus, &lifecycle.start)
        .await
        .map_err(RegistryError::Subscribe)?;
    pruner.heard(clock.now().millis());
    // Nobody may be waiting for it.
    let _waiting = lifecycle.ready.send(());
    let chores = Chores::new(pruner.step_every(), config.snapshot_interval);
    let saver = Saver::new(config.snapshot.clone(), registry.table());
    Desk {
        registry,
        source,
        file,
        pruner,
        saver,
        clock,
    }
    .serve(chores, lifecycle.stop)
    .await
}

/// Fills the table with what needs no announcer.
fn warm_up(
    registry: &mut Registry,
    config: &RegistryConfig,
    file: Option<&mut FileSource>,
    clock: &Clock,
) {
    let now = Now::read(clock);
    if let Some(path) = &config.snapshot {
        match snapshot::load(path, registry, now) {
            Ok(registrations) => info!(registrations, "route-snapshot-loaded"),
            Err(error) => warn!(path = %path.display(), %error, "route-snapshot-ignored"),
        }
    }
    if let Some(file) = file {
        file.poll(registry, now);
    }
}

/// Everything that the loop has on its desk.
struct Desk {
    registry: Registry,
    source: NatsSource,
    file: Option<FileSource>,
    pruner: Pruner,
    saver: Saver,
    clock: Clock,
}

impl Desk {
    async fn serve(
        mut self,
        mut chores: Chores,
        mut stop: oneshot::Receiver<()>,
    ) -> Result<(), RegistryError> {
        let mut batch: Vec<Message> = Vec::with_capacity(BATCH);
        loop {
            let resync_due = self.source.resync_due();
            tokio::select! {
                arrival = self.source.next(&mut batch) => self.receive(arrival, &mut batch).await?,
                chore = chores.next(resync_due) => self.tend(chore).await,
                _stopped = &mut stop => break,
            }
        }
        self.saver.finish().await;
        Ok(())
    }

    async fn receive(
        &mut self,
        arrival: Arrival,
        batch: &mut Vec<Message>,
    ) -> Result<(), RegistryError> {
        match arrival {
            Arrival::Closed => return Err(RegistryError::BusClosed),
            Arrival::Reconnected => {
                self.pruner.heard(self.clock.now().millis());
                self.source.say_start().await;
            }
            Arrival::Messages | Arrival::Unimportant => {}
        }
        let now = Now::read(&self.clock);
        for message in batch.drain(..) {
            self.source.apply(&message, &mut self.registry, now).await;
        }
        Ok(())
    }

    async fn tend(&mut self, chore: Chore) {
        match chore {
            Chore::Monitor => {
                let bus = self.source.bus();
                self.registry
                    .report_bus(bus.buffered_messages() as u64, bus.dropped_messages());
            }
            Chore::PollFile => {
                if let Some(file) = &mut self.file {
                    file.poll(&mut self.registry, Now::read(&self.clock));
                }
            }
            Chore::Prune => {
                let hearing = if self.source.bus().is_connected() {
                    Hearing::Good
                } else {
                    Hearing::Deaf
                };
                self.pruner
                    .step(&mut self.registry, hearing, self.clock.now().millis());
            }
            Chore::Resync => self.source.resync().await,
            Chore::Save => self.saver.save_if_due().await,
        }
    }
}
