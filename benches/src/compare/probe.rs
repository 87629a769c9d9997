//! Single requests, outside of every measurement: is it there, is the route there?

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::Context as _;
use benches::head::{self, Body};

/// A connection for one request after the other.
#[derive(Debug)]
pub(crate) struct Probe {
    stream: TcpStream,
}

impl Probe {
    /// Connects.
    pub(crate) fn connect(addr: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect_timeout(&addr, DEADLINE)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream })
    }

    /// One request on a connection of its own; gives the status.
    pub(crate) fn once(addr: SocketAddr, host: &str, path: &str) -> anyhow::Result<u16> {
        Self::connect(addr)?.ask(host, path)
    }

    /// One request; reads the whole answer and gives its status.
    pub(crate) fn ask(&mut self, host: &str, path: &str) -> anyhow::Result<u16> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        self.stream.write_all(request.as_bytes())?;
        let mut bytes = Vec::new();
        loop {
            if let Some(end) = head::end(&bytes) {
                let head = bytes.get(..end).unwrap_or_default();
                let Body::Length(length) = head::framing(head).body else {
                    break;
                };
                if bytes.len() as u64 >= end as u64 + length {
                    break;
                }
            }
            let mut more = [0; 16 * 1024];
            let count = self.stream.read(&mut more)?;
            anyhow::ensure!(count > 0, "closed before the answer was complete");
            bytes.extend_from_slice(more.get(..count).unwrap_or_default());
        }
        head::status(&bytes).context("this is not HTTP/1.1")
    }
}

const DEADLINE: Duration = Duration::from_secs(5);
