//! Opening what lies below an instance's root, and nothing else.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;

/// What was found.
#[derive(Debug)]
pub(super) enum Entry {
    Directory(File),
    File(File),
}

/// Why nothing is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Refusal {
    /// It lies elsewhere, or is nothing that can be read.
    Forbidden,
    /// No path at all.
    Malformed,
    /// There is none.
    Missing,
}

/// Opens a path below `root`. Links are followed as long as they stay below it: the instance writes
/// them, and the agent may read more than it may.
pub(super) fn open(root: &Path, path: &str) -> Result<Entry, Refusal> {
    if path.len() > PATH_MAX_BYTES || path.contains('\0') {
        return Err(Refusal::Malformed);
    }
    let path = match path {
        "" | "/" => ".",
        other => other,
    };
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let dir = openat2(
        CWD,
        root,
        flags | OFlags::DIRECTORY,
        Mode::empty(),
        ResolveFlags::empty(),
    )
    .map_err(|_gone| Refusal::Missing)?;
    // Not to wait for the other end of a pipe that somebody put there.
    let flags = flags | OFlags::NONBLOCK | OFlags::NOCTTY;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let found = openat2(dir, path, flags, Mode::empty(), resolve);
    let file = File::from(found.map_err(refusal)?);
    let metadata = file.metadata().map_err(|_| Refusal::Forbidden)?;
    match metadata.file_type() {
        kind if kind.is_dir() => Ok(Entry::Directory(file)),
        kind if kind.is_file() => Ok(Entry::File(file)),
        _ => Err(Refusal::Forbidden),
    }
}

fn refusal(error: Errno) -> Refusal {
    match io::Error::from(error).kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Refusal::Missing,
        io::ErrorKind::InvalidFilename => Refusal::Malformed,
        _ => Refusal::Forbidden,
    }
}

const PATH_MAX_BYTES: usize = 4095;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn root() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        fs::create_dir_all(root.join("app")).unwrap();
        fs::write(dir.path().join("secret"), "x").unwrap();
        fs::write(root.join("app/page"), "x").unwrap();
        symlink("page", root.join("app/inner")).unwrap();
        symlink("../../secret", root.join("app/outer")).unwrap();
        symlink("/etc", root.join("app/absolute")).unwrap();
        symlink("/proc/self/root", root.join("app/magic")).unwrap();
        symlink("round", root.join("app/round")).unwrap();
        dir
    }

    #[test]
    fn nothing_outside_is_opened() {
        let dir = root();
        let open = |path: &str| open(&dir.path().join("root"), path);
        for (path, refusal) in [
            ("../secret", Refusal::Forbidden),
            ("app/../../secret", Refusal::Forbidden),
            ("app/outer", Refusal::Forbidden),
            ("app/absolute/passwd", Refusal::Forbidden),
            ("app/magic/etc/passwd", Refusal::Forbidden),
            ("app/round", Refusal::Forbidden),
            ("/etc/passwd", Refusal::Forbidden),
            ("//etc/passwd", Refusal::Forbidden),
            ("app/none", Refusal::Missing),
            ("app/page/below", Refusal::Missing),
            ("app/pa\0ge", Refusal::Malformed),
        ] {
            assert_eq!(open(path).unwrap_err(), refusal, "{path}");
        }
        assert_eq!(open(&"a/".repeat(3000)).unwrap_err(), Refusal::Malformed);
        assert_eq!(open(&"a".repeat(300)).unwrap_err(), Refusal::Malformed);
    }

    #[test]
    fn what_is_inside_is_opened_by_any_way_that_stays_inside() {
        let dir = root();
        let open = |path: &str| open(&dir.path().join("root"), path).unwrap();
        for path in ["app/page", "app/inner", "app/../app/page", "./app//page"] {
            assert!(matches!(open(path), Entry::File(_)), "{path}");
        }
        for path in ["", "/", ".", "app", "app/"] {
            assert!(matches!(open(path), Entry::Directory(_)), "{path}");
        }
    }
}
