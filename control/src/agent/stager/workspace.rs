//! The directory of one build: what the container sees, and what is kept beside it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};

/// The directory of one build.
#[derive(Debug)]
pub(super) struct Workspace {
    dir: PathBuf,
}

impl Workspace {
    /// Makes the directory anew.
    ///
    /// # Errors
    ///
    /// Fails when the disk does.
    pub(super) fn create(base: &Path, task: &str) -> io::Result<Self> {
        let place = Self {
            dir: base.join(task),
        };
        place.remove()?;
        for part in PARTS.iter().chain(OWN_PARTS) {
            fs::create_dir_all(place.root().join(part))?;
        }
        Ok(place)
    }

    /// The root as the container sees it: `app/`, `deps/` and so on.
    pub(super) fn root(&self) -> PathBuf {
        self.dir.join("root")
    }

    /// A path below the root.
    pub(super) fn inside(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    /// A path beside the root, which the container does not see.
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Reads a small text that the container may have written; `None` when there is none.
    pub(super) fn read(&self, path: &str) -> Option<String> {
        let file = self.open(path).ok()?;
        let mut text = Vec::new();
        File::from(file)
            .take(TEXT_MAX_BYTES)
            .read_to_end(&mut text)
            .ok()?;
        Some(String::from_utf8_lossy(&text).into_owned())
    }

    /// Opens without following a link out of the root: the agent may read more than the container.
    fn open(&self, path: &str) -> rustix::io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let root = openat2(
            CWD,
            self.root(),
            flags | OFlags::DIRECTORY,
            Mode::empty(),
            ResolveFlags::empty(),
        )?;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        openat2(root, path, flags, Mode::empty(), resolve)
    }

    /// Names at the top of the application, a few of them.
    pub(super) fn top_names(&self) -> String {
        let entries = fs::read_dir(self.inside("app"));
        let names = entries.into_iter().flatten().flatten();
        let mut names: Vec<String> = names
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        let more = names.len().saturating_sub(NAMES_MAX);
        names.truncate(NAMES_MAX);
        let mut text = names.join(", ");
        if more > 0 {
            text.push_str(&format!(" and {more} more"));
        }
        text
    }

    /// Removes everything.
    ///
    /// # Errors
    ///
    /// Fails when the disk does.
    pub(super) fn remove(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// The directories of a droplet.
pub(super) const PARTS: &[&str] = &["app", "logs", "tmp", "deps", "profile.d"];
const OWN_PARTS: &[&str] = &[
    "cache",
    ".staging/buildpacks",
    ".staging/hooks",
    ".staging/result",
];
const NAMES_MAX: usize = 10;
const TEXT_MAX_BYTES: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_the_container_wrote_is_read_but_never_through_a_link_that_leads_out() {
        let base = tempfile::tempdir().unwrap();
        fs::write(base.path().join("secret"), "x").unwrap();
        let place = Workspace::create(base.path(), "t").unwrap();
        fs::write(place.inside("app/Procfile"), "web: x").unwrap();
        assert_eq!(place.read("app/Procfile").unwrap(), "web: x");
        symlink("Procfile", place.inside("app/inner")).unwrap();
        assert_eq!(place.read("app/inner").unwrap(), "web: x");
        symlink("../../../secret", place.inside("app/outer")).unwrap();
        symlink(base.path().join("secret"), place.inside("app/absolute")).unwrap();
        assert_eq!(place.read("app/outer"), None);
        assert_eq!(place.read("app/absolute"), None);
        assert_eq!(place.read("app/none"), None);
    }

    #[test]
    fn the_remains_of_an_earlier_build_are_not_seen() {
        let base = tempfile::tempdir().unwrap();
        let place = Workspace::create(base.path(), "t").unwrap();
        fs::write(place.inside("app/old"), "x").unwrap();
        let place = Workspace::create(base.path(), "t").unwrap();
        assert_eq!(place.top_names(), "");
    }
}
