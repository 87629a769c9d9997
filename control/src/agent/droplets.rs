//! Droplets: fetched once, checked against their digest, unpacked for each instance.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::read::GzDecoder;
use tar::{Archive, EntryType};

use super::download::{DownloadError, download};
use crate::dial::Trust;

/// The droplets of a node, by digest. Clones are the same cache.
#[derive(Clone, Debug)]
pub(super) struct Droplets {
    dir: PathBuf,
    trust: Trust,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Who fetches a droplet; the others of the same digest wait for that one.
    fetching: BTreeMap<String, Arc<tokio::sync::Mutex<()>>>,
    /// Unused at the last sweep.
    idle: BTreeSet<String>,
}

/// What a start message says of its droplet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) url: &'a str,
    pub(super) sha1: Option<&'a str>,
    pub(super) sha256: Option<&'a str>,
}

impl Wanted<'_> {
    /// The name under which it is kept.
    pub(super) fn key(&self) -> Option<String> {
        let digest = self.sha256.or(self.sha1)?.to_ascii_lowercase();
        let is_hex = digest.len() >= 40 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then_some(digest)
    }
}

impl Droplets {
    pub(super) fn open(dir: PathBuf, trust: Trust) -> io::Result<Self> {
        fs::create_dir_all(&dir)?;
        Ok(Self {
            dir,
            trust,
            state: Arc::default(),
        })
    }

    /// The droplet's file, fetched when it is not there yet.
    pub(super) async fn fetch(&self, wanted: Wanted<'_>) -> Result<PathBuf, DropletError> {
        let key = wanted.key().ok_or(DropletError::NoDigest)?;
        let path = self.dir.join(&key);
        let turn = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.idle.remove(&key);
            Arc::clone(state.fetching.entry(key.clone()).or_default())
        };
        let _turn = turn.lock().await;
        if path.exists() {
            return Ok(path);
        }
        let part = self.dir.join(format!("{key}.part"));
        let fetched = download(&self.trust, wanted.url, &part).await?;
        let found = match wanted.sha256 {
            Some(_) => fetched.sha256,
            None => fetched.sha1,
        };
        if found != key {
            // The reason of the failure is the digest, whether the file can be removed or not.
            let _ = fs::remove_file(&part);
            return Err(DropletError::Digest {
                expected: key,
                found,
            });
        }
        fs::rename(&part, &path).map_err(DropletError::Disk)?;
        Ok(path)
    }

    /// Removes what nobody has used at two sweeps in a row.
    pub(super) fn sweep(&self, used: &BTreeSet<String>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(entries) = fs::read_dir(&self.dir) else {
            return;
        };
        let names = entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok());
        let unused: BTreeSet<String> = names
            .filter(|name| !name.ends_with(".part") && !used.contains(name))
            .collect();
        for name in unused.intersection(&state.idle) {
            // What cannot be removed now is tried again at the next sweep.
            let _ = fs::remove_file(self.dir.join(name));
        }
        state.fetching.retain(|_, turn| Arc::strong_count(turn) > 1);
        state.idle = unused;
    }
}

/// Unpacks a droplet into `root`, which is made; at most `limit_bytes` of content, 0 for any.
pub(super) fn unpack(droplet: &Path, root: &Path, limit_bytes: u64) -> Result<(), DropletError> {
    fs::create_dir_all(root).map_err(DropletError::Disk)?;
    let file = File::open(droplet).map_err(DropletError::Disk)?;
    let mut archive = Archive::new(GzDecoder::new(BufReader::new(file)));
    archive.set_preserve_permissions(true);
    let mut sum: u64 = 0;
    for entry in archive.entries().map_err(DropletError::Archive)? {
        let mut entry = entry.map_err(DropletError::Archive)?;
        let path = entry.path().map_err(DropletError::Archive)?.into_owned();
        let stays = path
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        let kind = entry.header().entry_type();
        let plain = matches!(
            kind,
            EntryType::Regular
                | EntryType::Continuous
                | EntryType::GNUSparse
                | EntryType::Directory
                | EntryType::Symlink
                | EntryType::Link
        );
        if !stays || !plain {
            return Err(DropletError::Entry(path));
        }
        sum = sum.saturating_add(entry.size());
        if limit_bytes > 0 && sum > limit_bytes {
            return Err(DropletError::TooLarge { limit_bytes });
        }
        // The library refuses to write through a link that leads out of the root.
        if !entry.unpack_in(root).map_err(DropletError::Archive)? {
            return Err(DropletError::Entry(path));
        }
    }
    for dir in ["app", "logs", "tmp", "deps", "profile.d"] {
        fs::create_dir_all(root.join(dir)).map_err(DropletError::Disk)?;
    }
    Ok(())
}

/// Why an instance has no droplet.
#[derive(Debug, thiserror::Error)]
pub(super) enum DropletError {
    #[error("The droplet is damaged: {0}")]
    Archive(io::Error),
    #[error("Could not download the droplet: its digest is {found}, but {expected} was announced")]
    Digest { expected: String, found: String },
    #[error("Could not write the droplet: {0}")]
    Disk(io::Error),
    #[error("Could not download the droplet: {0}")]
    Download(#[from] DownloadError),
    #[error("The droplet holds `{}`, which no droplet may hold", .0.display())]
    Entry(PathBuf),
    #[error("Could not download the droplet: the start message names no digest")]
    NoDigest,
    #[error("The droplet does not fit into the disk quota of {} MB", limit_bytes >> 20)]
    TooLarge { limit_bytes: u64 },
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tar::{Builder, Header};

    use super::*;

    fn archive(entries: &[(&str, EntryType, &str)]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (path, kind, content) in entries {
            let mut header = Header::new_gnu();
            header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
            header.set_entry_type(*kind);
            header.set_mode(0o755);
            if kind.is_symlink() {
                header.set_link_name(content).unwrap();
                header.set_size(0);
                header.set_cksum();
                builder.append(&header, io::empty()).unwrap();
            } else {
                header.set_size(content.len() as u64);
                header.set_cksum();
                builder.append(&header, content.as_bytes()).unwrap();
            }
        }
        let bytes = builder.into_inner().unwrap().finish().unwrap();
        file.write_all(&bytes).unwrap();
        file
    }

    #[test]
    fn a_droplet_is_unpacked_with_all_its_directories() {
        let (dir, file) = (
            tempfile::tempdir().unwrap(),
            archive(&[("./app/run", EntryType::Regular, "echo hi")]),
        );
        unpack(file.path(), dir.path(), 1 << 20).unwrap();
        assert_eq!(
            fs::read_to_string(dir.path().join("app/run")).unwrap(),
            "echo hi"
        );
        assert!(dir.path().join("logs").is_dir());
    }

    #[test]
    fn nothing_is_written_outside() {
        let outside = tempfile::tempdir().unwrap();
        let target = outside.path().to_str().unwrap().to_owned();
        for entries in [
            vec![("../evil", EntryType::Regular, "x")],
            vec![("/tmp/evil-absolute", EntryType::Regular, "x")],
            vec![("app/fifo", EntryType::Fifo, "")],
            vec![
                ("app", EntryType::Symlink, target.as_str()),
                ("app/evil", EntryType::Regular, "x"),
            ],
        ] {
            let (dir, file) = (tempfile::tempdir().unwrap(), archive(&entries));
            assert!(unpack(file.path(), dir.path(), 0).is_err(), "{entries:?}");
        }
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_droplet_larger_than_its_quota_is_refused() {
        let (dir, file) = (
            tempfile::tempdir().unwrap(),
            archive(&[("./app/big", EntryType::Regular, "0123456789")]),
        );
        let refused = unpack(file.path(), dir.path(), 9).unwrap_err();
        assert!(matches!(refused, DropletError::TooLarge { limit_bytes: 9 }));
    }

    #[test]
    fn an_unused_droplet_goes_at_the_second_sweep() {
        let dir = tempfile::tempdir().unwrap();
        let droplets = Droplets::open(dir.path().to_path_buf(), Trust::default()).unwrap();
        for name in ["used", "unused"] {
            fs::write(dir.path().join(name), "x").unwrap();
        }
        let used = BTreeSet::from(["used".to_owned()]);
        droplets.sweep(&used);
        assert!(dir.path().join("unused").exists());
        droplets.sweep(&used);
        assert!(!dir.path().join("unused").exists());
        assert!(dir.path().join("used").exists());
    }
}
