//! The directory that one micro cloud has to itself.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::MicroError;

/// A directory that we hold; the kernel lets go of it when this process ends, however it ends.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    _lock: File,
}

impl Directory {
    /// Creates the directory where needed and takes its lock.
    ///
    /// # Errors
    ///
    /// Fails when another process holds it, and when it cannot be written.
    pub(super) fn claim(path: &Path) -> Result<Self, MicroError> {
        let unusable = |source| MicroError::Directory {
            path: path.to_owned(),
            source,
        };
        fs::create_dir_all(path).map_err(unusable)?;
        let path = path.canonicalize().map_err(unusable)?;
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join("lock"))
            .map_err(unusable)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                return Err(MicroError::Held {
                    holder: holder(&mut lock),
                    path,
                });
            }
            Err(error) => return Err(unusable(error.into())),
        }
        sign(&mut lock).map_err(unusable)?;
        Ok(Self { path, _lock: lock })
    }

    /// The directory itself, absolute.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A file in the directory.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file that only its owner may read, whole or not at all.
    pub(super) fn write_private(&self, name: &str, text: &str) -> Result<PathBuf, MicroError> {
        let path = self.file(name);
        let written = tempfile::NamedTempFile::new_in(&self.path).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.persist(&path).map_err(|error| error.error)?;
            Ok(())
        });
        match written {
            Ok(()) => Ok(path),
            Err(source) => Err(MicroError::Directory { path, source }),
        }
    }
}

/// Leaves our process id for whoever comes second.
fn sign(lock: &mut File) -> std::io::Result<()> {
    lock.set_len(0)?;
    lock.seek(SeekFrom::Start(0))?;
    writeln!(lock, "{}", std::process::id())
}

fn holder(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_claim_names_the_process_that_holds_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        let _held = Directory::claim(dir.path()).unwrap();
        let refused = Directory::claim(dir.path()).unwrap_err();
        let MicroError::Held { holder, .. } = refused else {
            panic!("{refused}");
        };
        assert_eq!(holder, Some(std::process::id()));
    }

    #[test]
    fn a_directory_is_free_again_when_its_holder_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        drop(Directory::claim(dir.path()).unwrap());
        Directory::claim(dir.path()).unwrap();
    }

    #[test]
    fn a_private_file_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let directory = Directory::claim(dir.path()).unwrap();
        let path = directory.write_private("a", "secret").unwrap();
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
