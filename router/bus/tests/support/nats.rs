//! Debian's nats-server as a child process.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::wait::PATIENCE;

/// A real server. Dropping it ends it.
pub(crate) struct NatsServer {
    child: Child,
    addr: SocketAddr,
    _ports: tempfile::TempDir,
}

impl NatsServer {
    /// Starts a server on any free port; `None` where none is installed and none is required.
    pub(crate) fn start(args: &[&str]) -> Option<Self> {
        Self::start_at(0, args)
    }

    /// Starts a server on `port`; 0 is any.
    pub(crate) fn start_at(port: u16, args: &[&str]) -> Option<Self> {
        let binary = installed()?;
        let ports = tempfile::tempdir().unwrap();
        let port = if port == 0 {
            "-1".into()
        } else {
            port.to_string()
        };
        let mut child = Command::new(binary)
            .args(["-a", "127.0.0.1", "-p", &port, "--ports_file_dir"])
            .arg(ports.path())
            .args(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(addr) = announced(ports.path()) {
                return Some(Self {
                    child,
                    addr,
                    _ports: ports,
                });
            }
            if let Some(status) = child.try_wait().unwrap() {
                panic!("nats-server {args:?} ended with {status}");
            }
            assert!(
                Instant::now() < deadline,
                "nats-server {args:?} does not come up"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        // It may be gone already, which is what is wanted.
        let _killed = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The binary, or `None` and a word about it. On CI a missing server is a failure.
fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let binary = places
        .map(|place| place.join("nats-server"))
        .find(|file| file.is_file());
    if binary.is_none() {
        eprintln!("skipped: nats-server is not installed, to run: apt-get install nats-server");
        assert!(
            std::env::var_os("CI").is_none(),
            "nats-server is required on CI"
        );
    }
    binary
}

/// The client address from the file that the server writes once it listens.
fn announced(ports: &Path) -> Option<SocketAddr> {
    let file = std::fs::read_dir(ports).ok()?.flatten().next()?.path();
    let ports: serde_json::Value = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    let url = ports.get("nats")?.get(0)?.as_str()?;
    url.split_once("://")?.1.parse().ok()
}
