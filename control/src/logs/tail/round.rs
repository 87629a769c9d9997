//! One look at all files of an instance: what is new becomes records, at a bounded rate.

use std::path::PathBuf;

use super::file::LineFile;
use super::lines::End;
use super::rate::{BURST_LINES, Bucket, LINES_PER_SECOND};
use crate::wire::{LogRecord, LogStream};

/// The files of one instance, and whose lines these are.
#[derive(Debug)]
pub(super) struct Files {
    files: Vec<Followed>,
    source_type: String,
    instance: String,
}

#[derive(Debug)]
struct Followed {
    file: LineFile,
    stream: LogStream,
    bucket: Bucket,
    dropped: u64,
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
    pub(super) fn new(
        files: &[(PathBuf, LogStream)],
        offsets: &[u64],
        source_type: &str,
        instance: &str,
    ) -> Self {
        let offsets = offsets.iter().copied().chain(std::iter::repeat(0));
        let files = files.iter().zip(offsets);
        Self {
            files: files
                .map(|((path, stream), offset)| Followed {
                    file: LineFile::at(path.clone(), offset),
                    stream: *stream,
                    bucket: Bucket::new(0),
                    dropped: 0,
                    told_ns: 0,
                })
                .collect(),
            source_type: source_type.to_owned(),
            instance: instance.to_owned(),
        }
    }

    pub(super) fn offsets(&self) -> Vec<u64> {
        self.files.iter().map(|file| file.file.offset()).collect()
    }

    /// Looks once at each file. A file that cannot be read is as good as silent.
    pub(super) fn look(&mut self, end: End, now_ns: i64) -> Found {
        let mut found = Found::default();
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
                found
                    .records
                    .push(record("LGR", &self.instance, LogStream::Err, text, now_ns));
            }
            let admitted = file.bucket.admit(lines.lines.len(), now_ns);
            file.dropped += (lines.lines.len() - admitted) as u64;
            let lines = lines.lines.into_iter().take(admitted);
            found.records.extend(
                lines.map(|text| {
                    record(&self.source_type, &self.instance, file.stream, text, now_ns)
                }),
            );
            if let Some(text) = file.notice(end, now_ns) {
                found
                    .records
                    .push(record("LGR", &self.instance, LogStream::Err, text, now_ns));
            }
        }
        found
    }
}

impl Followed {
    /// Says once a second, and at the end, what was dropped.
    fn notice(&mut self, end: End, now_ns: i64) -> Option<String> {
        let due = end == End::Closed || now_ns >= self.told_ns + NOTICE_PAUSE_NS;
        if self.dropped == 0 || !due {
            return None;
        }
        self.told_ns = now_ns;
        let dropped = std::mem::take(&mut self.dropped);
        let noun = if dropped == 1 { "line" } else { "lines" };
        Some(format!(
            "{dropped} {noun} dropped: a file may have {LINES_PER_SECOND} lines per second after a \
             burst of {BURST_LINES}"
        ))
    }
}

fn record(
    source_type: &str,
    instance: &str,
    stream: LogStream,
    text: String,
    time_ns: i64,
) -> LogRecord {
    LogRecord {
        time_ns,
        source_type: source_type.to_owned(),
        instance: instance.to_owned(),
        stream,
        text,
    }
}

const NOTICE_PAUSE_NS: i64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn what_is_too_much_is_dropped_and_told_with_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out");
        fs::write(&path, "x\n".repeat(10_500)).unwrap();
        let files = [(path, LogStream::Out)];
        let mut files = Files::new(&files, &[], "APP/PROC/WEB", "3");
        let found = files.look(End::Open, 10 * SECOND);
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
        let (out, err) = (dir.path().join("out"), dir.path().join("err"));
        fs::write(&out, "a\n").unwrap();
        fs::write(&err, "b").unwrap();
        let files = [(out, LogStream::Out), (err, LogStream::Err)];
        let mut files = Files::new(&files, &[0, 0], "APP/PROC/WEB", "0");
        let found = files.look(End::Closed, 5);
        let seen: Vec<(&str, LogStream)> = found
            .records
            .iter()
            .map(|record| (record.text.as_str(), record.stream))
            .collect();
        assert_eq!(seen, [("a", LogStream::Out), ("b", LogStream::Err)]);
        assert_eq!(files.offsets(), [2, 1]);
    }
}
