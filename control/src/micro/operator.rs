//! The machine's own account at its API, and how the first person gets theirs.

use std::fs;
use std::path::PathBuf;

use super::MicroError;
use super::directory::Directory;

/// A client of the API that may do everything, known on this machine only.
#[derive(Clone, Debug)]
pub(super) struct Operator {
    pub(super) id: String,
    pub(super) secret: String,
    /// The file from which the controller learns it.
    pub(super) file: PathBuf,
}

impl Operator {
    /// Reads the account of an earlier run, or makes one.
    pub(super) fn of(directory: &Directory) -> Result<Self, MicroError> {
        let file = directory.file(FILE);
        let kept = fs::read_to_string(&file).ok();
        let kept = kept.as_deref().and_then(|text| text.trim().split_once(':'));
        if let Some((id, secret)) = kept {
            return Ok(Self {
                id: id.to_owned(),
                secret: secret.to_owned(),
                file,
            });
        }
        let secret: [u128; 2] = rand::random();
        let secret: String = secret.iter().map(|half| format!("{half:032x}")).collect();
        let file = directory.write_private(FILE, &format!("{ID}:{secret}\n"))?;
        Ok(Self {
            id: ID.to_owned(),
            secret,
            file,
        })
    }
}

/// The address at which the first person chooses a name and a password, while there is none.
pub(super) fn setup_link(file: &std::path::Path, api: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let text = text.trim();
    match text {
        "" => None,
        link if link.contains("://") => Some(link.to_owned()),
        token => Some(format!("{api}/setup/{token}")),
    }
}

const FILE: &str = "operator";
const ID: &str = "switchyard-micro";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_is_the_same_in_every_run() {
        let dir = tempfile::tempdir().unwrap();
        let directory = Directory::claim(dir.path()).unwrap();
        let first = Operator::of(&directory).unwrap();
        assert_eq!(first.secret.len(), 64);
        assert_eq!(Operator::of(&directory).unwrap().secret, first.secret);
    }

    #[test]
    fn a_link_is_taken_as_it_is_and_a_token_gets_its_address() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("setup-link");
        assert_eq!(setup_link(&file, "http://a"), None);
        fs::write(&file, "abc\n").unwrap();
        let link = setup_link(&file, "http://a");
        assert_eq!(link.as_deref(), Some("http://a/setup/abc"));
        fs::write(&file, "http://b/setup/abc\n").unwrap();
        let link = setup_link(&file, "http://a");
        assert_eq!(link.as_deref(), Some("http://b/setup/abc"));
    }
}
