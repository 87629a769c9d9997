//! What waits to be written to one client, and never more than a limit of it.

use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Bytes on their way to a client. Anyone appends; the client's own session writes.
pub(super) struct Outbox {
    queue: Mutex<Queue>,
    limit: usize,
    /// Something is to be written, or the outbox was closed.
    ready: Notify,
    /// Something was written.
    drained: Notify,
}

#[derive(Default)]
struct Queue {
    bytes: Vec<u8>,
    /// Bytes taken by the session and not yet written.
    taken: usize,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum State {
    #[default]
    Open,
    Overflowed,
}

/// What became of bytes that were to be appended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Pushed {
    /// They wait their turn, and so much else that whoever appends should pause.
    Behind,
    /// The client is being cut off.
    Closed,
    /// They wait their turn.
    Queued,
}

/// The client read too slowly and is to be cut off.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct SlowConsumer;

impl Outbox {
    pub(super) fn new(limit: usize) -> Self {
        let (ready, drained) = (Notify::new(), Notify::new());
        Self {
            queue: Mutex::default(),
            limit,
            ready,
            drained,
        }
    }

    /// Appends the `size` bytes that `write` writes, unless they exceed the limit: that closes the
    /// outbox for good.
    pub(super) fn push<W: FnOnce(&mut Vec<u8>)>(&self, size: usize, write: W) -> Pushed {
        let pushed = self.lock().push(size, self.limit, write);
        self.ready.notify_one();
        pushed
    }

    /// Waits for bytes and moves them into `buffer`, which must be empty and takes their place.
    ///
    /// # Cancel safety
    ///
    /// Nothing is taken when the future is dropped while it waits.
    pub(super) async fn take(&self, buffer: &mut Vec<u8>) -> Result<(), SlowConsumer> {
        while !self.try_take(buffer)? {
            self.ready.notified().await;
        }
        Ok(())
    }

    /// Moves what waits into `buffer`, which must be empty; says whether there was anything.
    pub(super) fn try_take(&self, buffer: &mut Vec<u8>) -> Result<bool, SlowConsumer> {
        let mut queue = self.lock();
        if queue.state == State::Overflowed {
            return Err(SlowConsumer);
        }
        mem::swap(&mut queue.bytes, buffer);
        queue.taken += buffer.len();
        Ok(!buffer.is_empty())
    }

    /// Waits until the outbox overflows.
    pub(super) async fn overflowed(&self) {
        while self.lock().state == State::Open {
            self.ready.notified().await;
        }
    }

    /// Notes that `written` of the taken bytes have been written.
    pub(super) fn wrote(&self, written: usize) {
        let mut queue = self.lock();
        queue.taken = queue.taken.saturating_sub(written);
        drop(queue);
        self.drained.notify_waiters();
    }

    /// Waits until the client has caught up to half the limit, or is cut off.
    pub(super) async fn caught_up(&self) {
        loop {
            let drained = self.drained.notified();
            if !self.lock().is_behind(self.limit) {
                return;
            }
            drained.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // invariant: no code that holds the lock can panic half-way, so poison means nothing.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn push<W: FnOnce(&mut Vec<u8>)>(&mut self, size: usize, limit: usize, write: W) -> Pushed {
        if self.state == State::Overflowed {
            return Pushed::Closed;
        }
        if self.bytes.len() + self.taken + size > limit {
            self.state = State::Overflowed;
            self.bytes = Vec::new();
            return Pushed::Closed;
        }
        write(&mut self.bytes);
        if self.is_behind(limit) {
            Pushed::Behind
        } else {
            Pushed::Queued
        }
    }

    fn is_behind(&self, limit: usize) -> bool {
        self.state == State::Open && self.bytes.len() + self.taken > limit / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(outbox: &Outbox, bytes: &[u8]) -> Pushed {
        outbox.push(bytes.len(), |queue| queue.extend_from_slice(bytes))
    }

    #[test]
    fn what_was_taken_counts_until_it_is_written() {
        let outbox = Outbox::new(10);
        let mut buffer = Vec::new();
        assert_eq!(push(&outbox, b"12345"), Pushed::Queued);
        assert_eq!(outbox.try_take(&mut buffer), Ok(true));
        assert_eq!(buffer, b"12345");
        assert_eq!(push(&outbox, b"67890"), Pushed::Behind);
        outbox.wrote(5);
        assert_eq!(push(&outbox, b"12345"), Pushed::Behind);
        assert_eq!(push(&outbox, b"6"), Pushed::Closed);
    }

    #[test]
    fn an_overflow_frees_what_waited_and_is_final() {
        let outbox = Outbox::new(4);
        push(&outbox, b"1234");
        assert_eq!(push(&outbox, b"5"), Pushed::Closed);
        assert_eq!(outbox.lock().bytes.capacity(), 0);
        assert_eq!(push(&outbox, b""), Pushed::Closed);
        assert_eq!(outbox.try_take(&mut Vec::new()), Err(SlowConsumer));
    }
}
