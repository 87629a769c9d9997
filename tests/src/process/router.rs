//! A router process and what a test does to it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::binary::binary;
use super::ports::{listening, open_files};
use crate::bus::Bus;
use crate::client::Client;
use crate::router::{merge, settings};
use crate::wait::eventually_some;

/// A running `switchyard-router`; dropping it kills it.
#[derive(Debug)]
pub struct RouterProcess {
    child: Child,
    events: Arc<Mutex<Vec<Value>>>,
    http: SocketAddr,
    status: SocketAddr,
    _folder: TempDir,
}

impl RouterProcess {
    /// Starts the binary with the suite's configuration and `further` keys.
    ///
    /// # Panics
    ///
    /// When it cannot be built or does not open its port.
    #[must_use]
    pub fn start(bus: &Bus, further: &Value) -> Self {
        let loud = json!({ "logging": { "level": "info" }, "switchyard": { "workers": 2 } });
        let mut settings = settings(bus, &loud);
        merge(&mut settings, further);
        let mut process = Self::spawn(&settings.to_string());
        process.status = eventually_some("the router is healthy", || {
            assert!(
                process.child.try_wait().unwrap().is_none(),
                "the router ended: {:?}",
                process.events()
            );
            let ports = listening(process.child.id()).into_iter();
            let mut addresses = ports.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
            addresses.find(|address| health_at(*address) == Some(200))
        });
        process.http = eventually_some("the router says where it listens", || {
            let events = process.events();
            let started = events
                .iter()
                .find(|event| event["message"] == "tcp-listener-started")?;
            started["data"]["address"].as_str()?.parse().ok()
        });
        process
    }

    fn spawn(text: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("gorouter.yml");
        fs::write(&file, text).unwrap();
        let mut command = Command::new(binary());
        command
            .arg("-c")
            .arg(&file)
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("the binary runs");
        let events = Arc::new(Mutex::new(Vec::new()));
        let (stdout, seen) = (child.stdout.take().unwrap(), Arc::clone(&events));
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let event = serde_json::from_str(&line).unwrap_or(Value::String(line));
                seen.lock().unwrap().push(event);
            }
        });
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            child,
            events,
            http: nowhere,
            status: nowhere,
            _folder: folder,
        }
    }

    /// The status of `/health`, or nothing when its port is closed.
    #[must_use]
    pub fn health(&self) -> Option<u16> {
        health_at(self.status)
    }

    /// How many ends of pipes it has open.
    #[must_use]
    pub fn pipe_ends(&self) -> usize {
        open_files(self.child.id(), "pipe").len()
    }

    /// Opens a connection to its HTTP port.
    #[must_use]
    pub fn connect(&self) -> Client {
        Client::connect(self.http)
    }

    /// Whether a new connection is refused.
    #[must_use]
    pub fn refuses(&self) -> bool {
        TcpStream::connect(self.http).is_err()
    }

    /// Sends a signal.
    ///
    /// # Panics
    ///
    /// When the process is gone.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.unwrap(), signal).expect("the router is alive");
    }

    /// Waits for the end of the process.
    pub fn exit(&mut self) -> ExitStatus {
        eventually_some("the router exits", || self.child.try_wait().ok().flatten())
    }

    /// The events that it printed so far.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        self.events.lock().unwrap().clone()
    }
}

impl Drop for RouterProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn health_at(address: SocketAddr) -> Option<u16> {
    TcpStream::connect(address).ok()?;
    let mut client = Client::connect(address);
    client.send("GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    client.try_response().ok().map(|answer| answer.status())
}
