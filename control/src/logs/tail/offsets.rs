//! How far each file was read: a small file that outlives the agent.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The offsets of one instance's files, in their order.
#[derive(Debug)]
pub(super) struct Offsets {
    path: PathBuf,
    saved: Vec<u64>,
}

impl Offsets {
    /// Reads what an earlier agent left; without it, or when it is broken, all files begin at 0.
    pub(super) fn load(path: PathBuf, files: usize) -> Self {
        let mut saved = read(&path).unwrap_or_default();
        saved.resize(files, 0);
        Self { path, saved }
    }

    pub(super) fn saved(&self) -> &[u64] {
        &self.saved
    }

    /// When these were saved: what was read until then was told.
    pub(super) fn saved_at(&self) -> Option<SystemTime> {
        fs::metadata(&self.path).ok()?.modified().ok()
    }

    /// Writes the offsets, all or none of them, when they have changed.
    pub(super) fn save(&mut self, offsets: Vec<u64>) -> io::Result<()> {
        if offsets == self.saved {
            return Ok(());
        }
        let text: Vec<String> = offsets.iter().map(u64::to_string).collect();
        let fresh = self.path.with_added_extension("new");
        fs::write(&fresh, text.join("\n"))?;
        fs::rename(&fresh, &self.path)?;
        self.saved = offsets;
        Ok(())
    }

    /// Removes the file of an instance that is gone.
    pub(super) fn forget(&self) {
        // A file that stays is read by nobody.
        let _ = fs::remove_file(&self.path);
    }
}

fn read(path: &Path) -> Option<Vec<u64>> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().map(|line| line.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_is_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("offsets");
        let mut offsets = Offsets::load(path.clone(), 2);
        assert_eq!(offsets.saved(), [0, 0]);
        offsets.save(vec![7, 9]).unwrap();
        assert_eq!(Offsets::load(path.clone(), 2).saved(), [7, 9]);
        offsets.forget();
        assert_eq!(Offsets::load(path, 2).saved(), [0, 0]);
    }

    #[test]
    fn a_broken_file_means_the_beginning() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("offsets");
        fs::write(&path, "7\nx").unwrap();
        assert_eq!(Offsets::load(path, 2).saved(), [0, 0]);
    }
}
