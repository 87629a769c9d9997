//! What is remembered between two commands: the API, the tokens and the space.

use std::env;
use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::account::{Credentials, Links};
use super::error::KatoError;
use super::space::Space;

/// A session as it is kept in a file.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Session {
    pub(super) links: Links,
    pub(super) credentials: Option<Credentials>,
    pub(super) space: Option<Space>,
}

/// The directory of one person's session.
#[derive(Clone, Debug)]
pub(super) struct Home {
    directory: PathBuf,
}

impl Home {
    /// `$KATO_HOME`, else `.switchyard` in the home directory.
    pub(super) fn find() -> Self {
        let directory = env::var_os("KATO_HOME").map(PathBuf::from);
        let usual = || env::home_dir().unwrap_or_default().join(".switchyard");
        Self {
            directory: directory.unwrap_or_else(usual),
        }
    }

    /// The session of the last command, if there was one.
    pub(super) fn load(&self) -> Result<Option<Session>, KatoError> {
        let path = self.file();
        match fs::read(&path) {
            // A file of another version is no session; the next login writes it anew.
            Ok(text) => Ok(serde_json::from_slice(&text).ok()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(KatoError::File { path, source }),
        }
    }

    /// Writes the session for the next command, whole or not at all, for its owner's eyes only.
    pub(super) fn save(&self, session: &Session) -> Result<(), KatoError> {
        let written = fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.directory)
            .and_then(|()| {
                let mut file = tempfile::NamedTempFile::new_in(&self.directory)?;
                let mode = fs::Permissions::from_mode(0o600);
                file.as_file().set_permissions(mode)?;
                serde_json::to_writer_pretty(&mut file, session)?;
                file.write_all(b"\n")?;
                file.persist(self.file()).map_err(|error| error.error)?;
                Ok(())
            });
        written.map_err(|source| KatoError::File {
            path: self.file(),
            source,
        })
    }

    fn file(&self) -> PathBuf {
        self.directory.join("kato.json")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dial::Trust;

    #[test]
    fn a_session_comes_back_and_only_its_owner_may_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home {
            directory: dir.path().join("home"),
        };
        assert!(home.load().unwrap().is_none());
        let links = Links {
            api: "http://127.0.0.1:8081/".to_owned().try_into().unwrap(),
            login: "http://127.0.0.1:8081/".to_owned().try_into().unwrap(),
            log_cache: None,
            trust: Trust::default(),
        };
        let session = Session {
            links,
            credentials: Some(Credentials {
                access_token: "secret".into(),
                refresh_token: None,
            }),
            space: None,
        };
        home.save(&session).unwrap();
        let loaded = home.load().unwrap().unwrap();
        assert_eq!(loaded.credentials.unwrap().access_token, "secret");
        let mode = fs::metadata(home.file()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
