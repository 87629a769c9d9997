//! One look at all files of an instance: what is new becomes records, at a bounded rate.

use super::allowance::Allowance;
use super::file::LineFile;
use super::follow::TailTarget;
use super::lines::End;
use super::rate::{BURST_LINES, Bucket, LINES_PER_SECOND};
use crate::wire::{LogRecord, LogStream};

/// The files of one instance, and whose lines these are.
#[derive(Debug)]
pub(super) struct Files {
    files: Vec<Followed>,
    allowance: Allowance,
    /// Lines for which it had no room.
    refused: Dropped,
    speaker: Speaker,
}

/// Whose lines these are.
#[derive(Debug)]
struct Speaker {
    source_type: String,
    instance: String,
}

#[derive(Debug)]
struct Followed {
    file: LineFile,
    stream: LogStream,
    bucket: Bucket,
    dropped: Dropped,
}

/// Lines that were dropped and not told yet.
#[derive(Debug, Default)]
struct Dropped {
    lines: u64,
    told_ns: i64,
}

/// What one look found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) records: Vec<LogRecord>,
    /// Whether there is more to read at once.
    pub(super) more: bool,
}

impl Files {
    /// The files of `target`, from these offsets on; `looked_ns` is when they were looked at last.
    pub(super) fn new(target: &TailTarget, offsets: &[u64], looked_ns: i64) -> Self {
        let offsets = offsets.iter().copied().chain(std::iter::repeat(0));
        let files = target.files.iter().zip(offsets);
        Self {
            files: files
                .map(|((path, stream), offset)| Followed {
                    file: LineFile::at(path.clone(), offset),
                    stream: *stream,
                    bucket: Bucket::new(0),
                    dropped: Dropped::default(),
                })
                .collect(),
            allowance: Allowance::new(target.bytes_per_second, looked_ns),
            refused: Dropped::default(),
            speaker: Speaker {
                source_type: target.source_type.clone(),
                instance: target.instance.clone(),
            },
        }
    }

    pub(super) fn offsets(&self) -> Vec<u64> {
        self.files.iter().map(|file| file.file.offset()).collect()
    }

    /// Looks once at each file. A file that cannot be read is as good as silent.
    pub(super) fn look(&mut self, end: End, now_ns: i64) -> Found {
        let mut found = Found::default();
        self.allowance.fill(now_ns);
        for file in &mut self.files {
            let Ok(lines) = file.file.read(end) else {
                continue;
            };
            found.more |= lines.more;
            if lines.skipped_bytes > 0 {
                let text = format!(
                    "{} bytes passed over: at most the last 16 MB of a file are caught up with",
                    lines.skipped_bytes
                );
                found.records.push(self.speaker.notice(text, now_ns));
            }
            let mut lines = lines.lines;
            let said = lines.len();
            lines.retain(|line| self.allowance.admit(line.len()));
            self.refused.lines += (said - lines.len()) as u64;
            let admitted = file.bucket.admit(lines.len(), now_ns);
            file.dropped.lines += (lines.len() - admitted) as u64;
            lines.truncate(admitted);
            let record = |text| self.speaker.record(file.stream, text, now_ns);
            found.records.extend(lines.into_iter().map(record));
            if let Some(dropped) = file.dropped.due(end, now_ns) {
                let text = format!(
                    "{dropped} dropped: a file may have {LINES_PER_SECOND} lines per second after \
                     a burst of {BURST_LINES}"
                );
                found.records.push(self.speaker.notice(text, now_ns));
            }
        }
        if !found.more {
            self.allowance.rest();
        }
        found.records.extend(self.excess(end, now_ns));
        found
    }

    /// Says that the user's limit was exceeded, and what that has cost.
    fn excess(&mut self, end: End, now_ns: i64) -> Option<LogRecord> {
        let limit = self.allowance.told()?;
        let dropped = self.refused.due(end, now_ns)?;
        // compat: these words, in the app's own name, are what people search their logs for (executor
        // depot/log_streamer/log_rate_limiter.go); the count is ours.
        let text =
            format!("app instance exceeded log rate limit ({limit} bytes/sec); {dropped} dropped");
        Some(self.speaker.record(LogStream::Out, text, now_ns))
    }
}

impl Dropped {
    /// What is to be told, once a second and at the end.
    fn due(&mut self, end: End, now_ns: i64) -> Option<String> {
        let due = end == End::Closed || now_ns >= self.told_ns + NOTICE_PAUSE_NS;
        if self.lines == 0 || !due {
            return None;
        }
        self.told_ns = now_ns;
        let lines = std::mem::take(&mut self.lines);
        let noun = if lines == 1 { "line" } else { "lines" };
        Some(format!("{lines} {noun}"))
    }
}

impl Speaker {
    fn record(&self, stream: LogStream, text: String, time_ns: i64) -> LogRecord {
        LogRecord {
            time_ns,
            source_type: self.source_type.clone(),
            instance: self.instance.clone(),
            stream,
            text,
        }
    }

    /// What the platform has to say of its lines.
    fn notice(&self, text: String, time_ns: i64) -> LogRecord {
        LogRecord {
            source_type: "LGR".to_owned(),
            ..self.record(LogStream::Err, text, time_ns)
        }
    }
}

const NOTICE_PAUSE_NS: i64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;
    use std::path::{Path, PathBuf};

    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn files(dir: &Path, bytes_per_second: Option<i64>) -> Files {
        let target = TailTarget {
            app: "a1".to_owned(),
            source_type: "APP/PROC/WEB".to_owned(),
            instance: "3".to_owned(),
            files: vec![
                (dir.join("out"), LogStream::Out),
                (dir.join("err"), LogStream::Err),
            ],
            offsets: dir.join("offsets"),
            bytes_per_second,
        };
        Files::new(&target, &[], 10 * SECOND)
    }

    fn append(path: PathBuf, text: &str) {
        let mut file = File::options().append(true).create(true).open(path);
        file.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn texts(found: &Found) -> Vec<&str> {
        found.records.iter().map(|one| one.text.as_str()).collect()
    }

    #[test]
    fn what_is_too_much_is_dropped_and_told_with_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        append(dir.path().join("out"), &"x\n".repeat(10_500));
        let found = files(dir.path(), None).look(End::Open, 10 * SECOND);
        assert_eq!(found.records.len(), 10_001);
        let last = found.records.last().unwrap();
        assert_eq!(
            (last.source_type.as_str(), last.instance.as_str()),
            ("LGR", "3")
        );
        assert_eq!(
            last.text,
            "500 lines dropped: a file may have 100 lines per second after a burst of 10000"
        );
    }

    #[test]
    fn streams_keep_their_names() {
        let dir = tempfile::tempdir().unwrap();
        append(dir.path().join("out"), "a\n");
        append(dir.path().join("err"), "b");
        let mut files = files(dir.path(), None);
        let found = files.look(End::Closed, 5);
        let seen: Vec<(&str, LogStream)> = found
            .records
            .iter()
            .map(|record| (record.text.as_str(), record.stream))
            .collect();
        assert_eq!(seen, [("a", LogStream::Out), ("b", LogStream::Err)]);
        assert_eq!(files.offsets(), [2, 1]);
    }

    #[test]
    fn the_users_limit_holds_for_both_streams_and_is_told_once_a_second() {
        let dir = tempfile::tempdir().unwrap();
        let (out, err) = (dir.path().join("out"), dir.path().join("err"));
        let mut files = files(dir.path(), Some(10));
        append(out.clone(), "12345\n123456\n");
        append(err, "12345\n1\n");
        let found = files.look(End::Open, 10 * SECOND);
        let told = "app instance exceeded log rate limit (10 bytes/sec); 2 lines dropped";
        assert_eq!(texts(&found), ["12345", "12345", told]);
        let notice = &found.records[2];
        assert_eq!(
            (notice.source_type.as_str(), notice.stream),
            ("APP/PROC/WEB", LogStream::Out)
        );
        append(out.clone(), "123456\n");
        assert!(texts(&files.look(End::Open, 10 * SECOND + SECOND / 2)).is_empty());
        append(out.clone(), "1234567890\n");
        let found = files.look(End::Open, 11 * SECOND);
        let told = "app instance exceeded log rate limit (10 bytes/sec); 1 line dropped";
        assert_eq!(texts(&found), ["1234567890", told]);
        append(out, "1");
        let found = files.look(End::Closed, 11 * SECOND);
        assert_eq!(texts(&found), [told], "the last loss is told at the end");
    }

    #[test]
    fn to_whom_nothing_is_allowed_nothing_is_said() {
        let dir = tempfile::tempdir().unwrap();
        append(dir.path().join("out"), "\na\n");
        let mut files = files(dir.path(), Some(0));
        assert!(texts(&files.look(End::Closed, 20 * SECOND)).is_empty());
        assert_eq!(files.offsets(), [3, 0]);
    }
}
