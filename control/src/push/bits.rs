//! Which files of a directory make up the application?

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use ignore::WalkBuilder;

use super::error::KatoError;

/// One entry of the package.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Entry {
    /// Below the directory, with `/` between its parts.
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
}

/// What an entry is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Directory,
    File {
        executable: bool,
        bytes: u64,
    },
    /// A symbolic link that stays inside.
    Link {
        target: String,
    },
}

/// Lists what `.cfignore` and the usual rules leave over, in an order that does not change.
pub(super) fn collect(root: &Path) -> Result<Vec<Entry>, KatoError> {
    let walk = WalkBuilder::new(root)
        .standard_filters(false)
        .add_custom_ignore_filename(IGNORE_FILE)
        .sort_by_file_name(Ord::cmp)
        .filter_entry(|entry| {
            let name = entry.file_name().to_str();
            entry.depth() == 0 || !name.is_some_and(|name| LEFT_OUT.contains(&name))
        })
        .build();
    let mut entries = Vec::new();
    for found in walk {
        let found = found.map_err(|error| unusable(root, io::Error::other(error)))?;
        if found.depth() > 0
            && let Some(entry) = entry(root, found.path())?
        {
            entries.push(entry);
        }
    }
    if !entries.iter().any(|entry| entry.kind != Kind::Directory) {
        return Err(KatoError::Nothing(root.to_owned()));
    }
    Ok(entries)
}

fn entry(root: &Path, path: &Path) -> Result<Option<Entry>, KatoError> {
    let fault = |source| unusable(path, source);
    let Some(name) = path.strip_prefix(root).ok().and_then(Path::to_str) else {
        return Err(fault(io::Error::other("its name is not UTF-8")));
    };
    let facts = fs::symlink_metadata(path).map_err(fault)?;
    let kind = if facts.is_symlink() {
        linked(Path::new(name), path)?
    } else if facts.is_dir() {
        Kind::Directory
    } else if facts.is_file() {
        file(&facts)
    } else {
        // Sockets and pipes mean nothing on another machine.
        return Ok(None);
    };
    Ok(Some(Entry {
        name: name.to_owned(),
        path: path.to_owned(),
        kind,
    }))
}

/// A link that stays inside is kept; what one outside leads to is packed in its place.
fn linked(name: &Path, path: &Path) -> Result<Kind, KatoError> {
    let fault = |source| unusable(path, source);
    let target = fs::read_link(path).map_err(fault)?;
    if let Some(text) = target.to_str().filter(|_| stays_inside(name, &target)) {
        return Ok(Kind::Link {
            target: text.to_owned(),
        });
    }
    let facts = fs::metadata(path).map_err(fault)?;
    if facts.is_file() {
        Ok(file(&facts))
    } else {
        let reason = "it is a link to a directory outside of the application";
        Err(fault(io::Error::other(reason)))
    }
}

fn file(facts: &Metadata) -> Kind {
    Kind::File {
        executable: facts.permissions().mode() & 0o111 != 0,
        bytes: facts.len(),
    }
}

/// Whether a link called `name` leads to a place below the root, by its words alone.
fn stays_inside(name: &Path, target: &Path) -> bool {
    let mut depth = name.components().count() - 1;
    for part in target.components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir => match depth.checked_sub(1) {
                Some(up) => depth = up,
                None => return false,
            },
            Component::Prefix(_) | Component::RootDir => return false,
        }
    }
    true
}

fn unusable(path: &Path, source: io::Error) -> KatoError {
    KatoError::File {
        path: path.to_owned(),
        source,
    }
}

const IGNORE_FILE: &str = ".cfignore";

/// What no application needs, as in cf.
const LEFT_OUT: &[&str] = &[
    IGNORE_FILE,
    ".DS_Store",
    ".git",
    ".gitignore",
    ".hg",
    ".svn",
    "_darcs",
    "manifest.yaml",
    "manifest.yml",
];

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn names(root: &Path) -> Vec<String> {
        let entries = collect(root).unwrap();
        entries.into_iter().map(|entry| entry.name).collect()
    }

    #[test]
    fn cfignore_is_read_as_gitignore_is_but_gitignore_is_not_heeded() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["app.py", "x.log", "keep.log", ".hidden", "secret"] {
            fs::write(dir.path().join(name), "x").unwrap();
        }
        fs::write(dir.path().join(".cfignore"), "*.log\n!keep.log\n").unwrap();
        fs::write(dir.path().join(".gitignore"), "secret\n").unwrap();
        fs::write(dir.path().join("manifest.yml"), "").unwrap();
        assert_eq!(
            names(dir.path()),
            [".hidden", "app.py", "keep.log", "secret"]
        );
    }

    #[test]
    fn a_link_that_stays_inside_is_kept_and_one_that_leaves_is_followed() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("licence"), "text").unwrap();
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("bin")).unwrap();
        fs::write(dir.path().join("bin/run"), "").unwrap();
        symlink("bin/run", dir.path().join("go")).unwrap();
        symlink(outside.path().join("licence"), dir.path().join("licence")).unwrap();
        let entries = collect(dir.path()).unwrap();
        let kind = |name: &str| {
            entries
                .iter()
                .find(|e| e.name == name)
                .unwrap()
                .kind
                .clone()
        };
        let target = "bin/run".to_owned();
        assert_eq!(kind("go"), Kind::Link { target });
        assert!(matches!(kind("licence"), Kind::File { bytes: 4, .. }));
    }

    #[test]
    fn a_link_to_a_directory_outside_is_refused() {
        let outside = tempfile::tempdir().unwrap();
        let dir = tempfile::tempdir().unwrap();
        symlink(outside.path(), dir.path().join("lib")).unwrap();
        assert!(collect(dir.path()).is_err());
    }

    #[test]
    fn a_target_is_judged_from_where_the_link_is() {
        let judge = |name: &str, target: &str| stays_inside(Path::new(name), Path::new(target));
        assert!(judge("a/b/link", "../../c"));
        assert!(!judge("a/b/link", "../../../c"));
        assert!(!judge("link", "/etc/passwd"));
    }

    #[test]
    fn an_empty_directory_is_nothing_to_push() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("empty")).unwrap();
        assert!(matches!(collect(dir.path()), Err(KatoError::Nothing(_))));
    }
}
