//! Unpacks an archive from a stranger: nothing leaves the directory, nothing grows without limit.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

/// How much an archive may become.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnzipLimits {
    /// Bytes of all files together.
    pub(super) bytes: u64,
    /// Files, directories and links.
    pub(super) entries: usize,
}

/// What an archive became.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Unzipped {
    pub(super) files: u64,
    pub(super) bytes: u64,
}

/// Why an archive was not unpacked, or not to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum UnzipError {
    /// It is none, or broken.
    #[error("this is no valid zip archive: {0}")]
    Archive(#[from] ZipError),
    /// An entry leads out of the directory.
    #[error("entry `{0}` leads out of the application's directory")]
    Escape(String),
    /// A file could not be written.
    #[error("cannot write `{name}`: {source}")]
    Io {
        /// The entry.
        name: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// It becomes too large.
    #[error("the files take more than the {} MB that there are", .0 >> 20)]
    TooLarge(u64),
    /// It has too many entries.
    #[error("there are {found} entries, and {allowed} are allowed")]
    TooMany {
        /// How many there are.
        found: usize,
        /// How many there may be.
        allowed: usize,
    },
}

/// Unpacks `archive` into the empty directory `into`.
///
/// # Errors
///
/// Fails at the first entry that is not acceptable; what was unpacked until then stays.
pub(super) fn unzip(
    archive: &Path,
    into: &Path,
    limits: UnzipLimits,
) -> Result<Unzipped, UnzipError> {
    let file = File::open(archive).map_err(|source| io_error("the archive", source))?;
    let mut archive = ZipArchive::new(file)?;
    if archive.len() > limits.entries {
        return Err(UnzipError::TooMany {
            found: archive.len(),
            allowed: limits.entries,
        });
    }
    let mut done = Unzipped::default();
    let mut links = Vec::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let name = entry.name()?.into_owned();
        let path = inside(&name).ok_or_else(|| UnzipError::Escape(name.clone()))?;
        if entry.is_dir() {
            create_dir(&into.join(path), &name)?;
        } else if entry.is_symlink() {
            links.push((path, target(&mut entry, &name)?, name));
        } else {
            let budget = limits.bytes.saturating_sub(done.bytes);
            done.bytes += write_file(&mut entry, &into.join(path), budget, limits.bytes)?;
            done.files += 1;
        }
    }
    // invariant: links come last, so that no file was ever written through one.
    for (path, to, name) in links {
        link(into, &path, &to, &name)?;
    }
    Ok(done)
}

/// The path of an entry, if it stays inside.
fn inside(name: &str) -> Option<PathBuf> {
    if name.contains('\0') {
        return None;
    }
    let mut path = PathBuf::new();
    for part in Path::new(name).components() {
        match part {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) | Component::RootDir => return None,
        }
    }
    Some(path)
}

fn write_file(
    entry: &mut ZipFile<'_, File>,
    path: &Path,
    budget: u64,
    limit: u64,
) -> Result<u64, UnzipError> {
    let name = entry.name()?.into_owned();
    if let Some(parent) = path.parent() {
        create_dir(parent, &name)?;
    }
    // compat: a package without modes gets those of the original stager.
    let mode = entry.unix_mode().map_or(0o744, |mode| mode & 0o777 | 0o600);
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(path)
        .map_err(|source| io_error(&name, source))?;
    // One byte more than allowed is enough to know; the size that the archive claims proves nothing.
    let mut bounded = entry.take(budget.saturating_add(1));
    let written = io::copy(&mut bounded, &mut file).map_err(|source| io_error(&name, source))?;
    if written > budget {
        return Err(UnzipError::TooLarge(limit));
    }
    file.set_permissions(Permissions::from_mode(mode))
        .map_err(|source| io_error(&name, source))?;
    Ok(written)
}

/// Where a link points to: relative, and upward only at its beginning.
fn target(entry: &mut ZipFile<'_, File>, name: &str) -> Result<PathBuf, UnzipError> {
    let mut text = String::new();
    entry
        .take(TARGET_MAX_BYTES)
        .read_to_string(&mut text)
        .map_err(|source| io_error(name, source))?;
    Ok(PathBuf::from(text))
}

fn link(into: &Path, path: &Path, to: &Path, name: &str) -> Result<(), UnzipError> {
    let escape = || UnzipError::Escape(name.to_owned());
    let parent = path.parent().unwrap_or_else(|| Path::new(""));
    if !stays(parent.components().count(), to) {
        return Err(escape());
    }
    // A parent that is itself a link would make the count of levels a lie.
    let mut walked = into.to_path_buf();
    for part in parent.components() {
        walked.push(part);
        if fs::symlink_metadata(&walked).is_ok_and(|found| found.is_symlink()) {
            return Err(escape());
        }
    }
    create_dir(&walked, name)?;
    symlink(to, into.join(path)).map_err(|source| io_error(name, source))
}

/// Whether a link `depth` directories down stays inside. After its first plain part it may not climb:
/// that part could be a link, and then the climb would begin elsewhere.
fn stays(depth: usize, to: &Path) -> bool {
    let mut climbs = 0;
    let mut went_down = false;
    for part in to.components() {
        match part {
            Component::CurDir => {}
            Component::Normal(_) => went_down = true,
            Component::ParentDir if !went_down => climbs += 1,
            Component::ParentDir | Component::Prefix(_) | Component::RootDir => return false,
        }
    }
    climbs <= depth && !to.as_os_str().is_empty()
}

fn create_dir(path: &Path, name: &str) -> Result<(), UnzipError> {
    fs::create_dir_all(path).map_err(|source| io_error(name, source))
}

fn io_error(name: &str, source: io::Error) -> UnzipError {
    UnzipError::Io {
        name: name.to_owned(),
        source,
    }
}

const TARGET_MAX_BYTES: u64 = 4096;

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    const LIMITS: UnzipLimits = UnzipLimits {
        bytes: 1 << 20,
        entries: 10,
    };

    enum Entry<'a> {
        File(&'a str, &'a [u8], Option<u32>),
        Link(&'a str, &'a str),
    }
    use Entry::{File as Plain, Link};

    fn unpacked(entries: &[Entry<'_>]) -> (tempfile::TempDir, Result<Unzipped, UnzipError>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.zip");
        let mut zip = ZipWriter::new(File::create(&path).unwrap());
        for entry in entries {
            let options = SimpleFileOptions::default();
            match entry {
                Plain(name, bytes, mode) => {
                    let options = mode.map_or(options, |mode| options.unix_permissions(mode));
                    zip.start_file(*name, options).unwrap();
                    zip.write_all(bytes).unwrap();
                }
                Link(name, to) => zip.add_symlink(*name, *to, options).unwrap(),
            }
        }
        zip.finish().unwrap();
        let into = dir.path().join("app");
        fs::create_dir(&into).unwrap();
        let done = unzip(&path, &into, LIMITS);
        (dir, done)
    }

    #[test]
    fn files_keep_their_directories_and_modes() {
        let (dir, done) = unpacked(&[
            Plain("a/b.txt", b"hello", Some(0o640)),
            Plain("run", b"#!/bin/sh", Some(0o755)),
            Link("a/link", "../run"),
        ]);
        assert_eq!(
            done.unwrap(),
            Unzipped {
                files: 2,
                bytes: 14
            }
        );
        let app = dir.path().join("app");
        assert_eq!(fs::read(app.join("a/link")).unwrap(), b"#!/bin/sh");
        let mode = fs::metadata(app.join("run")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
    }

    #[test]
    fn no_entry_leaves_the_directory() {
        for name in ["../evil", "a/../../evil", "/etc/evil", "a/../b"] {
            let (dir, done) = unpacked(&[Plain(name, b"x", None)]);
            assert!(matches!(done, Err(UnzipError::Escape(_))), "{name}");
            assert!(!dir.path().join("evil").exists());
        }
    }

    #[test]
    fn no_link_leads_out() {
        for (name, to) in [
            ("l", ".."),
            ("l", "/etc/passwd"),
            ("a/l", "../.."),
            ("l", "a/../../x"),
            ("l", ""),
        ] {
            let (_dir, done) = unpacked(&[Link(name, to)]);
            assert!(done.is_err(), "{name} -> {to}");
        }
    }

    #[test]
    fn two_links_together_do_not_lead_out() {
        let (_dir, done) = unpacked(&[
            Plain("a/b/file", b"x", None),
            Link("a/b/up", "../.."),
            Link("out", "a/b/up/.."),
        ]);
        assert!(matches!(done, Err(UnzipError::Escape(name)) if name == "out"));
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        let (dir, _) = unpacked(&[Link("d", "../d"), Plain("d/evil", b"x", None)]);
        assert!(!dir.path().join("d").exists());
        let (dir, _) = unpacked(&[Link("d", "sub"), Link("d/l", "../x")]);
        assert!(!dir.path().join("app/sub/l").is_symlink());
    }

    #[test]
    fn what_grows_beyond_the_limit_is_refused() {
        let zeros = vec![0; (LIMITS.bytes + 1) as usize];
        let (_dir, done) = unpacked(&[Plain("big", &zeros, None)]);
        assert!(matches!(done, Err(UnzipError::TooLarge(_))));
        let names: Vec<String> = (0..11).map(|n| n.to_string()).collect();
        let many: Vec<Entry<'_>> = names.iter().map(|name| Plain(name, b"", None)).collect();
        assert!(matches!(unpacked(&many).1, Err(UnzipError::TooMany { .. })));
    }

    #[test]
    fn what_is_no_archive_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.zip");
        fs::write(&path, "hello").unwrap();
        let done = unzip(&path, dir.path(), LIMITS);
        assert!(matches!(done, Err(UnzipError::Archive(_))));
    }
}
