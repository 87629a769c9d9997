//! One connection of the generator: requests out, answers in, bodies counted and thrown away.

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Instant;

use crate::chunked::{Chunked, Progress};
use crate::head::{self, After, Body};
use crate::poller::unless_blocked;

/// A connection with the answers that it still owes.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
    stage: Stage,
    due: VecDeque<Instant>,
    unsent_bytes: usize,
    after: After,
    status: u16,
    body_bytes: u64,
}

/// One answer, complete.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answered {
    /// When its request was sent, or should have been.
    pub(super) due: Instant,
    pub(super) status: u16,
    pub(super) body_bytes: u64,
}

#[derive(Debug)]
enum Stage {
    Head,
    Length(u64),
    Chunked(Chunked),
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            unread: Vec::new(),
            stage: Stage::Head,
            due: VecDeque::new(),
            unsent_bytes: 0,
            after: After::Keep,
            status: 0,
            body_bytes: 0,
        }
    }

    /// Requests whose answers are not complete.
    pub(super) fn owed(&self) -> usize {
        self.due.len()
    }

    /// Takes when each of them was due.
    pub(super) fn take_owed(&mut self) -> VecDeque<Instant> {
        std::mem::take(&mut self.due)
    }

    /// Whether the other end said that it would close after an answer.
    pub(super) fn is_closing(&self) -> bool {
        self.after == After::Close
    }

    /// Plans one more request; [`Connection::flush`] sends it.
    pub(super) fn ask(&mut self, request: &[u8], due: Instant) {
        self.due.push_back(due);
        self.unsent_bytes += request.len();
    }

    /// Sends what was planned, as far as the socket takes it. `requests` is the request, repeated.
    pub(super) fn flush(&mut self, request: &[u8], requests: &[u8]) -> io::Result<()> {
        while self.unsent_bytes > 0 {
            // invariant: all requests are alike, so what is unsent is a suffix of the repeated request.
            let offset = (request.len() - self.unsent_bytes % request.len()) % request.len();
            let end = requests.len().min(offset + self.unsent_bytes);
            let bytes = requests.get(offset..end).unwrap_or_default();
            let Some(written) = unless_blocked(self.stream.write(bytes))? else {
                return Ok(());
            };
            self.unsent_bytes -= written;
        }
        Ok(())
    }

    /// Reads until the socket is empty; calls `answered` for each complete answer.
    pub(super) fn receive(
        &mut self,
        scratch: &mut [u8],
        ended: bool,
        answered: &mut impl FnMut(Answered),
    ) -> io::Result<()> {
        loop {
            let Some(count) = unless_blocked(self.stream.read(scratch))? else {
                return Ok(());
            };
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.take(scratch.get(..count).unwrap_or_default(), answered)?;
            if count < scratch.len() && !ended {
                return Ok(());
            }
        }
    }

    fn take(&mut self, bytes: &[u8], answered: &mut impl FnMut(Answered)) -> io::Result<()> {
        if self.unread.is_empty() {
            // perf: the usual answer lies whole in the scratch buffer and is not copied.
            let used = self.parse(bytes, answered)?;
            self.unread
                .extend_from_slice(bytes.get(used..).unwrap_or_default());
            return Ok(());
        }
        let mut unread = std::mem::take(&mut self.unread);
        unread.extend_from_slice(bytes);
        let used = self.parse(&unread, answered)?;
        unread.drain(..used);
        self.unread = unread;
        Ok(())
    }

    /// Goes through bytes as far as they are complete; gives how many were used.
    fn parse(&mut self, bytes: &[u8], answered: &mut impl FnMut(Answered)) -> io::Result<usize> {
        let mut at = 0;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let complete = match &mut self.stage {
                Stage::Head => {
                    let Some(head_bytes) = head::end(rest) else {
                        return Ok(at);
                    };
                    at += head_bytes;
                    self.begin(rest.get(..head_bytes).unwrap_or_default())?;
                    matches!(self.stage, Stage::Length(0))
                }
                Stage::Length(left) => {
                    let here = (*left).min(rest.len() as u64);
                    *left -= here;
                    self.body_bytes += here;
                    at += here as usize;
                    *left == 0
                }
                Stage::Chunked(body) => match body.read(rest) {
                    Progress::Broken => return Err(io::ErrorKind::InvalidData.into()),
                    Progress::Going => return Ok(bytes.len()),
                    Progress::Done(used) => {
                        at += used;
                        self.body_bytes = body.data_bytes();
                        true
                    }
                },
            };
            if complete {
                self.finish(answered)?;
            } else if at == bytes.len() {
                return Ok(at);
            }
        }
    }

    fn begin(&mut self, bytes: &[u8]) -> io::Result<()> {
        let framing = head::framing(bytes);
        self.status = head::status(bytes).ok_or(io::ErrorKind::InvalidData)?;
        self.after = framing.after;
        self.body_bytes = 0;
        self.stage = match framing.body {
            Body::Length(left) => Stage::Length(left),
            Body::Chunked => Stage::Chunked(Chunked::new()),
            // A body up to the end of the connection would hide a cut one; no contestant needs it.
            Body::Unstated => return Err(io::ErrorKind::InvalidData.into()),
        };
        Ok(())
    }

    fn finish(&mut self, answered: &mut impl FnMut(Answered)) -> io::Result<()> {
        self.stage = Stage::Head;
        // An answer that nobody asked for.
        let due = self.due.pop_front().ok_or(io::ErrorKind::InvalidData)?;
        answered(Answered {
            due,
            status: self.status,
            body_bytes: self.body_bytes,
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn pair() -> (Connection, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (Connection::new(client), listener.accept().unwrap().0)
    }

    const ANSWERS: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello\
HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n\
HTTP/1.1 204 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

    #[test]
    fn answers_are_told_in_order_wherever_the_bytes_are_split() {
        for split in 0..ANSWERS.len() {
            let (mut connection, _other) = pair();
            (0..3).for_each(|_| connection.ask(b"x", Instant::now()));
            let mut seen = Vec::new();
            let mut note = |one: Answered| seen.push((one.status, one.body_bytes));
            let (first, second) = ANSWERS.split_at(split);
            connection.take(first, &mut note).unwrap();
            connection.take(second, &mut note).unwrap();
            assert_eq!(seen, [(200, 5), (503, 3), (204, 0)], "split at {split}");
            assert!(connection.is_closing());
        }
    }

    #[test]
    fn an_answer_that_nobody_asked_for_is_an_error() {
        let (mut connection, _other) = pair();
        assert!(connection.take(ANSWERS, &mut |_| {}).is_err());
    }

    #[test]
    fn requests_are_sent_whole_and_repeated() {
        let (mut connection, mut other) = pair();
        (0..3).for_each(|_| connection.ask(b"abcd", Instant::now()));
        connection.unsent_bytes -= 1;
        connection.flush(b"abcd", b"abcdabcd").unwrap();
        drop(connection);
        let mut sent = String::new();
        other.read_to_string(&mut sent).unwrap();
        assert_eq!(sent, "bcdabcdabcd");
    }
}
