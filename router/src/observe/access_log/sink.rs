//! Sink: the one thread that writes the access log's file.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tracing::{error, info};

use crate::core::cells::CoreCounter;

use super::ring::{LogConsumer, LogProducer, ring};

/// The running access log. Dropping it writes what waits and ends the thread.
#[derive(Debug)]
pub struct AccessLog {
    orders: Arc<Orders>,
    thread: Option<JoinHandle<Unwritten>>,
}

/// How many bytes were still in the rings when the writer gave up at the end; 0 when all is well.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Unwritten(pub u64);

/// What the writer thread is told, and what it tells.
#[derive(Debug, Default)]
struct Orders {
    close: AtomicBool,
    reopen: AtomicBool,
    failures: AtomicU64,
}

impl AccessLog {
    /// Opens the file for appending and starts its writer; one ring of so many bytes for each
    /// worker, which counts its drops there.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be opened or no thread can be made.
    pub fn open(
        path: &Path,
        ring_bytes: usize,
        drops: impl IntoIterator<Item = CoreCounter>,
    ) -> io::Result<(Self, Vec<LogProducer>)> {
        let file = append_to(path)?;
        let orders = Arc::new(Orders::default());
        let writer_orders = Arc::clone(&orders);
        let path = path.to_owned();
        // The rings need the thread's handle, so they follow it.
        let (give, take) = mpsc::sync_channel::<Box<[LogConsumer]>>(1);
        let thread = thread::Builder::new()
            .name("access-log".into())
            .spawn(move || {
                let rings = take.recv().unwrap_or_default();
                Writer::new(path, file, rings, writer_orders).run()
            })?;
        let pairs = drops
            .into_iter()
            .map(|drops| ring(ring_bytes, thread.thread().clone(), drops));
        let (producers, consumers): (Vec<_>, Vec<_>) = pairs.unzip();
        give.send(consumers.into())
            .map_err(|_gone| io::Error::other("the log writer is gone"))?;
        Ok((
            Self {
                orders,
                thread: Some(thread),
            },
            producers,
        ))
    }

    /// Opens the path again, after a log rotation has moved the file away.
    pub fn reopen(&self) {
        self.order(&self.orders.reopen);
    }

    /// How many writes have failed.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.orders.failures.load(Ordering::Relaxed)
    }

    /// Writes what waits and ends the thread; the workers must have stopped.
    ///
    /// A file that takes nothing is given up after a second.
    pub fn close(mut self) -> Unwritten {
        self.finish()
    }

    fn finish(&mut self) -> Unwritten {
        self.order(&self.orders.close);
        let ended = self.thread.take().map(JoinHandle::join);
        ended.and_then(Result::ok).unwrap_or(Unwritten(0))
    }

    fn order(&self, order: &AtomicBool) {
        order.store(true, Ordering::Release);
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        self.finish();
    }
}

/// The thread's own state.
struct Writer {
    path: PathBuf,
    file: File,
    rings: Box<[LogConsumer]>,
    /// The ring whose turn it is: after a failure the one whose line may be half written.
    turn: usize,
    orders: Arc<Orders>,
    complained: Option<Instant>,
}

impl Writer {
    fn new(path: PathBuf, file: File, rings: Box<[LogConsumer]>, orders: Arc<Orders>) -> Self {
        Self {
            path,
            file,
            rings,
            turn: 0,
            orders,
            complained: None,
        }
    }

    fn run(mut self) -> Unwritten {
        let mut rest = BUSY_REST;
        while !self.orders.close.load(Ordering::Acquire) {
            if self.orders.reopen.swap(false, Ordering::AcqRel) {
                self.reopen();
            }
            rest = match self.drain() {
                Ok(0) => (rest * 2).min(IDLE_REST),
                Ok(_) => BUSY_REST,
                Err(_) => FAILED_REST,
            };
            // A worker whose ring is half full, and every order, ends the rest early.
            thread::park_timeout(rest);
        }
        self.last_drain()
    }

    /// Writes what waits in every ring, each in turn.
    fn drain(&mut self) -> io::Result<usize> {
        let mut written = 0;
        for _ in 0..self.rings.len() {
            let Some(ring) = self.rings.get_mut(self.turn) else {
                break;
            };
            match ring.write_to(&mut self.file) {
                Ok(bytes) => written += bytes,
                Err(failure) => {
                    self.complain(&failure);
                    return Err(failure);
                }
            }
            self.turn = (self.turn + 1) % self.rings.len();
        }
        Ok(written)
    }

    fn last_drain(mut self) -> Unwritten {
        let deadline = Instant::now() + LAST_PATIENCE;
        while self.drain().is_err() && Instant::now() < deadline {
            thread::park_timeout(BUSY_REST);
        }
        Unwritten(self.rings.iter().map(|ring| ring.len() as u64).sum())
    }

    fn reopen(&mut self) {
        match append_to(&self.path) {
            Ok(file) => {
                self.file = file;
                info!(path = %self.path.display(), "access-log-reopened");
            }
            // The old file is better than none.
            Err(failure) => self.complain(&failure),
        }
    }

    /// Counts a failure, and says so at most once a minute.
    fn complain(&mut self, failure: &io::Error) {
        self.orders.failures.fetch_add(1, Ordering::Relaxed);
        if self.complained.is_none_or(|at| at.elapsed() >= SILENCE) {
            let failures = self.orders.failures.load(Ordering::Relaxed);
            let path = self.path.display();
            error!(%path, error = %failure, failures, "error-emitting-access-log-to-writers");
            self.complained = Some(Instant::now());
        }
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o644)
        .open(path)
}

/// Between two looks while lines come; 50 large writes a second at most.
const BUSY_REST: Duration = Duration::from_millis(20);
/// The longest pause while nothing comes, and so the latest that a lone line is seen.
const IDLE_REST: Duration = Duration::from_millis(160);
/// Before a file that failed is tried again.
const FAILED_REST: Duration = Duration::from_millis(500);
/// For a file that takes nothing at the end.
const LAST_PATIENCE: Duration = Duration::from_secs(1);
/// Between two complaints.
const SILENCE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use crate::core::cells::{Cells, Layout, Slots};

    use super::*;

    fn drops(workers: usize) -> (Cells, Slots, Vec<CoreCounter>) {
        let mut layout = Layout::new();
        let slots = layout.number();
        let cells = Cells::new(&layout, workers);
        let counters = (0..workers).map(|n| cells.core(n).counter(slots)).collect();
        (cells, slots, counters)
    }

    fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !condition() {
            assert!(
                Instant::now() < deadline,
                "{what} did not happen within 10 s"
            );
            thread::yield_now();
        }
    }

    fn read(path: &Path) -> String {
        std::fs::read_to_string(path).unwrap_or_default()
    }

    #[test]
    fn close_writes_every_line_of_every_core_in_its_order() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("access.log");
        std::fs::write(&path, "before\n").unwrap();
        let (_cells, _slots, counters) = drops(3);
        let (log, producers) = AccessLog::open(&path, 1 << 20, counters).unwrap();
        thread::scope(|scope| {
            for (core, mut producer) in producers.into_iter().enumerate() {
                scope.spawn(move || {
                    for n in 0..1_000 {
                        producer.push(format!("{core} {n}\n").as_bytes()).unwrap();
                    }
                });
            }
        });
        assert_eq!(log.close(), Unwritten(0));
        let text = read(&path);
        assert!(text.starts_with("before\n"));
        for core in 0..3 {
            let prefix = format!("{core} ");
            let numbers = text.lines().filter_map(|line| line.strip_prefix(&prefix));
            let expected: Vec<String> = (0..1_000).map(|n| n.to_string()).collect();
            assert_eq!(numbers.collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn a_lone_line_is_written_without_being_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("access.log");
        let (_cells, _slots, counters) = drops(1);
        let (_log, mut producers) = AccessLog::open(&path, 1 << 10, counters).unwrap();
        producers[0].push(b"lone\n").unwrap();
        eventually("the line", || read(&path) == "lone\n");
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o600, 0o600);
        assert_eq!(mode & 0o133, 0);
    }

    #[test]
    fn reopen_follows_a_rotation() {
        let dir = tempfile::tempdir().unwrap();
        let (path, old) = (
            dir.path().join("access.log"),
            dir.path().join("access.log.1"),
        );
        let (_cells, _slots, counters) = drops(1);
        let (log, mut producers) = AccessLog::open(&path, 1 << 10, counters).unwrap();
        producers[0].push(b"one\n").unwrap();
        eventually("the first line", || read(&path) == "one\n");
        std::fs::rename(&path, &old).unwrap();
        log.reopen();
        eventually("a new file", || path.exists());
        producers[0].push(b"two\n").unwrap();
        log.close();
        assert_eq!(
            (read(&old).as_str(), read(&path).as_str()),
            ("one\n", "two\n")
        );
    }

    #[test]
    fn a_full_disk_costs_lines_but_neither_time_nor_order() {
        let dir = tempfile::tempdir().unwrap();
        let (path, disk) = (dir.path().join("access.log"), dir.path().join("disk"));
        std::os::unix::fs::symlink("/dev/full", &path).unwrap();
        let (cells, slots, counters) = drops(1);
        let (log, mut producers) = AccessLog::open(&path, 64, counters).unwrap();
        let kept: Vec<String> = (0..50)
            .map(|n| format!("line {n}\n"))
            .filter(|line| producers[0].push(line.as_bytes()).is_ok())
            .collect();
        eventually("a failed write", || log.failures() > 0);
        assert_eq!(cells.sum(slots, 0) + kept.len() as u64, 50);
        // There is room again: what the ring kept is written, in order.
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(&disk, &path).unwrap();
        log.reopen();
        eventually("the kept lines", || read(&disk) == kept.concat());
        assert_eq!(log.close(), Unwritten(0));
    }

    #[test]
    fn close_gives_up_a_disk_that_stays_full() {
        let (_cells, _slots, counters) = drops(2);
        let (log, mut producers) = AccessLog::open(Path::new("/dev/full"), 64, counters).unwrap();
        producers[0].push(b"1234\n").unwrap();
        producers[1].push(b"123\n").unwrap();
        assert_eq!(log.close(), Unwritten(9));
    }

    #[test]
    fn a_path_that_cannot_be_opened_is_an_error() {
        let (_cells, _slots, counters) = drops(1);
        let opened = AccessLog::open(Path::new("/nowhere/access.log"), 64, counters);
        assert_eq!(opened.unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
