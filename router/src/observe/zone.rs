//! Zone: how far local time is from UTC, as the system says at start.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// A fixed distance from UTC.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Zone {
    offset_seconds: i32,
}

impl Zone {
    /// No distance.
    pub const UTC: Self = Self { offset_seconds: 0 };

    /// This many seconds east of UTC.
    #[must_use]
    pub const fn east(offset_seconds: i32) -> Self {
        Self { offset_seconds }
    }

    /// The distance now, from `TZ` or `/etc/localtime`; UTC when they do not tell.
    ///
    /// It is not asked again: a summer time that begins later is seen after a restart.
    #[must_use]
    pub fn local() -> Self {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |now| now.as_secs());
        let file = zone_file(std::env::var("TZ").ok().as_deref());
        let bytes = file.and_then(|path| std::fs::read(path).ok());
        let offset = bytes.and_then(|bytes| offset_at(&bytes, now));
        offset.map_or(Self::UTC, Self::east)
    }

    /// Seconds east of UTC.
    #[must_use]
    pub fn offset_seconds(self) -> i32 {
        self.offset_seconds
    }
}

// compat: Go's rules: unset means the system's zone, empty means UTC, a colon may come first.
fn zone_file(tz: Option<&str>) -> Option<PathBuf> {
    let Some(name) = tz else {
        return Some(PathBuf::from("/etc/localtime"));
    };
    let name = name.strip_prefix(':').unwrap_or(name);
    (!name.is_empty()).then(|| Path::new("/usr/share/zoneinfo").join(name))
}

/// The offset at a moment (seconds since 1970), from a TZif file (RFC 8536).
fn offset_at(file: &[u8], now: u64) -> Option<i32> {
    let first = Header::read(file)?;
    if first.version < b'2' {
        return first.block(file, 4)?.offset_at(i64::try_from(now).ok()?);
    }
    // From version 2 on, a second block with 64-bit times follows.
    let rest = file.get(HEADER + first.len(4)..)?;
    Header::read(rest)?
        .block(rest, 8)?
        .offset_at(i64::try_from(now).ok()?)
}

struct Header {
    version: u8,
    utc_flags: usize,
    standard_flags: usize,
    leaps: usize,
    times: usize,
    types: usize,
    chars: usize,
}

impl Header {
    fn read(file: &[u8]) -> Option<Self> {
        file.strip_prefix(b"TZif")?;
        let count = |n: usize| -> Option<usize> {
            let bytes = file.get(20 + 4 * n..)?.first_chunk::<4>()?;
            usize::try_from(u32::from_be_bytes(*bytes)).ok()
        };
        Some(Self {
            version: *file.get(4)?,
            utc_flags: count(0)?,
            standard_flags: count(1)?,
            leaps: count(2)?,
            times: count(3)?,
            types: count(4)?,
            chars: count(5)?,
        })
    }

    /// How long the block is whose times are so wide.
    fn len(&self, width: usize) -> usize {
        let leaps = self.leaps * (width + 4);
        let types = self.types * TYPE + self.chars;
        self.times * (width + 1) + types + leaps + self.standard_flags + self.utc_flags
    }

    fn block<'a>(&self, file: &'a [u8], width: usize) -> Option<Block<'a>> {
        let (times, rest) = file.get(HEADER..)?.split_at_checked(self.times * width)?;
        let (indexes, rest) = rest.split_at_checked(self.times)?;
        let types = rest.get(..self.types * TYPE)?;
        Some(Block {
            times,
            width,
            indexes,
            types,
        })
    }
}

struct Block<'a> {
    times: &'a [u8],
    width: usize,
    indexes: &'a [u8],
    types: &'a [u8],
}

impl Block<'_> {
    fn offset_at(&self, now: i64) -> Option<i32> {
        let times = self
            .times
            .chunks_exact(self.width)
            .map(|bytes| match *bytes {
                [a, b, c, d] => i64::from(i32::from_be_bytes([a, b, c, d])),
                [a, b, c, d, e, f, g, h] => i64::from_be_bytes([a, b, c, d, e, f, g, h]),
                _ => i64::MAX,
            });
        let passed = times.take_while(|time| *time <= now).count();
        let index = match passed.checked_sub(1) {
            Some(last) => usize::from(*self.indexes.get(last)?),
            None => 0,
        };
        let offset = self.types.get(index * TYPE..)?.first_chunk::<4>()?;
        Some(i32::from_be_bytes(*offset))
    }
}

const HEADER: usize = 44;
const TYPE: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    /// A version 2 file: standard time (+1 h), summer time (+2 h) between 1000 and 2000.
    fn file() -> Vec<u8> {
        let mut file = Vec::new();
        for width in [4, 8] {
            file.extend_from_slice(b"TZif2");
            file.extend_from_slice(&[0; 15]);
            for count in [0_u32, 0, 0, 2, 2, 8] {
                file.extend_from_slice(&count.to_be_bytes());
            }
            for time in [1_000_i64, 2_000] {
                file.extend_from_slice(&time.to_be_bytes()[8 - width..]);
            }
            file.extend_from_slice(&[1, 0]);
            for (offset, summer, name) in [(3_600_i32, 0, 0), (7_200, 1, 4)] {
                file.extend_from_slice(&offset.to_be_bytes());
                file.extend_from_slice(&[summer, name]);
            }
            file.extend_from_slice(b"CET\0EST\0");
        }
        file
    }

    #[test]
    fn the_last_transition_that_has_passed_counts() {
        let offsets = [999, 1_000, 1_999, 2_000].map(|now| offset_at(&file(), now));
        assert_eq!(offsets, [3_600, 7_200, 7_200, 3_600].map(Some));
    }

    #[test]
    fn a_file_that_is_cut_short_tells_nothing() {
        let file = file();
        for len in 0..file.len() - 8 {
            assert_eq!(offset_at(&file[..len], 1_500), None, "{len} bytes");
        }
        assert_eq!(offset_at(b"not a zone", 0), None);
    }

    #[test]
    fn tz_names_the_file_as_in_go() {
        let file = |tz| zone_file(tz).map(|path| path.display().to_string());
        assert_eq!(file(None).unwrap(), "/etc/localtime");
        assert_eq!(file(Some("")), None);
        assert_eq!(
            file(Some("Europe/Oslo")).unwrap(),
            "/usr/share/zoneinfo/Europe/Oslo"
        );
        assert_eq!(file(Some(":/tmp/zone")).unwrap(), "/tmp/zone");
    }
}
