//! Debian's `nats-server`, as a process of its own.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::wait::eventually_some;

/// A running server; dropping it kills it.
#[derive(Debug)]
pub(super) struct Debian {
    /// Where it listens.
    pub(super) addr: SocketAddr,
    process: Child,
    _ports: TempDir,
}

impl Debian {
    /// Starts on `port` of loopback; 0 is any free port.
    pub(super) fn start(port: u16) -> Self {
        let ports = TempDir::new().unwrap();
        // nats-server's own way to say "any".
        let port = if port == 0 {
            "-1".to_owned()
        } else {
            port.to_string()
        };
        let mut command = Command::new("nats-server");
        command
            .args(["-a", "127.0.0.1", "-p", &port, "--ports_file_dir"])
            .arg(ports.path());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let process = command
            .spawn()
            .expect("nats-server (apt-get install nats-server)");
        let file = ports
            .path()
            .join(format!("nats-server_{}.ports", process.id()));
        let port: u16 = eventually_some("nats-server says its port", || {
            let ports: Value = serde_json::from_str(&fs::read_to_string(&file).ok()?).ok()?;
            ports["nats"][0].as_str()?.rsplit(':').next()?.parse().ok()
        });
        Self {
            addr: (Ipv4Addr::LOCALHOST, port).into(),
            process,
            _ports: ports,
        }
    }
}

impl Drop for Debian {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
