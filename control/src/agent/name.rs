//! The node's name: drawn once, the same for every agent that works in its directory, and given up by
//! a copy of the directory or of the machine.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tracing::{info, warn};

use super::desk::fresh_id;
use crate::blobs::Digest;

/// The name under which this node is known.
#[derive(Debug)]
pub(super) struct NodeName {
    file: PathBuf,
    place: Place,
    name: Mutex<String>,
}

/// Whose directory it is that an agent begins to work in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Origin {
    /// A copy: what is written there of instances is another node's.
    Copy,
    /// This node's.
    Own,
}

impl NodeName {
    /// The name of the node whose agents work in `dir`; `lock` is the file there that they hold.
    ///
    /// # Errors
    ///
    /// Fails when the name can neither be read nor kept: with a new one at each start, controllers would
    /// wait for the node that they knew.
    pub(super) fn open(dir: &Path, lock: &File) -> io::Result<(Self, Origin)> {
        let file = dir.join("node-name");
        let place = Place::of(lock)?;
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let mut lines = text.lines();
        let known = lines.next().map(str::trim).filter(|name| !name.is_empty());
        let (name, origin) = match known {
            Some(name) if place.contradicts(&Place::read(lines)) => {
                let fresh = fresh_id();
                warn!(node = fresh, copied_from = name, "node-named-anew");
                (fresh, Origin::Copy)
            }
            Some(name) => (name.to_owned(), Origin::Own),
            None => (fresh_id(), Origin::Own),
        };
        let node = Self {
            file,
            place,
            name: Mutex::new(name.clone()),
        };
        // An older agent wrote no place.
        if text != node.text(&name) {
            node.keep(&name)?;
        }
        info!(node = name, "node-named");
        Ok((node, origin))
    }

    /// The name as it is now.
    pub(super) fn now(&self) -> String {
        let name = self.name.lock().unwrap_or_else(PoisonError::into_inner);
        name.clone()
    }

    /// Takes another name, and says which.
    pub(super) fn renew(&self) -> String {
        let fresh = fresh_id();
        if let Err(error) = self.keep(&fresh) {
            // The next agent here takes the old one, and gives it up again.
            warn!(%error, node = fresh, "node-name-not-kept");
        }
        let mut name = self.name.lock().unwrap_or_else(PoisonError::into_inner);
        name.clone_from(&fresh);
        fresh
    }

    fn text(&self, name: &str) -> String {
        format!("{name}\n{}", self.place.text())
    }

    fn keep(&self, name: &str) -> io::Result<()> {
        let dir = self.file.parent().unwrap_or_else(|| Path::new("."));
        let mut fresh = tempfile::NamedTempFile::new_in(dir)?;
        fresh.write_all(self.text(name).as_bytes())?;
        fresh.persist(&self.file)?;
        Ok(())
    }
}

/// What tells this directory on this machine from a copy of either. What is not known tells nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Place {
    /// Of `/etc/machine-id`, which is not to be told to others as it is (machine-id(5)).
    machine: Option<String>,
    /// Of the firmware's id: a hypervisor gives a clone another one. Only root may read it.
    board: Option<String>,
    /// The inode of the lock, which a copy of the directory does not have.
    inode: Option<String>,
}

impl Place {
    fn of(lock: &File) -> io::Result<Self> {
        let digest = |path: &str| {
            let id = fs::read_to_string(path).ok()?;
            let id = id.trim();
            (!id.is_empty()).then(|| Digest::of(id.as_bytes()).to_string())
        };
        Ok(Self {
            machine: digest("/etc/machine-id"),
            board: digest("/sys/class/dmi/id/product_uuid"),
            inode: Some(lock.metadata()?.ino().to_string()),
        })
    }

    fn text(&self) -> String {
        let parts = [
            (MACHINE, &self.machine),
            (BOARD, &self.board),
            (INODE, &self.inode),
        ];
        let line = |(key, value): (&str, &Option<String>)| {
            let value = value.as_ref()?;
            Some(format!("{key} {value}\n"))
        };
        parts.into_iter().filter_map(line).collect()
    }

    fn read<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        let mut place = Self::default();
        for (key, value) in lines.filter_map(|line| line.split_once(' ')) {
            let part = match key {
                MACHINE => &mut place.machine,
                BOARD => &mut place.board,
                INODE => &mut place.inode,
                _ => continue,
            };
            *part = Some(value.to_owned());
        }
        place
    }

    /// Whether these cannot be the same place.
    fn contradicts(&self, written: &Self) -> bool {
        let differ = |here: &Option<String>, there: &Option<String>| matches!((here, there), (Some(here), Some(there)) if here != there);
        differ(&self.machine, &written.machine)
            || differ(&self.board, &written.board)
            || differ(&self.inode, &written.inode)
    }
}

const MACHINE: &str = "machine";
const BOARD: &str = "board";
const INODE: &str = "inode";

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn open(dir: &TempDir) -> (String, Origin) {
        let lock = File::create(dir.path().join("agent.lock")).unwrap();
        let (name, origin) = NodeName::open(dir.path(), &lock).unwrap();
        (name.now(), origin)
    }

    #[test]
    fn a_node_keeps_its_name_and_no_two_have_the_same() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = open(&here);
        assert_eq!(first.1, Origin::Own);
        assert_eq!(open(&here), first);
        assert_ne!(open(&there).0, first.0);
    }

    #[test]
    fn a_copy_takes_another_name_and_keeps_that() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (name, _) = open(&here);
        let file = |dir: &TempDir| dir.path().join("node-name");
        fs::copy(file(&here), file(&there)).unwrap();
        let (copy, origin) = open(&there);
        assert_eq!(origin, Origin::Copy);
        assert_ne!(copy, name);
        assert_eq!(open(&there), (copy, Origin::Own));
        assert_eq!(open(&here), (name, Origin::Own));
    }

    #[test]
    fn a_name_without_a_place_is_the_nodes_own() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("node-name"), "old\n").unwrap();
        assert_eq!(open(&dir), ("old".to_owned(), Origin::Own));
        let text = fs::read_to_string(dir.path().join("node-name")).unwrap();
        assert!(text.contains("\ninode "), "{text}");
    }

    #[test]
    fn a_new_name_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let lock = File::create(dir.path().join("agent.lock")).unwrap();
        let (name, _) = NodeName::open(dir.path(), &lock).unwrap();
        let (old, new) = (name.now(), name.renew());
        assert_ne!(old, new);
        assert_eq!(name.now(), new);
        assert_eq!(open(&dir), (new, Origin::Own));
    }

    #[test]
    fn only_what_both_know_can_tell_two_places_apart() {
        let part = |text: &str| Some(text.to_owned());
        let place = |machine, board| Place {
            machine,
            board,
            inode: part("7"),
        };
        let here = place(part("a"), part("b"));
        assert!(!here.contradicts(&here) && !here.contradicts(&place(None, None)));
        assert!(here.contradicts(&place(part("x"), part("b"))));
        assert!(here.contradicts(&place(None, part("x"))));
        assert_eq!(Place::read(here.text().lines()), here);
    }
}
