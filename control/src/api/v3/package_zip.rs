//! Whether a package's zip can be unpacked without harm.

use std::fs::File;
use std::io::{Read, Seek};

use zip::ZipArchive;

/// Looks at every entry: its name, its size and where it leads.
///
/// # Errors
///
/// What is wrong, with the entry's name.
pub(super) fn check(file: &File) -> Result<(), String> {
    check_archive(file)
}

fn check_archive(file: impl Read + Seek) -> Result<(), String> {
    let mut archive = ZipArchive::new(file).map_err(|error| error.to_string())?;
    if archive.len() > MAX_ENTRIES {
        return Err(format!("it has more than {MAX_ENTRIES} entries"));
    }
    let (mut whole, mut packed): (u64, u64) = (0, 0);
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).map_err(|error| error.to_string())?;
        let name = entry
            .name()
            .map_err(|error| error.to_string())?
            .into_owned();
        check_name(&name)?;
        whole = whole.saturating_add(entry.size());
        packed = packed.saturating_add(entry.compressed_size());
        if entry.is_symlink() {
            let mut target = String::new();
            let read = entry
                .by_ref()
                .take(MAX_TARGET_BYTES)
                .read_to_string(&mut target);
            read.map_err(|_| format!("entry '{}' is no readable link", shown(&name)))?;
            check_link(&name, &target)?;
        }
    }
    if whole > MAX_WHOLE_BYTES {
        return Err(format!(
            "its files are larger than {} MB together",
            MAX_WHOLE_BYTES >> 20
        ));
    }
    if whole > FREE_BYTES && whole / packed.max(1) > MAX_RATIO {
        return Err(format!(
            "its files are more than {MAX_RATIO} times as large as it is"
        ));
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), String> {
    let outside = depth_after(0, name).is_none();
    let absolute = name.starts_with(['/', '\\']) || name.as_bytes().get(1) == Some(&b':');
    if outside || absolute || name.contains(['\0', '\\']) || name.is_empty() {
        return Err(format!(
            "entry '{}' leads outside of the application",
            shown(name)
        ));
    }
    Ok(())
}

/// A link may lead anywhere inside.
fn check_link(name: &str, target: &str) -> Result<(), String> {
    let folder = name
        .trim_end_matches('/')
        .rsplit_once('/')
        .map_or("", |(folder, _)| folder);
    let inside = depth_after(0, folder).and_then(|depth| depth_after(depth, target));
    if target.starts_with('/') || target.contains('\0') || inside.is_none() {
        return Err(format!(
            "link '{}' leads outside of the application",
            shown(name)
        ));
    }
    Ok(())
}

/// How deep one is after following a path; nothing when it climbs above the beginning on its way.
fn depth_after(start: usize, path: &str) -> Option<usize> {
    path.split('/').try_fold(start, |depth, part| match part {
        "" | "." => Some(depth),
        ".." => depth.checked_sub(1),
        _ => depth.checked_add(1),
    })
}

fn shown(name: &str) -> String {
    name.escape_debug().take(100).collect()
}

const MAX_ENTRIES: usize = 100_000;
const MAX_TARGET_BYTES: u64 = 4096;
const MAX_WHOLE_BYTES: u64 = 8 << 30;
/// Text that repeats itself packs well; only large archives are suspicious.
const FREE_BYTES: u64 = 256 << 20;
const MAX_RATIO: u64 = 200;

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn archive(name: &str) -> Cursor<Vec<u8>> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer
            .start_file(name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(b"x").unwrap();
        writer.finish().unwrap()
    }

    fn link(name: &str, target: &str) -> Cursor<Vec<u8>> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer
            .add_symlink(name, target, SimpleFileOptions::default())
            .unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn plain_files_are_taken() {
        for name in ["index.html", "a/b/c", "./a", "a/../b", ".profile"] {
            assert_eq!(check_archive(archive(name)), Ok(()), "{name}");
        }
    }

    #[test]
    fn names_that_lead_outside_are_refused() {
        for name in ["../x", "a/../../x", "/etc/passwd", "..", "a\\..\\x", "C:/x"] {
            let problem = check_archive(archive(name)).unwrap_err();
            assert!(problem.contains("outside"), "{name}: {problem}");
        }
    }

    #[test]
    fn links_stay_inside() {
        assert_eq!(check_archive(link("a/b", "../c")), Ok(()));
        for (name, target) in [
            ("a", "../x"),
            ("a/b", "../../x"),
            ("a", "/etc/passwd"),
            ("a", "b/../../x"),
        ] {
            let problem = check_archive(link(name, target)).unwrap_err();
            assert!(problem.contains("outside"), "{name} to {target}");
        }
    }

    #[test]
    fn what_is_no_zip_is_refused() {
        assert!(check_archive(Cursor::new(b"hello".to_vec())).is_err());
        assert!(check_archive(Cursor::new(Vec::new())).is_err());
    }
}
