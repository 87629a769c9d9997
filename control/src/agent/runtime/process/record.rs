//! What the engine keeps of a container on disk: one directory, three small files.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::proc::{Identity, era};
use crate::agent::runtime::contract::{Exit, Labels, PortRequest};
use crate::agent::runtime::error::RuntimeError;

/// The directory of a container at the engine.
#[derive(Clone, Debug)]
pub(super) struct Record {
    dir: PathBuf,
}

/// What a container is; written before it starts.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Container {
    pub(super) labels: Labels,
    pub(super) root: PathBuf,
    pub(super) port: Option<PortRequest>,
}

/// Who lives in it; written by the keeper when the program runs.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Life {
    pub(super) keeper: Identity,
    pub(super) program: i32,
    /// In which era these ids were given; an older keeper does not say.
    #[serde(default)]
    pub(super) era: Option<String>,
}

impl Record {
    pub(super) fn at(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Makes the directory of a new container.
    pub(super) fn create(dir: PathBuf, container: &Container) -> Result<Self, RuntimeError> {
        match fs::create_dir(&dir) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(RuntimeError::Exists(name(&dir)));
            }
            Err(source) => return Err(RuntimeError::Io { path: dir, source }),
        }
        let record = Self { dir };
        record.write(CONTAINER, container)?;
        Ok(record)
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn container(&self) -> Option<Container> {
        self.read(CONTAINER)
    }

    /// Whether the directory was taken away, as by somebody who removed the agent's whole directory.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self.dir.try_exists(), Ok(false))
    }

    /// Who lives in it. Nobody does since the machine was booted anew, or where only the record was
    /// copied to: the same ids are others' there.
    pub(super) fn life(&self) -> Option<Life> {
        let life: Life = self.read(LIFE)?;
        match (&life.era, era()) {
            (Some(then), Some(now)) if *then != now => None,
            _ => Some(life),
        }
    }

    pub(super) fn exit(&self) -> Option<Exit> {
        self.read(EXIT)
    }

    pub(super) fn write_life(&self, life: &Life) -> Result<(), RuntimeError> {
        self.write(LIFE, life)
    }

    pub(super) fn write_exit(&self, exit: &Exit) -> Result<(), RuntimeError> {
        self.write(EXIT, exit)
    }

    /// Forgets the container; one that is gone already is no error.
    pub(super) fn remove(&self) -> Result<(), RuntimeError> {
        match fs::remove_dir_all(&self.dir) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(RuntimeError::Io {
                path: self.dir.clone(),
                source,
            }),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// A file that cannot be read is as good as none: it was cut off by the machine's end.
    fn read<T: DeserializeOwned>(&self, file: &str) -> Option<T> {
        serde_json::from_slice(&fs::read(self.dir.join(file)).ok()?).ok()
    }

    fn write<T: Serialize>(&self, file: &str, value: &T) -> Result<(), RuntimeError> {
        let path = self.dir.join(file);
        let written = (|| {
            let mut fresh = tempfile::NamedTempFile::new_in(&self.dir)?;
            fresh.write_all(&serde_json::to_vec(value)?)?;
            fresh.persist(&path)?;
            Ok(())
        })();
        written.map_err(|source: io::Error| RuntimeError::Io { path, source })
    }
}

fn name(dir: &Path) -> String {
    let name = dir.file_name().unwrap_or(dir.as_os_str());
    name.to_string_lossy().into_owned()
}

const CONTAINER: &str = "container.json";
const LIFE: &str = "life.json";
const EXIT: &str = "exit.json";
