//! The directory of packages and droplets: is it the one that the database speaks of?
//!
//! Controllers of one platform share a database and a directory. One whose directory is not mounted
//! would take an empty one for it, and answer that nothing is there.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::error::CommandError;
use super::run::{file, uuid_text};
use crate::store::{Store, StoreError};

/// Marks the directory of a new platform, and refuses any other one for that database.
pub(super) async fn check(store: &Store, directory: &Path) -> Result<(), CommandError> {
    let path = directory.join(MARK);
    let known = store.setting(SETTING).await.map_err(CommandError::Store)?;
    let mark = match (known.is_some(), read(&path)?) {
        // Made before it is written down: a database never names what is not there yet.
        (false, None) => make(directory, &path)?,
        (_, found) => found.unwrap_or_default(),
    };
    let agreed = match known {
        Some(known) => known,
        None => agree(store, &mark).await.map_err(CommandError::Store)?,
    };
    if agreed == mark {
        return Ok(());
    }
    Err(CommandError::NotShared { path, mark: agreed })
}

/// Writes the mark down, unless another controller was quicker; the one that counts.
async fn agree(store: &Store, mark: &str) -> Result<String, StoreError> {
    let mut tx = store.begin().await?;
    let agreed = tx.setting_or(SETTING, mark).await?;
    tx.commit().await?;
    Ok(agreed)
}

/// What the mark says; `None` where there is none.
fn read(path: &Path) -> Result<Option<String>, CommandError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(file(path, source)),
    }
}

/// Makes a mark, unless another controller is quicker; the one that is there then.
fn make(directory: &Path, path: &Path) -> Result<String, CommandError> {
    let mark = uuid_text();
    let draft = directory.join(format!("{MARK}-{mark}"));
    fs::create_dir_all(directory).map_err(|source| file(directory, source))?;
    fs::write(&draft, format!("{mark}\n")).map_err(|source| file(&draft, source))?;
    // A link is there with all that it holds, or not at all, and never replaces another.
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft).map_err(|source| file(&draft, source))?;
    match linked {
        Ok(()) => Ok(mark),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Ok(read(path)?.unwrap_or_default())
        }
        Err(source) => Err(file(path, source)),
    }
}

/// The file that names the platform whose packages and droplets lie beside it.
const MARK: &str = "platform";
const SETTING: &str = "blobs_platform";
