//! A person at a command line, with a home directory and an application of their own.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::platform::Platform;

pub(crate) struct Person {
    home: TempDir,
    api: String,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    pub(crate) fn well(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }
}

impl Person {
    /// Somebody who has never logged in.
    pub(crate) fn new(platform: &Platform) -> Self {
        let person = Self {
            home: tempfile::tempdir().unwrap(),
            api: platform.address.clone(),
        };
        fs::create_dir(person.app()).unwrap();
        fs::write(person.app().join("index.html"), "hello").unwrap();
        fs::write(person.home.path().join("password"), "secret\n").unwrap();
        person
    }

    /// Somebody who has, and whose questions begin now.
    pub(crate) fn logged_in(platform: &Platform) -> Self {
        let person = Self::new(platform);
        person.log_in().well();
        platform.forget();
        person
    }

    pub(crate) fn log_in(&self) -> Ended {
        self.log_in_with(&[])
    }

    pub(crate) fn log_in_with(&self, words: &[&str]) -> Ended {
        let password = self.home.path().join("password");
        let password = password.to_str().unwrap();
        let account = ["--user", "ada", "--password-file", password];
        self.kato(&[&["login", "--api", &self.api], &account[..], words].concat())
    }

    /// The directory of the application.
    pub(crate) fn app(&self) -> PathBuf {
        self.home.path().join("app")
    }

    pub(crate) fn kato(&self, words: &[&str]) -> Ended {
        let output = Command::new(env!("CARGO_BIN_EXE_kato"))
            .args(words)
            .current_dir(self.app())
            .env_clear()
            .env("KATO_HOME", self.home.path().join("kato"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Ended {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
