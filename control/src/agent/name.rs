//! The node's name: drawn once, and the same for every agent that works in its directory.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use super::desk::fresh_id;

/// The name of the node whose agents work in `dir`.
///
/// # Errors
///
/// Fails when the name can neither be read nor kept: with a new one at each start, controllers would
/// wait for the node that they knew.
pub(super) fn name_of(dir: &Path) -> io::Result<String> {
    let path = dir.join("node-name");
    match fs::read_to_string(&path) {
        Ok(name) if !name.trim().is_empty() => return Ok(name.trim().to_owned()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(_) | Err(_) => {}
    }
    let name = fresh_id();
    let mut fresh = tempfile::NamedTempFile::new_in(dir)?;
    writeln!(fresh, "{name}")?;
    fresh.persist(&path)?;
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_keeps_its_name_and_no_two_have_the_same() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let name = name_of(here.path()).unwrap();
        assert_eq!(name_of(here.path()).unwrap(), name);
        assert_ne!(name_of(there.path()).unwrap(), name);
    }
}
