//! Queue: finished lines on their way to one thread that writes them.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

/// The way in. Cloned freely; the thread ends when the last clone is gone.
#[derive(Clone, Debug)]
pub struct EventQueue {
    orders: SyncSender<Order>,
    dropped: Arc<AtomicU64>,
}

/// What the thread is given.
#[derive(Debug)]
enum Order {
    /// Write this line.
    Line(Vec<u8>),
    /// Say when all lines before this are written.
    Flush(SyncSender<()>),
}

impl EventQueue {
    /// Starts the thread that writes to `out`.
    ///
    /// # Errors
    ///
    /// Fails when no thread can be made.
    pub fn start(out: impl Write + Send + 'static) -> io::Result<Self> {
        let (orders, inbox) = sync_channel(QUEUED_LINES);
        thread::Builder::new()
            .name("events".into())
            .spawn(move || write_all(out, &inbox))?;
        Ok(Self {
            orders,
            dropped: Arc::default(),
        })
    }

    /// Queues a line, without its line feed. Never waits: a full queue drops and counts it.
    pub fn push(&self, mut line: Vec<u8>) {
        line.push(b'\n');
        if let Err(TrySendError::Full(_)) = self.orders.try_send(Order::Line(line)) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many lines were dropped since this was asked last.
    pub fn take_dropped(&self) -> u64 {
        // perf: the load first, so that usual events do not fight for the line.
        match self.dropped.load(Ordering::Relaxed) {
            0 => 0,
            _ => self.dropped.swap(0, Ordering::Relaxed),
        }
    }

    /// Waits until all lines so far are written, for at most a second.
    pub fn flush(&self) {
        let (done, written) = sync_channel(1);
        // A full queue means that nobody reads; its lines are lost either way.
        if self.orders.try_send(Order::Flush(done)).is_ok() {
            let _late = written.recv_timeout(FLUSH_PATIENCE);
        }
    }
}

/// Writes what comes, many lines in one write when they come fast.
fn write_all(mut out: impl Write, inbox: &Receiver<Order>) {
    let mut batch = Vec::new();
    let mut waiting = Vec::new();
    while let Ok(order) = inbox.recv() {
        let mut next = Some(order);
        while let Some(order) = next {
            match order {
                Order::Line(line) => batch.extend_from_slice(&line),
                Order::Flush(done) => waiting.push(done),
            }
            next = (batch.len() < BATCH_BYTES)
                .then(|| inbox.try_recv().ok())
                .flatten();
        }
        // A closed stdout is nobody's business but the operator's.
        let _unwritten = out.write_all(&batch).and_then(|()| out.flush());
        for done in waiting.drain(..) {
            let _gone = done.send(());
        }
        // perf: whoever queues a line while nobody waits for one wakes nobody: a thread that is woken for each of
        // thousands of lines a second takes the core from the one that queues them. A flood is not waited for.
        if batch.len() < BATCH_BYTES / 4 {
            thread::sleep(REST);
        }
        batch.clear();
    }
}

const QUEUED_LINES: usize = 4096;
const BATCH_BYTES: usize = 64 << 10;
/// What a line may wait behind another one.
const REST: Duration = Duration::from_millis(5);
const FLUSH_PATIENCE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    /// Says that it is written to, then blocks until the other end of the channel is gone.
    struct Stuck(SyncSender<()>, Receiver<()>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _full = self.0.try_send(());
            let _gone = self.1.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_stdout_that_nobody_reads_costs_events_but_never_a_wait() {
        let (stuck, is_stuck) = sync_channel(1);
        let (unblock, blocked) = channel();
        let queue = EventQueue::start(Stuck(stuck, blocked)).unwrap();
        queue.push(b"the line that blocks the writer".to_vec());
        is_stuck.recv().unwrap();
        for _ in 0..3 * QUEUED_LINES {
            queue.push(b"x".to_vec());
        }
        assert_eq!(queue.take_dropped(), 2 * QUEUED_LINES as u64);
        assert_eq!(queue.take_dropped(), 0);
        drop(unblock);
    }
}
