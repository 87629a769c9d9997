//! Watching a keeper that may be somebody else's child.

use std::io;
use std::os::fd::OwnedFd;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::proc::Identity;

/// A hold on a running process; its id cannot be mistaken for a later one's.
#[derive(Debug)]
pub(super) struct Hold(AsyncFd<OwnedFd>);

impl Hold {
    /// A hold on the process, or `None` when it has ended.
    pub(super) fn on(identity: Identity) -> io::Result<Option<Self>> {
        let Some(pid) = Pid::from_raw(identity.pid) else {
            return Ok(None);
        };
        let held = match pidfd_open(pid, PidfdFlags::NONBLOCK) {
            Ok(held) => held,
            Err(rustix::io::Errno::SRCH) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        // invariant: asked after the hold, so that what we hold is who was asked about.
        if !identity.runs() {
            return Ok(None);
        }
        #[expect(
            deprecated,
            reason = "its successor is unsafe for the sake of types that do not own their descriptor; this one does"
        )]
        let held = AsyncFd::with_interest(held, Interest::READABLE)?;
        Ok(Some(Self(held)))
    }

    /// Sends a signal; one that has ended needs none.
    pub(super) fn signal(&self, signal: Signal) {
        let _ = pidfd_send_signal(self.0.get_ref(), signal);
    }

    /// Waits for the end.
    pub(super) async fn ended(&self) -> io::Result<()> {
        self.0.readable().await.map(|_ready| ())
    }
}
