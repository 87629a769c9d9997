//! Draining: told once by `app`, seen by every connection.

use std::cell::Cell;
use std::rc::Rc;

use tokio::sync::watch;

use crate::core::Wheel;
use crate::proxy::Reuse;

/// How far the stop has come.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Stage {
    /// Not at all.
    #[default]
    Serving,
    /// No new connections; those there are end with the exchange they are in.
    Draining,
    /// Whatever is left is cut.
    Over,
}

/// The end that orders.
pub type DrainOrder = watch::Sender<Stage>;

/// One core's view.
#[derive(Clone, Debug)]
pub struct DrainWatch {
    receiver: watch::Receiver<Stage>,
    // perf: a connection asks on every wake-up; this is a load without a lock.
    stage: Rc<Cell<Stage>>,
    reuse: Rc<Cell<Reuse>>,
}

impl DrainWatch {
    /// Watches for orders.
    #[must_use]
    pub fn new(receiver: watch::Receiver<Stage>) -> Self {
        let stage = *receiver.borrow();
        Self {
            receiver,
            stage: Rc::new(Cell::new(stage)),
            reuse: Rc::new(Cell::new(reuse_in(stage))),
        }
    }

    /// Passes orders on to the connections of this core, until everything is over.
    pub async fn run(mut self, wheel: Rc<Wheel>) {
        while self.stage.get() < Stage::Over {
            if self.receiver.changed().await.is_err() {
                self.stage.set(Stage::Over);
            } else {
                let stage = *self.receiver.borrow_and_update();
                self.stage.set(stage);
            }
            self.reuse.set(reuse_in(self.stage.get()));
            // Every connection has a timer, so that waking all timers wakes all connections.
            wheel.wake_all();
        }
    }

    /// How far it has come.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.stage.get()
    }

    /// Waits until the stop has come to `stage`.
    pub async fn reached(&self, stage: Stage) {
        let mut receiver = self.receiver.clone();
        // A sender that is gone means that all is over.
        let _over = receiver.wait_for(|now| *now >= stage).await;
    }

    /// What a connection may do after its exchange; changes when the drain begins.
    #[must_use]
    pub fn reuse(&self) -> &Cell<Reuse> {
        &self.reuse
    }
}

fn reuse_in(stage: Stage) -> Reuse {
    match stage {
        Stage::Serving => Reuse::Allowed,
        Stage::Draining | Stage::Over => Reuse::Over,
    }
}
