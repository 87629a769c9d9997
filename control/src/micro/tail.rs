//! What a child says: all of it into a file of limited size, the last lines kept at hand.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::sync::Notify;

/// The last lines of one child, shared by those who read its pipes and those who ask.
#[derive(Clone, Debug)]
pub(super) struct Tail {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    record: Mutex<Record>,
    changed: Notify,
}

#[derive(Debug)]
struct Record {
    lines: VecDeque<String>,
    log: Log,
}

impl Tail {
    /// Opens the file; the one of an earlier run is kept beside it.
    pub(super) fn open(log: &Path) -> io::Result<Self> {
        let record = Record {
            lines: VecDeque::new(),
            log: Log::create(log)?,
        };
        Ok(Self {
            shared: Arc::new(Shared {
                record: Mutex::new(record),
                changed: Notify::new(),
            }),
        })
    }

    /// Copies a pipe until it ends.
    pub(super) async fn follow(self, pipe: impl AsyncRead + Unpin) {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        loop {
            line.clear();
            // A line without end is cut, so that it cannot grow in our memory.
            match (&mut pipe)
                .take(LINE_MAX_BYTES)
                .read_until(b'\n', &mut line)
                .await
            {
                Ok(0) | Err(_) => return,
                Ok(_) => self.push(&line),
            }
        }
    }

    /// The last lines, oldest first.
    pub(super) fn lines(&self) -> Vec<String> {
        self.record().lines.iter().cloned().collect()
    }

    /// Waits for a line that `pick` makes something of.
    #[cfg(test)]
    pub(super) async fn find<T>(&self, pick: impl Fn(&str) -> Option<T>) -> T {
        loop {
            // invariant: registered before the look, so that no line is missed in between.
            let changed = self.shared.changed.notified();
            if let Some(found) = self.pick(&pick) {
                return found;
            }
            changed.await;
        }
    }

    #[cfg(test)]
    fn pick<T>(&self, pick: impl Fn(&str) -> Option<T>) -> Option<T> {
        self.record().lines.iter().rev().find_map(|line| pick(line))
    }

    fn push(&self, line: &[u8]) {
        let mut record = self.record();
        record.log.append(line);
        let text = String::from_utf8_lossy(line);
        record.lines.push_back(printable(text.trim_end()));
        if record.lines.len() > LINES_MAX {
            record.lines.pop_front();
        }
        drop(record);
        self.shared.changed.notify_waiters();
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        // What a panicking holder leaves behind is at worst a line too few.
        self.shared
            .record
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file that moves aside when it is full, so that two of them are all that it ever takes.
#[derive(Debug)]
struct Log {
    path: PathBuf,
    file: File,
    bytes: usize,
}

impl Log {
    fn create(path: &Path) -> io::Result<Self> {
        match fs::rename(path, aside(path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        Ok(Self {
            file: OpenOptions::new().create(true).append(true).open(path)?,
            path: path.to_owned(),
            bytes: 0,
        })
    }

    /// Adds a line; a disk that is full costs the line and nothing else.
    fn append(&mut self, line: &[u8]) {
        if self.bytes > LOG_MAX_BYTES
            && let Ok(fresh) = Self::create(&self.path)
        {
            *self = fresh;
        }
        if self.file.write_all(line).is_ok() {
            self.bytes += line.len();
        }
    }
}

fn aside(path: &Path) -> PathBuf {
    path.with_added_extension("1")
}

/// The text without control characters, which would move a terminal's cursor.
fn printable(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect()
}

const LINE_MAX_BYTES: u64 = 4096;
const LINES_MAX: usize = 10;
const LOG_MAX_BYTES: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_last_lines_are_kept_but_all_are_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("child.log");
        let tail = Tail::open(&path).unwrap();
        let text: String = (0..25).map(|n| format!("line {n}\n")).collect();
        tail.clone().follow(text.as_bytes()).await;
        assert_eq!(tail.lines().first().unwrap(), "line 15");
        assert_eq!(fs::read_to_string(path).unwrap(), text);
    }

    #[tokio::test]
    async fn a_line_that_comes_later_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let tail = Tail::open(&dir.path().join("child.log")).unwrap();
        let wanted = tail.find(|line| line.strip_prefix("port ").map(str::to_owned));
        let (port, ()) = tokio::join!(wanted, tail.clone().follow(&b"hello\nport 7\n"[..]));
        assert_eq!(port, "7");
    }

    #[test]
    fn escape_sequences_lose_their_power() {
        assert_eq!(printable("a\u{1b}[2Kb"), "a [2Kb");
    }
}
