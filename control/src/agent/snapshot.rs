//! What is remembered of the instances while no agent runs: `db/instances.json`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::instance::Instance;

/// The snapshot's file.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    path: PathBuf,
}

impl Snapshot {
    /// The snapshot below the agent's directory.
    pub(super) fn open(dir: &Path) -> io::Result<Self> {
        let db = dir.join("db");
        fs::create_dir_all(&db)?;
        let path = db.join("instances.json");
        Ok(Self { path })
    }

    /// The instances of the agent before us; none when there was no agent.
    ///
    /// # Errors
    ///
    /// Fails on a file that cannot be read: to forget what runs would leak it.
    pub(super) fn read(&self) -> io::Result<Vec<Instance>> {
        match fs::read(&self.path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::from),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Replaces the file at once; it holds credentials, so only we may read it.
    pub(super) fn write(&self, instances: &[Instance]) -> io::Result<()> {
        let dir = self.path.parent().unwrap_or_else(|| Path::new("."));
        let mut fresh = tempfile::NamedTempFile::new_in(dir)?;
        fresh.write_all(&serde_json::to_vec(instances)?)?;
        fresh.persist(&self.path)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Micros;
    use crate::wire::StartMessage;

    #[test]
    fn what_is_written_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let snapshot = Snapshot::open(dir.path()).unwrap();
        assert!(snapshot.read().unwrap().is_empty());
        let instance = Instance::new("i".into(), StartMessage::default(), Micros(7));
        snapshot.write(&[instance]).unwrap();
        let read = snapshot.read().unwrap();
        assert_eq!((read[0].guid.as_str(), read[0].since_micros), ("i", 7));
    }

    #[test]
    fn a_damaged_snapshot_is_no_empty_one() {
        let dir = tempfile::tempdir().unwrap();
        let snapshot = Snapshot::open(dir.path()).unwrap();
        fs::write(&snapshot.path, "[{").unwrap();
        assert!(snapshot.read().is_err());
    }
}
