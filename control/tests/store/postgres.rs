//! A PostgreSQL of the test's own: in a directory that goes with it, on a socket in there.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A server that ends when it is dropped.
pub(crate) struct Postgres {
    programs: PathBuf,
    directory: tempfile::TempDir,
}

impl Postgres {
    /// Starts one; `None`, and a word about it, when PostgreSQL is not installed.
    pub(crate) fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(
                std::env::var_os("CI").is_none(),
                "PostgreSQL is missing: apt-get install postgresql"
            );
            println!("skipped: apt-get install postgresql");
            return None;
        };
        let directory = tempfile::tempdir().unwrap();
        if is_root() {
            // It refuses to run as root.
            chown(directory.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let server = Self {
            programs,
            directory,
        };
        server.run(
            "initdb",
            &[
                "-U",
                "postgres",
                "--auth=trust",
                "--no-sync",
                "-D",
                &server.data(),
            ],
        );
        let options = format!(
            "-k {} -c listen_addresses= -c fsync=off -c max_connections=40",
            server.directory.path().display()
        );
        let log = server.directory.path().join("log").display().to_string();
        server.run(
            "pg_ctl",
            &[
                "-D",
                &server.data(),
                "-o",
                &options,
                "-l",
                &log,
                "-w",
                "start",
            ],
        );
        Some(server)
    }

    /// Where it is reached.
    pub(crate) fn url(&self) -> String {
        let directory = self.directory.path().display();
        format!("postgres://postgres@localhost/postgres?host={directory}")
    }

    fn data(&self) -> String {
        self.directory.path().join("data").display().to_string()
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let status = self.command(program, arguments).status().unwrap();
        assert!(status.success(), "{program} {arguments:?}: {status}");
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let arguments = ["-D", &self.data(), "-m", "immediate", "-w", "stop"];
        let _stopped = self.command("pg_ctl", &arguments).status();
    }
}

/// The newest of Debian's directories of PostgreSQL programs.
fn programs() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|path| path.join("initdb").is_file())
        .collect();
    found.sort();
    found.pop()
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    Path::new("/proc/self")
        .metadata()
        .is_ok_and(|own| own.uid() == 0)
}

const NOBODY: u32 = 65534;
