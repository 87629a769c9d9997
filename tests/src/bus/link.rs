//! One connection to the bus, in NATS's text protocol.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::wait::DEADLINE;

/// Messages of one subject, in order.
#[derive(Debug)]
pub struct Subscription {
    pub(super) link: Link,
}

impl Subscription {
    /// Waits for the next message and gives its payload.
    pub fn message(&mut self) -> Vec<u8> {
        self.link.message()
    }
}

/// One connection in NATS's text protocol.
#[derive(Debug)]
pub(super) struct Link {
    reader: BufReader<TcpStream>,
}

impl Link {
    pub(super) fn open(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&addr, DEADLINE).expect("the bus listens");
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        // A small line must not wait until the one before it is acknowledged.
        stream.set_nodelay(true).unwrap();
        let mut link = Self {
            reader: BufReader::new(stream),
        };
        link.write(b"CONNECT {\"verbose\":false}\r\n");
        link
    }

    pub(super) fn write(&mut self, bytes: &[u8]) {
        self.reader
            .get_mut()
            .write_all(bytes)
            .expect("the bus reads");
    }

    pub(super) fn publish(&mut self, subject: &str, reply: &str, payload: &[u8]) {
        let mut bytes = format!("PUB {subject} {reply} {}\r\n", payload.len()).into_bytes();
        bytes.extend_from_slice(payload);
        bytes.extend_from_slice(b"\r\n");
        self.write(&bytes);
    }

    pub(super) fn flush(&mut self) {
        self.write(b"PING\r\n");
        while self.line() != "PONG" {}
    }

    pub(super) fn message(&mut self) -> Vec<u8> {
        loop {
            let line = self.line();
            if let Some(about) = line.strip_prefix("MSG ") {
                let length = about
                    .rsplit(' ')
                    .next()
                    .and_then(|n| n.parse::<usize>().ok());
                let mut payload = vec![0; length.expect("a length") + 2];
                self.reader.read_exact(&mut payload).expect("a payload");
                payload.truncate(payload.len() - 2);
                return payload;
            }
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self
            .reader
            .read_line(&mut line)
            .expect("a line from the bus");
        assert!(
            read > 0 && !line.starts_with("-ERR"),
            "the bus says {line:?}"
        );
        if line.starts_with("PING") {
            self.write(b"PONG\r\n");
        }
        line.trim_end().to_owned()
    }
}
