//! Files to a package: the same files always give the same bytes.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::bits::{Entry, Kind, collect};
use super::error::KatoError;

/// A package on disk; a temporary one goes with it.
#[derive(Debug)]
pub(super) struct Package {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    /// How many files are in it; unknown for an archive that was there before.
    pub(super) files: Option<usize>,
    _temporary: Option<NamedTempFile>,
}

/// Packs a directory; an archive is taken as it is.
pub(super) fn pack(source: &Path) -> Result<Package, KatoError> {
    let unusable = |error| KatoError::File {
        path: source.to_owned(),
        source: error,
    };
    let facts = fs::metadata(source).map_err(unusable)?;
    if facts.is_dir() {
        return pack_directory(source);
    }
    let readable = File::open(source).map_err(unusable)?;
    zip::ZipArchive::new(readable).map_err(failed(source))?;
    Ok(Package {
        path: source.to_owned(),
        bytes: facts.len(),
        files: None,
        _temporary: None,
    })
}

fn pack_directory(root: &Path) -> Result<Package, KatoError> {
    let entries = collect(root)?;
    let unusable = |source| KatoError::File {
        path: std::env::temp_dir(),
        source,
    };
    let file = NamedTempFile::with_suffix(".zip").map_err(unusable)?;
    let mut zip = ZipWriter::new(file.reopen().map_err(unusable)?);
    for entry in &entries {
        add(&mut zip, entry).map_err(failed(&entry.path))?;
    }
    zip.finish().map_err(failed(root))?;
    Ok(Package {
        path: file.path().to_owned(),
        bytes: file.as_file().metadata().map_err(unusable)?.len(),
        files: Some(entries.iter().filter(|e| e.kind != Kind::Directory).count()),
        _temporary: Some(file),
    })
}

fn add(zip: &mut ZipWriter<File>, entry: &Entry) -> Result<(), ZipError> {
    // The clock and the umask of the person who pushes are nobody's business.
    let options = SimpleFileOptions::default().last_modified_time(DateTime::default());
    match &entry.kind {
        Kind::Directory => {
            zip.add_directory(&*entry.name, options.unix_permissions(EXECUTABLE))?;
        }
        Kind::Link { target } => zip.add_symlink(&*entry.name, &**target, options)?,
        Kind::File { executable, bytes } => {
            let mode = if *executable { EXECUTABLE } else { PLAIN };
            let options = options
                .compression_method(CompressionMethod::Deflated)
                .unix_permissions(mode)
                .large_file(*bytes >= u64::from(u32::MAX));
            zip.start_file(&*entry.name, options)?;
            io::copy(&mut File::open(&entry.path)?, zip)?;
        }
    }
    Ok(())
}

fn failed(path: &Path) -> impl FnOnce(ZipError) -> KatoError {
    let path = path.to_owned();
    move |source| KatoError::Pack { path, source }
}

const EXECUTABLE: u32 = 0o755;
const PLAIN: u32 = 0o644;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn application() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("bin")).unwrap();
        let run = dir.path().join("bin/run");
        fs::write(&run, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&run, fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(dir.path().join("index.html"), "hello").unwrap();
        symlink("index.html", dir.path().join("home.html")).unwrap();
        dir
    }

    #[test]
    fn the_same_files_give_the_same_bytes_wherever_and_whenever_they_lie() {
        let (one, two) = (application(), application());
        let old = fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH);
        let file = File::options()
            .append(true)
            .open(two.path().join("index.html"));
        file.unwrap().set_times(old).unwrap();
        let (one, two) = (pack(one.path()).unwrap(), pack(two.path()).unwrap());
        assert_eq!(fs::read(&one.path).unwrap(), fs::read(&two.path).unwrap());
        assert_eq!(one.files, Some(3));
    }

    #[test]
    fn modes_and_links_are_kept() {
        let dir = application();
        let package = pack(dir.path()).unwrap();
        let mut zip = zip::ZipArchive::new(File::open(&package.path).unwrap()).unwrap();
        let mode = |name: &str, zip: &mut zip::ZipArchive<File>| {
            zip.by_name(name).unwrap().unix_mode().unwrap() & 0o777
        };
        assert_eq!(mode("bin/run", &mut zip), 0o755);
        assert_eq!(mode("index.html", &mut zip), 0o644);
        assert!(zip.by_name("home.html").unwrap().is_symlink());
    }

    #[test]
    fn a_file_that_is_no_archive_is_refused() {
        let dir = application();
        let refused = pack(&dir.path().join("index.html")).unwrap_err();
        assert!(matches!(refused, KatoError::Pack { .. }));
    }

    #[test]
    fn a_temporary_package_goes_with_its_owner() {
        let dir = application();
        let package = pack(dir.path()).unwrap();
        let path = package.path.clone();
        assert!(path.exists());
        drop(package);
        assert!(!path.exists());
    }
}
