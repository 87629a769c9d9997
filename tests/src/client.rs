//! A client of raw bytes, whose answers are judged by the oracle.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use crate::endpoint::reset;
use crate::oracle::{Asked, Fault, Message, Oracle};
use crate::wait::DEADLINE;

/// One connection to the router.
#[derive(Debug)]
pub struct Client {
    oracle: Oracle<TcpStream>,
}

impl Client {
    /// Connects.
    ///
    /// # Panics
    ///
    /// When nobody listens there.
    #[must_use]
    pub fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&addr, DEADLINE).expect("the router listens");
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            oracle: Oracle::new(stream),
        }
    }

    /// The client's own address, as the router sees it.
    ///
    /// # Panics
    ///
    /// When the socket is gone.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.stream().local_addr().unwrap()
    }

    /// The socket itself, for what the methods do not offer.
    #[must_use]
    pub fn stream(&self) -> &TcpStream {
        self.oracle.source()
    }

    /// Sends bytes as they are; that the router may have closed shows in its answer.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream().write_all(bytes.as_ref());
    }

    /// Sends a GET for `path` at `host`.
    pub fn get(&mut self, host: &str, path: &str) {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    }

    /// Reads the next response, informational or final.
    ///
    /// # Errors
    ///
    /// The fault of what came instead.
    pub fn try_response(&mut self) -> Result<Message, Fault> {
        self.oracle.response(Asked::Other)
    }

    /// Reads the next response.
    ///
    /// # Panics
    ///
    /// When what comes is not one whole, unambiguous response.
    pub fn response(&mut self) -> Message {
        self.try_response()
            .unwrap_or_else(|fault| panic!("no response: {fault:?}"))
    }

    /// Reads the answer to a HEAD.
    ///
    /// # Panics
    ///
    /// When what comes is not one whole, unambiguous response.
    pub fn response_to_head(&mut self) -> Message {
        let response = self.oracle.response(Asked::Head);
        response.unwrap_or_else(|fault| panic!("no response: {fault:?}"))
    }

    /// Reads the head of the next response and leaves its body.
    ///
    /// # Panics
    ///
    /// When what comes is not an unambiguous head.
    pub fn response_head(&mut self) -> Message {
        let head = self.oracle.response_head(Asked::Other);
        head.unwrap_or_else(|fault| panic!("no response head: {fault:?}"))
    }

    /// Reads the body that a head announced.
    ///
    /// # Errors
    ///
    /// [`Fault::Cut`] when it was cut short.
    pub fn body(&mut self, message: &mut Message) -> Result<(), Fault> {
        self.oracle.body(message)
    }

    /// Reads the next response, which must have this status.
    ///
    /// # Panics
    ///
    /// When it has another.
    pub fn expect_status(&mut self, status: u16) -> Message {
        let response = self.response();
        assert_eq!(response.status(), status, "{response:#?}");
        response
    }

    /// Waits until the router closes, by FIN or by RST, and sees no further byte.
    ///
    /// # Panics
    ///
    /// When bytes come, or the connection stays open.
    pub fn expect_closed(&mut self) {
        let (rest, how) = self.rest();
        assert!(
            how != Err(Fault::Timeout),
            "the router keeps the connection open"
        );
        assert!(
            rest.is_empty(),
            "before the close: {:?}",
            String::from_utf8_lossy(&rest)
        );
    }

    /// Reads exactly `length` bytes, as of a tunnel.
    ///
    /// # Panics
    ///
    /// When the connection ends before.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        self.oracle
            .bytes(length)
            .unwrap_or_else(|fault| panic!("no bytes: {fault:?}"))
    }

    /// Everything up to the end of the connection, and how it ended.
    pub fn rest(&mut self) -> (Vec<u8>, Result<(), Fault>) {
        let mut rest = Vec::new();
        let how = self.oracle.to_end(&mut rest);
        (rest, how)
    }

    /// Takes what is there now, at most a block, without the oracle.
    pub fn sip(&mut self, into: &mut [u8]) -> usize {
        self.stream().read(into).unwrap_or(0)
    }

    /// How many bytes were read from the socket but not yet given out.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.oracle.buffered()
    }

    /// Closes the sending side and keeps reading.
    pub fn half_close(&mut self) {
        let _ = self.stream().shutdown(Shutdown::Write);
    }

    /// Leaves with a reset.
    pub fn reset(self) {
        reset(self.stream());
    }
}
