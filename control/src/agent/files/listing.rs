//! A directory as text: one entry per line.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;

use rustix::fs::{AtFlags, Dir, FileType, statat};

/// The entries of a directory by their names. What vanishes meanwhile is left out.
pub(super) fn listing(directory: &File) -> io::Result<String> {
    let mut lines = Vec::new();
    for entry in Dir::read_from(directory.as_fd())? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == "." || name == ".." {
            continue;
        }
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        let Ok(stat) = statat(directory.as_fd(), entry.file_name(), flags) else {
            continue;
        };
        let bytes = u64::try_from(stat.st_size).unwrap_or_default();
        lines.push(match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => line(&format!("{name}/"), "-"),
            _ => line(&name, &size(bytes)),
        });
    }
    lines.sort();
    Ok(lines.concat())
}

fn line(name: &str, size: &str) -> String {
    // A name is whatever an application likes; it must not look like two lines.
    let name: String = name
        .chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect();
    format!("{name:<35} {size:>10}\n")
}

/// A size in the unit that fits.
fn size(bytes: u64) -> String {
    for (unit, letter) in [(30, 'G'), (20, 'M'), (10, 'K')] {
        if bytes >> unit > 0 {
            let tenths = (u128::from(bytes) * 10) >> unit;
            return format!("{}.{}{letter}", tenths / 10, tenths % 10);
        }
    }
    format!("{bytes}B")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn entries_are_in_columns_and_directories_have_no_size() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("page.html"), "x".repeat(1536)).unwrap();
        fs::write(dir.path().join("two\nlines"), "x").unwrap();
        fs::create_dir(dir.path().join("logs")).unwrap();
        let directory = File::open(dir.path()).unwrap();
        assert_eq!(
            listing(&directory).unwrap(),
            "logs/                                        -\n\
             page.html                                 1.5K\n\
             two?lines                                   1B\n"
        );
    }

    #[test]
    fn sizes_are_told_in_the_unit_that_fits() {
        for (bytes, text) in [
            (0, "0B"),
            (1023, "1023B"),
            (1024, "1.0K"),
            (5 << 20, "5.0M"),
            (u64::MAX, "17179869183.9G"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
