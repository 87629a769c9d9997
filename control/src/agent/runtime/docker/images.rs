//! The images of a node: those that its operator names, in the order in which they are tried.

use std::fs;
use std::path::{Path, PathBuf};

use crate::agent::runtime::contract::Image;

/// The images of a node.
#[derive(Clone, Debug)]
pub(super) struct Images {
    named: Vec<String>,
    file: PathBuf,
}

impl Images {
    /// Those of the command line, unless the file `images` in the node's directory names others.
    pub(super) fn new(named: Vec<String>, node: &Path) -> Self {
        Self {
            named,
            file: node.join(FILE),
        }
    }

    /// The images to try for a container, the best one first.
    pub(super) fn candidates(&self, image: &Image) -> Vec<String> {
        let mut listed = match image {
            Image::Own(own) => return vec![own.clone()],
            Image::Default | Image::StagedIn(_) => self.listed(),
        };
        if let Image::StagedIn(before) = image {
            // Stable: the others keep their order. An image that nobody lists is never used.
            listed.sort_by_key(|one| one != before);
        }
        listed
    }

    /// Read at each start, so that an operator changes it while instances run.
    fn listed(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.file).unwrap_or_default();
        let lines = text.lines().map(str::trim);
        let listed: Vec<String> = lines
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(str::to_owned)
            .collect();
        match listed.is_empty() {
            true => self.named.clone(),
            false => listed,
        }
    }
}

const FILE: &str = "images";

#[cfg(test)]
mod tests {
    use super::*;

    fn images(dir: &Path) -> Images {
        Images::new(vec!["new".into(), "old".into()], dir)
    }

    #[test]
    fn a_droplet_stays_with_its_image_as_long_as_the_operator_lists_it() {
        let dir = tempfile::tempdir().unwrap();
        let images = images(dir.path());
        assert_eq!(images.candidates(&Image::Default), ["new", "old"]);
        let staged_in = |name: &str| images.candidates(&Image::StagedIn(name.into()));
        assert_eq!(staged_in("old"), ["old", "new"]);
        assert_eq!(staged_in("somebody/elses"), ["new", "old"]);
    }

    #[test]
    fn an_application_with_its_own_image_gets_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let own = Image::Own("theirs".into());
        assert_eq!(images(dir.path()).candidates(&own), ["theirs"]);
    }

    #[test]
    fn the_file_is_read_each_time_and_comes_before_the_command_line() {
        let dir = tempfile::tempdir().unwrap();
        let images = images(dir.path());
        fs::write(dir.path().join(FILE), "# since May\nnewer\n\n new \n").unwrap();
        assert_eq!(images.candidates(&Image::Default), ["newer", "new"]);
        fs::write(dir.path().join(FILE), "# none\n").unwrap();
        assert_eq!(images.candidates(&Image::Default), ["new", "old"]);
    }
}
