//! The table on disk, for a warm start after a crash.
//!
//! In comes the table, as readers see it; out goes a file of JSON lines: what it is, one
//! registration for each endpoint of each route, and at the end their number and a checksum. At the
//! start it comes back as hearsay: it serves at once, and goes when nobody confirms it.
//!
//! The file is written beside its place and renamed, so a crash leaves the old one. What is foreign,
//! torn or newer than us is refused before anything of it enters the table.

mod read;
mod write;

use std::io;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use read::load;
pub use write::save;

/// Why a snapshot could not be read.
#[derive(Debug, Error)]
pub enum SnapshotError {
    /// It is not what was written: torn, changed, or too long a line.
    #[error("the snapshot is damaged at line {line}")]
    Damaged {
        /// Line, counted from 1.
        line: u64,
    },
    /// It is no snapshot of ours, or of a version that we do not know.
    #[error("the file is not a snapshot of version {VERSION}")]
    Foreign,
    /// The file cannot be read.
    #[error("the snapshot cannot be read")]
    Io(#[from] io::Error),
}

/// First line of the file.
#[derive(Deserialize, PartialEq, Serialize)]
struct Header {
    format: String,
    version: u32,
}

/// Last line of the file.
#[derive(Deserialize, PartialEq, Serialize)]
struct Trailer {
    registrations: u64,
    checksum: String,
}

impl Header {
    fn ours() -> Self {
        Self {
            format: FORMAT.into(),
            version: VERSION,
        }
    }
}

const FORMAT: &str = "switchyard-routes";
const VERSION: u32 = 1;

/// Checksum of all lines before the last: finds damage, not malice (FNV-1a, 64 bits).
struct Checksum(u64);

impl Checksum {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn hex(&self) -> String {
        format!("{:016x}", self.0)
    }
}
