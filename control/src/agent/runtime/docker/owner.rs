//! Who a container's processes are, and the files that are theirs.

use std::fs;
use std::os::unix::fs::lchown;
use std::path::Path;

use rustix::process::{getgid, getuid};

use crate::agent::runtime::error::RuntimeError;

/// Who a container's processes are: never root.
pub(super) fn user() -> (u32, u32) {
    match (getuid().as_raw(), getgid().as_raw()) {
        (0, _) => (UNPRIVILEGED, UNPRIVILEGED),
        own => own,
    }
}

/// Gives a container its directory; without root's rights it is ours, and so are its processes.
pub(super) async fn give(root: &Path, uid: u32, gid: u32) -> Result<(), RuntimeError> {
    if getuid().as_raw() != 0 {
        return Ok(());
    }
    let owned = root.to_path_buf();
    let given = tokio::task::spawn_blocking(move || {
        let mut open = vec![owned];
        while let Some(path) = open.pop() {
            lchown(&path, Some(uid), Some(gid))?;
            if path.symlink_metadata()?.is_dir() {
                for entry in fs::read_dir(&path)? {
                    open.push(entry?.path());
                }
            }
        }
        Ok::<(), std::io::Error>(())
    });
    let given = given
        .await
        .map_err(std::io::Error::other)
        .and_then(|given| given);
    given.map_err(|source| RuntimeError::Io {
        path: root.to_path_buf(),
        source,
    })
}

const UNPRIVILEGED: u32 = 2000;
