//! Reads the table back: first all of it for damage, then again into the table.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use bus::RegistryMessage;

use super::{Checksum, Header, SnapshotError, Trailer};
use crate::registry::writer::{Now, Registry};

/// Restores what the file remembers; gives the number of registrations, 0 if there is no file.
///
/// # Errors
///
/// When the file is foreign, damaged or unreadable; nothing of it is in the table then.
pub fn load(path: &Path, registry: &mut Registry, now: Now) -> Result<u64, SnapshotError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        file => file?,
    };
    let registrations = check(&file)?;
    let mut lines = Lines::of(File::open(path)?);
    lines.next()?;
    for _ in 0..registrations {
        let line = lines.number;
        // The file may have been exchanged between the two readings.
        let bytes = lines.next()?.ok_or(SnapshotError::Damaged { line })?;
        if let Ok(message) = RegistryMessage::decode(bytes) {
            registry.restore(&message, now);
        }
    }
    Ok(registrations)
}

/// Checks every line; gives the number of registrations.
fn check(file: &File) -> Result<u64, SnapshotError> {
    let mut lines = Lines::of(file);
    let mut checksum = Checksum::new();
    let header = lines.next()?.unwrap_or_default();
    if !serde_json::from_slice::<Header>(header).is_ok_and(|header| header == Header::ours()) {
        return Err(SnapshotError::Foreign);
    }
    checksum.add(header);
    let mut registrations = 0;
    loop {
        let line = lines.number;
        let damaged = SnapshotError::Damaged { line };
        let Some(bytes) = lines.next()? else {
            return Err(damaged);
        };
        if let Ok(trailer) = serde_json::from_slice::<Trailer>(bytes) {
            let is_whole = trailer
                == Trailer {
                    registrations,
                    checksum: checksum.hex(),
                };
            let is_last = lines.next()?.is_none();
            return if is_whole && is_last {
                Ok(registrations)
            } else {
                Err(damaged)
            };
        }
        if RegistryMessage::decode(bytes).is_err() {
            return Err(damaged);
        }
        checksum.add(bytes);
        registrations += 1;
    }
}

/// Lines of a file, none of them longer than a bus message can be.
struct Lines<R> {
    input: BufReader<R>,
    line: Vec<u8>,
    /// Number of the next line, counted from 1.
    number: u64,
}

/// The bus takes messages of 1 MiB; a line may be escaped a little differently.
const MAX_LINE_BYTES: u64 = 4 * 1024 * 1024;

impl<R: Read> Lines<R> {
    fn of(input: R) -> Self {
        Self {
            input: BufReader::new(input),
            line: Vec::new(),
            number: 1,
        }
    }

    /// The next line with its end; nothing after the last.
    fn next(&mut self) -> Result<Option<&[u8]>, SnapshotError> {
        self.line.clear();
        let length = self
            .input
            .by_ref()
            .take(MAX_LINE_BYTES)
            .read_until(b'\n', &mut self.line)?;
        if length > 0 && self.line.last() != Some(&b'\n') {
            return Err(SnapshotError::Damaged { line: self.number });
        }
        self.number += 1;
        Ok((length > 0).then_some(&*self.line))
    }
}
