//! Somebody says stop.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::MicroError;

/// The signals that mean stop: Ctrl-C, TERM, and the terminal's end.
#[derive(Debug)]
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Catches them from now on.
    pub(super) fn catch() -> Result<Self, MicroError> {
        let catch = |kind| signal(kind).map_err(MicroError::Runtime);
        Ok(Self {
            interrupt: catch(SignalKind::interrupt())?,
            terminate: catch(SignalKind::terminate())?,
            hang_up: catch(SignalKind::hangup())?,
        })
    }

    /// Waits for the next of them.
    ///
    /// # Cancel safety
    ///
    /// Safe: a signal that arrives in between is seen by the next call.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}
