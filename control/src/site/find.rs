//! From a request's path to a file.

use std::fs::{self, File, Metadata};
use std::path::{Path, PathBuf};

/// What a path leads to.
#[derive(Debug)]
pub(super) enum Found {
    /// A file to be sent.
    File(OpenFile),
    /// A directory that was named without its slash; the path with it.
    Moved(String),
    /// Nothing that is to be seen.
    Nothing,
}

/// A file that was opened.
#[derive(Debug)]
pub(super) struct OpenFile {
    pub(super) file: File,
    pub(super) metadata: Metadata,
    pub(super) path: PathBuf,
}

/// Looks up a path below `root`, which is canonical.
pub(super) fn find(root: &Path, path: &str) -> Found {
    let Some(inside) = decoded(path).as_deref().and_then(relative) else {
        return Found::Nothing;
    };
    let Ok(target) = fs::canonicalize(root.join(inside)) else {
        return Found::Nothing;
    };
    // A link may lead to another place of the site, not out of it.
    if !target.starts_with(root) {
        return Found::Nothing;
    }
    if !target.is_dir() {
        // `file/` names no file.
        return if path.ends_with('/') {
            Found::Nothing
        } else {
            open(root, target)
        };
    }
    if !path.ends_with('/') {
        // Two slashes at the beginning would name another host.
        return Found::Moved(format!("/{}/", path.trim_start_matches('/')));
    }
    match fs::canonicalize(target.join("index.html")) {
        Ok(index) if index.starts_with(root) => open(root, index),
        Ok(_) | Err(_) => Found::Nothing,
    }
}

/// The page that tells of a path that leads nowhere, if the site has one.
pub(super) fn missing_page(root: &Path) -> Option<OpenFile> {
    match find(root, "/404.html") {
        Found::File(file) => Some(file),
        Found::Moved(_) | Found::Nothing => None,
    }
}

fn open(root: &Path, path: PathBuf) -> Found {
    debug_assert!(path.starts_with(root));
    let Ok(file) = File::open(&path) else {
        return Found::Nothing;
    };
    match file.metadata() {
        Ok(metadata) if metadata.is_file() => Found::File(OpenFile {
            file,
            metadata,
            path,
        }),
        Ok(_) | Err(_) => Found::Nothing,
    }
}

/// The path as it is below the root, if all its parts are to be seen.
fn relative(path: &str) -> Option<PathBuf> {
    let mut inside = PathBuf::new();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        // Certificate authorities and others look for their files there.
        let hidden = part.starts_with('.') && part != ".well-known";
        if hidden || part.contains(['\0', '\\']) {
            return None;
        }
        inside.push(part);
    }
    Some(inside)
}

/// The path without its percent signs; `None` when what they say is no text.
fn decoded(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
        bytes.push(high << 4 | low);
    }
    String::from_utf8(bytes).ok()
}

fn digit(byte: u8) -> Option<u8> {
    let value = char::from(byte).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn site() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap().join("site");
        fs::create_dir_all(root.join("sub dir/.git")).unwrap();
        fs::create_dir_all(root.join(".well-known")).unwrap();
        for name in [
            "index.html",
            "a.txt",
            ".env",
            "sub dir/index.html",
            "sub dir/.git/config",
            ".well-known/x",
        ] {
            fs::write(root.join(name), name).unwrap();
        }
        fs::write(dir.path().join("secret"), "x").unwrap();
        symlink("../secret", root.join("out")).unwrap();
        symlink("a.txt", root.join("in")).unwrap();
        (dir, root)
    }

    fn shown(found: Found) -> String {
        match found {
            Found::File(file) => fs::read_to_string(file.path).unwrap(),
            Found::Moved(to) => format!("-> {to}"),
            Found::Nothing => String::new(),
        }
    }

    #[test]
    fn paths_lead_to_files_and_indices() {
        let (_dir, root) = site();
        for (path, expected) in [
            ("/", "index.html"),
            ("/a.txt", "a.txt"),
            ("//a.txt", "a.txt"),
            ("/in", "a.txt"),
            ("/sub%20dir/", "sub dir/index.html"),
            ("/sub%20dir", "-> /sub%20dir/"),
            ("//sub%20dir", "-> /sub%20dir/"),
            ("/.well-known/x", ".well-known/x"),
        ] {
            assert_eq!(shown(find(&root, path)), expected, "{path}");
        }
    }

    #[test]
    fn nothing_else_is_to_be_seen() {
        let (_dir, root) = site();
        for path in [
            "/../secret",
            "/%2e%2e/secret",
            "/sub%20dir/..%2f..%2fsecret",
            "/..%5csecret",
            "/out",
            "/.env",
            "/%2eenv",
            "/sub%20dir/.git/config",
            "/a.txt/",
            "/none",
            "/%",
            "/%zz",
            "/%ff",
            "/a.txt%00",
        ] {
            assert_eq!(shown(find(&root, path)), "", "{path}");
        }
    }
}
