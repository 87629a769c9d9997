//! A conversation in the NATS protocol, byte by byte.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::wait::soon;

/// A raw connection that says and expects exact bytes.
pub(crate) struct Conversation {
    stream: TcpStream,
    arrived: Vec<u8>,
    name: &'static str,
}

impl Conversation {
    /// Connects and reads the INFO line, which it gives back.
    pub(crate) async fn open(name: &'static str, addr: SocketAddr) -> (Self, serde_json::Value) {
        let stream = soon("a connection", TcpStream::connect(addr))
            .await
            .unwrap();
        // A small line must not wait until the large one before it is acknowledged.
        stream.set_nodelay(true).unwrap();
        let mut conversation = Self {
            stream,
            arrived: Vec::new(),
            name,
        };
        let line = conversation.line().await.expect("a server says INFO first");
        let json = line
            .strip_prefix("INFO ")
            .expect("a server says INFO first");
        (conversation, serde_json::from_str(json).unwrap())
    }

    /// Connects with CONNECT options, and sees them accepted.
    pub(crate) async fn with(name: &'static str, addr: SocketAddr, connect: &str) -> Self {
        let (mut conversation, _info) = Self::open(name, addr).await;
        conversation.send(&format!("CONNECT {connect}\r\n")).await;
        conversation.sync().await;
        conversation
    }

    /// Connects as a quiet client with headers.
    pub(crate) async fn quiet(name: &'static str, addr: SocketAddr) -> Self {
        Self::with(name, addr, QUIET).await
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.send_bytes(text.as_bytes()).await;
    }

    /// Sends, even to a server that has hung up already.
    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        let _hung_up = soon("a write", self.stream.write_all(bytes)).await;
    }

    /// Expects these lines, in this order.
    pub(crate) async fn expect(&mut self, lines: &[&str]) {
        for expected in lines {
            let line = self.line().await;
            assert_eq!(line.as_deref(), Some(*expected), "from {}", self.name);
        }
    }

    /// Waits until the server has carried out everything said so far, and expects it silent on that.
    pub(crate) async fn sync(&mut self) {
        self.send("PING\r\n").await;
        loop {
            match self.line().await.as_deref() {
                Some("PONG") => return,
                Some("+OK") => {}
                other => panic!("{} says {other:?} where PONG was expected", self.name),
            }
        }
    }

    /// Counts the lines `counted` until the line `last`, whatever else comes in between.
    pub(crate) async fn count_until(&mut self, last: &str, counted: &str) -> usize {
        let mut count = 0;
        loop {
            let line = self.line().await.expect("the last line comes");
            count += usize::from(line == counted);
            if line == last {
                return count;
            }
        }
    }

    /// Expects the server to hang up without another word.
    pub(crate) async fn expect_end(&mut self) {
        assert_eq!(self.line().await, None, "from {}", self.name);
    }

    /// The next line, or `None` at the end. The server's own pings are answered and passed over.
    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.arrived.windows(2).position(|pair| pair == b"\r\n") {
                let line = String::from_utf8(self.arrived.drain(..end + 2).collect()).unwrap();
                if line == "PING\r\n" {
                    self.send("PONG\r\n").await;
                    continue;
                }
                return Some(line.trim_end().to_owned());
            }
            // A reset is how a server ends that did not read all.
            let read = soon("a line", self.stream.read_buf(&mut self.arrived))
                .await
                .unwrap_or(0);
            if read == 0 {
                assert_eq!(self.arrived, b"", "half a line from {}", self.name);
                return None;
            }
        }
    }
}

/// Options of a client that wants headers and no confirmations.
pub(crate) const QUIET: &str =
    r#"{"verbose":false,"pedantic":false,"headers":true,"no_responders":true}"#;
