//! Signals to the agent.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Asked {
    /// Take nothing new (USR1).
    Close,
    /// Leave, when every instance runs elsewhere (USR2).
    Evacuate,
    /// End everything now (TERM, INT, QUIT).
    ShutDown,
}

/// The signals that mean something to us.
#[derive(Debug)]
pub(super) struct Signals {
    close: Signal,
    evacuate: Signal,
    interrupt: Signal,
    quit: Signal,
    terminate: Signal,
}

impl Signals {
    /// Catches them from now on.
    pub(super) fn catch() -> io::Result<Self> {
        Ok(Self {
            close: signal(SignalKind::user_defined1())?,
            evacuate: signal(SignalKind::user_defined2())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next of them.
    ///
    /// # Cancel safety
    ///
    /// Safe: a signal that arrives in between is seen by the next call.
    pub(super) async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.close.recv() => Asked::Close,
            _ = self.evacuate.recv() => Asked::Evacuate,
            _ = self.interrupt.recv() => Asked::ShutDown,
            _ = self.quit.recv() => Asked::ShutDown,
            _ = self.terminate.recv() => Asked::ShutDown,
        }
    }
}
