//! What a directory takes on disk.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The bytes that the files below `dir` take. Links are not followed; what vanishes meanwhile, or
/// may not be read, is not counted.
pub(crate) fn directory_bytes(dir: &Path) -> u64 {
    let mut sum = 0;
    let mut open = vec![dir.to_path_buf()];
    while let Some(dir) = open.pop() {
        let Ok(entries) = fs::read_dir(&dir) else {
            continue;
        };
        for entry in entries.flatten() {
            let Ok(meta) = entry.metadata() else { continue };
            if meta.is_dir() {
                open.push(entry.path());
            } else {
                // Holes cost nothing, and a file of one byte costs a block.
                sum += meta.blocks() * 512;
            }
        }
    }
    sum
}
