//! Packs directories into a compressed archive, and names what came out by its digests.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Archive, Builder};

/// An archive that was written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Packed {
    /// Its SHA-1 in hex.
    pub(super) sha1: String,
    /// Its SHA-256 in hex.
    pub(super) sha256: String,
    /// Its size in bytes.
    pub(super) bytes: u64,
}

/// Writes the named parts of `root` into `archive` as `./part`; a part that is not there is left out.
///
/// # Errors
///
/// Fails when something cannot be read or written.
pub(super) fn pack(root: &Path, parts: &[&str], archive: &Path) -> io::Result<Packed> {
    let digested = Digested::new(BufWriter::new(File::create(archive)?));
    let mut builder = Builder::new(GzEncoder::new(digested, Compression::fast()));
    // A link stays a link: what it points to is not ours to read.
    builder.follow_symlinks(false);
    for part in parts {
        let path = root.join(part);
        let name = format!("./{part}");
        match path.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
            Ok(found) if found.is_dir() => builder.append_dir_all(name, path)?,
            Ok(_) => builder.append_path_with_name(path, name)?,
        }
    }
    builder.into_inner()?.finish()?.finish()
}

/// Unpacks an archive of ours; entries that lead out of `into` are left out.
///
/// # Errors
///
/// Fails when it is broken or something cannot be written.
pub(super) fn unpack(archive: &Path, into: &Path) -> io::Result<()> {
    let mut archive = Archive::new(flate2::read::GzDecoder::new(File::open(archive)?));
    archive.set_preserve_permissions(true);
    archive.unpack(into)
}

/// Counts and digests what goes through.
struct Digested<W> {
    inner: W,
    sha1: Context,
    sha256: Context,
    bytes: u64,
}

impl<W: Write> Digested<W> {
    fn new(inner: W) -> Self {
        Self {
            inner,
            sha1: Context::new(&SHA1_FOR_LEGACY_USE_ONLY),
            sha256: Context::new(&SHA256),
            bytes: 0,
        }
    }

    fn finish(mut self) -> io::Result<Packed> {
        self.inner.flush()?;
        Ok(Packed {
            sha1: hex(self.sha1.finish().as_ref()),
            sha256: hex(self.sha256.finish().as_ref()),
            bytes: self.bytes,
        })
    }
}

impl<W: Write> Write for Digested<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        let taken = bytes.get(..written).unwrap_or(bytes);
        self.sha1.update(taken);
        self.sha256.update(taken);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn digests_are_those_of_the_bytes() {
        let mut digested = Digested::new(Vec::new());
        digested.write_all(b"abc").unwrap();
        let packed = digested.finish().unwrap();
        assert_eq!(packed.sha1, "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert!(packed.sha256.starts_with("ba7816bf8f01cfea"));
        assert_eq!(packed.bytes, 3);
    }

    #[test]
    fn what_is_packed_comes_out_again() {
        let dir = tempfile::tempdir().unwrap();
        let (root, out) = (dir.path().join("root"), dir.path().join("out"));
        fs::create_dir_all(root.join("app/empty")).unwrap();
        fs::write(root.join("app/run"), "x").unwrap();
        fs::write(root.join("secret"), "x").unwrap();
        symlink("/etc/passwd", root.join("app/link")).unwrap();
        let archive = dir.path().join("a.tgz");
        let packed = pack(&root, &["app", "deps"], &archive).unwrap();
        assert_eq!(packed.bytes, fs::metadata(&archive).unwrap().len());
        unpack(&archive, &out).unwrap();
        assert_eq!(fs::read(out.join("app/run")).unwrap(), b"x");
        assert!(out.join("app/empty").is_dir());
        assert!(out.join("app/link").is_symlink());
        assert!(!out.join("secret").exists());
    }
}
