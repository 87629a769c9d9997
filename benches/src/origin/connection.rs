//! One client of the origin: request heads in, answers out.

use std::io::{self, IoSlice, Read as _, Write as _};
use std::net::TcpStream;

use super::answer::{Answer, FILLER, Request};
use crate::head::{self, After};
use crate::poller::unless_blocked;

/// A connection and what is half read or half written on it.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
    discard_bytes: u64,
    out: Vec<u8>,
    out_written: usize,
    filler_bytes: u64,
    after: After,
    stage: Stage,
    ended: bool,
}

/// What the server must do about a connection after it was driven.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wish {
    /// Nothing until the socket is ready again.
    Wait,
    /// Call [`Connection::wake`] after the slow answer's time.
    Wake,
    /// Drop it.
    Close,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    Serving,
    Sleeping,
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            unread: Vec::new(),
            discard_bytes: 0,
            out: Vec::new(),
            out_written: 0,
            filler_bytes: 0,
            after: After::Keep,
            stage: Stage::Serving,
            ended: false,
        }
    }

    /// Remembers that the client will send no more.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// Reads and answers until the socket blocks.
    ///
    /// # Errors
    ///
    /// Fails when the socket does; the connection is then of no use.
    pub(super) fn drive(&mut self, scratch: &mut [u8]) -> io::Result<Wish> {
        loop {
            if self.answer_unread()? == Wish::Wake {
                return Ok(Wish::Wake);
            }
            if self.stage == Stage::Sleeping || !self.is_flushed() {
                return Ok(Wish::Wait);
            }
            if self.after == After::Close {
                return Ok(Wish::Close);
            }
            let room = scratch.len();
            match unless_blocked(self.stream.read(scratch))? {
                None => return Ok(Wish::Wait),
                Some(0) => return Ok(Wish::Close),
                Some(count) => {
                    self.take(scratch.get(..count).unwrap_or_default());
                    // perf: a short read has emptied the socket; the next edge will tell of more.
                    if count < room && !self.ended {
                        let wish = self.answer_unread()?;
                        let closing = self.after == After::Close && self.is_flushed();
                        return Ok(if closing { Wish::Close } else { wish });
                    }
                }
            }
        }
    }

    /// Ends the sleep of a slow answer and goes on.
    ///
    /// # Errors
    ///
    /// As [`Connection::drive`].
    pub(super) fn wake(&mut self, scratch: &mut [u8]) -> io::Result<Wish> {
        self.stage = Stage::Serving;
        Answer::Slow.write(self.after, &mut self.out);
        self.drive(scratch)
    }

    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    fn is_flushed(&self) -> bool {
        self.out.is_empty() && self.filler_bytes == 0
    }

    /// Keeps what may be a head, drops what is a body.
    fn take(&mut self, bytes: &[u8]) {
        let body = self.discard_bytes.min(bytes.len() as u64);
        self.discard_bytes -= body;
        self.unread
            .extend_from_slice(bytes.get(body as usize..).unwrap_or_default());
    }

    /// Answers every complete head, in order, as far as the socket takes the answers.
    fn answer_unread(&mut self) -> io::Result<Wish> {
        let mut at = 0;
        let mut wish = Wish::Wait;
        while self.stage == Stage::Serving && self.after == After::Keep && self.filler_bytes == 0 {
            let rest = self.unread.get(at..).unwrap_or_default();
            let Some(head_bytes) = head::end(rest) else {
                break;
            };
            let request = Request::read(rest.get(..head_bytes).unwrap_or_default());
            at += head_bytes;
            let here = request.body_bytes.min((self.unread.len() - at) as u64);
            at += here as usize;
            self.discard_bytes = request.body_bytes - here;
            self.after = request.after;
            if request.answer == Answer::Slow {
                self.stage = Stage::Sleeping;
                wish = Wish::Wake;
                break;
            }
            self.filler_bytes = request.answer.write(request.after, &mut self.out);
            if self.filler_bytes > 0 {
                self.flush()?;
            }
        }
        self.unread.drain(..at);
        self.flush()?;
        Ok(wish)
    }

    fn flush(&mut self) -> io::Result<()> {
        while !self.is_flushed() {
            let out = self.out.get(self.out_written..).unwrap_or_default();
            let filler = BODY
                .len()
                .min(usize::try_from(self.filler_bytes).unwrap_or(usize::MAX));
            let filler = BODY.get(..filler).unwrap_or_default();
            let written = if filler.is_empty() {
                self.stream.write(out)
            } else {
                self.stream
                    .write_vectored(&[IoSlice::new(out), IoSlice::new(filler)])
            };
            let Some(written) = unless_blocked(written)? else {
                return Ok(());
            };
            let of_out = written.min(out.len());
            self.out_written += of_out;
            self.filler_bytes -= (written - of_out) as u64;
            if self.out_written == self.out.len() {
                self.out.clear();
                self.out_written = 0;
            }
        }
        Ok(())
    }
}

static BODY: [u8; 256 * 1024] = [FILLER; 256 * 1024];
