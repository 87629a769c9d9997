//! A file that somebody else appends to, read on from an offset.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use rustix::fs::{FallocateFlags, fallocate};

use super::lines::{End, split};

/// A growing file and how far it has been read.
#[derive(Debug)]
pub struct LineFile {
    path: PathBuf,
    file: Option<File>,
    offset: u64,
    freed: u64,
}

/// What was new in a file.
#[derive(Debug, Default, Eq, PartialEq)]
pub struct Lines {
    /// Its lines, at most 950 bytes each; a longer one is several.
    pub lines: Vec<String>,
    /// Bytes that were passed over, because there was more than 16 MB to catch up with.
    pub skipped_bytes: u64,
    /// Whether there is more to read at once.
    pub more: bool,
}

impl LineFile {
    /// Begins at an offset, which is where a line begins. The file may appear later.
    pub fn at(path: PathBuf, offset: u64) -> Self {
        Self {
            path,
            file: None,
            offset,
            freed: 0,
        }
    }

    /// How far it has been read, in bytes.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Reads what is new, up to 256 KB of it.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be opened or read; that it is not there yet is no error.
    pub fn read(&mut self, end: End) -> io::Result<Lines> {
        let Some(file) = self.open()? else {
            return Ok(Lines::default());
        };
        let length = file.metadata()?.len();
        // Whoever cut the file began anew.
        self.offset = if length < self.offset { 0 } else { self.offset };
        if length == self.offset {
            return Ok(Lines::default());
        }
        let skipped_bytes = self.skip(length)?;
        let bytes = self.chunk(length)?;
        let full = bytes.len() == CHUNK_BYTES;
        // What follows a full chunk is known to come, so its last line is not the last one.
        let done = split(&bytes, if full { End::Open } else { end });
        self.offset += done.consumed as u64;
        self.free();
        Ok(Lines {
            lines: done.lines,
            skipped_bytes,
            more: full,
        })
    }

    fn open(&mut self) -> io::Result<Option<&File>> {
        if self.file.is_none() {
            // Writing is wanted only to give space back; reading alone will do.
            let opened = OpenOptions::new().read(true).write(true).open(&self.path);
            match opened.or_else(|_| File::open(&self.path)) {
                Ok(file) => self.file = Some(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.file.as_ref())
    }

    /// Passes over what is too far behind, to the beginning of a line.
    fn skip(&mut self, length: u64) -> io::Result<u64> {
        let from = self.offset;
        if length - from <= BACKLOG_MAX_BYTES {
            return Ok(0);
        }
        self.offset = length - BACKLOG_MAX_BYTES;
        let bytes = self.chunk(length)?;
        let newline = bytes.iter().position(|byte| *byte == b'\n');
        self.offset += newline.map_or(0, |at| at as u64 + 1);
        Ok(self.offset - from)
    }

    fn chunk(&self, length: u64) -> io::Result<Vec<u8>> {
        let left = usize::try_from(length - self.offset).unwrap_or(CHUNK_BYTES);
        let mut bytes = vec![0; left.min(CHUNK_BYTES)];
        let mut filled = 0;
        while let (Some(file), Some(room)) = (&self.file, bytes.get_mut(filled..)) {
            match file.read_at(room, self.offset + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// Gives back the disk space of what has been read. The file keeps its length, so that the
    /// writer, whose descriptor appends, notices nothing and no line can fall between.
    fn free(&mut self) {
        // The last words stay: whoever tells why an instance ended reads them from here.
        let read = self.offset.saturating_sub(KEPT_BYTES);
        let until = read / BLOCK_BYTES * BLOCK_BYTES;
        if until < self.freed + FREE_STEP_BYTES {
            return;
        }
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        if let Some(file) = &self.file {
            // A file system that knows no holes keeps the bytes; the instance's disk limit counts them.
            let _ = fallocate(file, flags, self.freed, until - self.freed);
        }
        self.freed = until;
    }
}

const BACKLOG_MAX_BYTES: u64 = 16 << 20;
const BLOCK_BYTES: u64 = 4096;
const CHUNK_BYTES: usize = 256 << 10;
const KEPT_BYTES: u64 = 64 << 10;
const FREE_STEP_BYTES: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    use super::*;

    fn append(path: &Path, text: &str) {
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    #[test]
    fn a_file_that_appears_later_is_read_from_its_beginning() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out");
        let mut file = LineFile::at(path.clone(), 0);
        assert_eq!(file.read(End::Open).unwrap(), Lines::default());
        append(&path, "a\nb");
        assert_eq!(file.read(End::Open).unwrap().lines, ["a"]);
        append(&path, "c\n");
        assert_eq!(file.read(End::Open).unwrap().lines, ["bc"]);
        assert_eq!(file.offset(), 5);
    }

    #[test]
    fn reading_goes_on_where_another_stopped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out");
        append(&path, "a\nb\n");
        let mut file = LineFile::at(path, 2);
        assert_eq!(file.read(End::Open).unwrap().lines, ["b"]);
    }

    #[test]
    fn a_file_that_was_cut_is_read_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out");
        append(&path, "a long line\n");
        let mut file = LineFile::at(path.clone(), 0);
        file.read(End::Open).unwrap();
        fs::write(&path, "b\n").unwrap();
        assert_eq!(file.read(End::Open).unwrap().lines, ["b"]);
    }

    #[test]
    fn at_most_16_mb_are_caught_up_with_and_the_rest_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out");
        let line = format!("{}\n", "x".repeat(99));
        append(&path, &line.repeat(200_000));
        let mut file = LineFile::at(path, 0);
        let mut lines = 0;
        let mut skipped = 0;
        loop {
            let read = file.read(End::Open).unwrap();
            assert!(read.lines.iter().all(|line| line.len() == 99));
            lines += read.lines.len() as u64;
            skipped += read.skipped_bytes;
            if !read.more {
                break;
            }
        }
        assert_eq!(lines * 100 + skipped, 20_000_000);
        assert!(lines * 100 <= BACKLOG_MAX_BYTES && lines * 100 > BACKLOG_MAX_BYTES - 200);
    }

    #[test]
    fn what_was_read_takes_no_space_and_the_writer_notices_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out");
        let line = format!("{}\n", "x".repeat(99));
        append(&path, &line.repeat(100_000));
        let before = fs::metadata(&path).unwrap().blocks();
        let mut file = LineFile::at(path.clone(), 0);
        while file.read(End::Open).unwrap().more {}
        append(&path, "after\n");
        assert_eq!(file.read(End::Open).unwrap().lines, ["after"]);
        let after = fs::metadata(&path).unwrap();
        assert_eq!(after.len(), 10_000_006);
        // A file system without holes keeps the space; then there is nothing to see here.
        if before > 0 && after.blocks() != before {
            assert!(after.blocks() < before / 4, "{before} {}", after.blocks());
        }
    }
}
