//! A socket with the bytes that were read and not yet consumed, and those not yet written.

use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};

use crate::buffers::{Buffer, Class};
use crate::wire::Socket;

/// A socket and its two boxes. An idle one holds no buffer.
#[derive(Debug)]
pub struct Stream {
    socket: Socket,
    inbox: Option<Buffer>,
    outbox: Option<Buffer>,
    /// The class for the next buffer to read into: grows while reads fill it.
    class: Class,
    smallest: Class,
    ended: bool,
}

impl Stream {
    /// A stream that begins to read into buffers of class `smallest`.
    #[must_use]
    pub fn new(socket: Socket, smallest: Class) -> Self {
        Self {
            socket,
            inbox: None,
            outbox: None,
            class: smallest,
            smallest,
            ended: false,
        }
    }

    /// The socket.
    #[must_use]
    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Gives the socket up, with what was read from it and not consumed.
    #[must_use]
    pub fn into_parts(self) -> (Socket, Option<Buffer>) {
        (self.socket, self.inbox)
    }

    /// What was read and not consumed.
    #[must_use]
    pub fn buffered(&self) -> &[u8] {
        self.inbox.as_ref().map_or(&[], Buffer::filled)
    }

    /// Has the other end said that it sends nothing more?
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Consumes from the front of what was read.
    pub fn consume(&mut self, count: usize) {
        if let Some(inbox) = &mut self.inbox {
            inbox.consume(count);
            if inbox.is_empty() {
                self.inbox = None;
            }
        }
    }

    /// Takes the first `count` bytes that were read, in a buffer that holds nothing else.
    pub fn split_front(&mut self, count: usize) -> Option<Buffer> {
        let mut front = self.inbox.take()?;
        let rest = front.filled().get(count..).unwrap_or_default();
        if !rest.is_empty() {
            // perf: only what came behind a head is copied, and only as far as it came with it.
            let mut behind = Buffer::checkout(Class::holding(rest.len()).unwrap_or(Class::Huge));
            if behind.append(rest).is_ok() {
                self.inbox = Some(behind);
            }
            front.truncate(count);
        }
        Some(front)
    }

    /// Reads once, behind what is there. `Ok(0)` is the end, or a full box that may not grow
    /// beyond the largest class.
    pub fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut inbox = self
            .inbox
            .take()
            .unwrap_or_else(|| Buffer::checkout(self.class));
        if inbox.is_full() && inbox.make_room(1).is_err() {
            self.inbox = Some(inbox);
            return Poll::Ready(Ok(0));
        }
        let polled = self.socket.poll_read(cx, inbox.spare());
        match &polled {
            Poll::Ready(Ok(0)) => self.ended = true,
            Poll::Ready(Ok(count)) => {
                inbox.fill(*count);
                if inbox.is_full() && self.class < Class::Large {
                    self.class = self.class.larger();
                }
            }
            Poll::Ready(Err(_)) | Poll::Pending => {}
        }
        if !inbox.is_empty() {
            self.inbox = Some(inbox);
        }
        polled
    }

    /// Waits for bytes, or the end, while holding no buffer.
    pub fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.ended || self.inbox.is_some() {
            return Poll::Ready(Ok(()));
        }
        self.socket.poll_readable(cx)
    }

    /// Did what came last fill buffers of every size but the largest?
    #[must_use]
    pub fn reads_in_bulk(&self) -> bool {
        self.class >= Class::Large
    }

    /// Goes back to small buffers, between two messages.
    pub fn rest(&mut self) {
        self.class = self.smallest;
    }

    /// The box of bytes that leave before all others.
    pub fn outbox(&mut self) -> &mut Buffer {
        self.outbox
            .get_or_insert_with(|| Buffer::checkout(Class::Head))
    }

    /// Puts a buffer in front of what is written next.
    pub fn put(&mut self, bytes: Buffer) {
        match &mut self.outbox {
            Some(outbox) if !outbox.is_empty() => {
                // invariant: what waits here and what is put are a head's worth each, far below
                // the largest class.
                let _fits = outbox.append(bytes.filled());
            }
            _ => self.outbox = Some(bytes),
        }
    }

    /// Is anything waiting in the outbox?
    #[must_use]
    pub fn has_outbox(&self) -> bool {
        self.outbox
            .as_ref()
            .is_some_and(|outbox| !outbox.is_empty())
    }

    /// Bytes that the outbox still takes without growing.
    #[must_use]
    pub fn outbox_room(&mut self) -> usize {
        self.outbox().spare().len()
    }

    /// Writes the outbox until it is empty.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(outbox) = &mut self.outbox {
            if outbox.is_empty() {
                self.outbox = None;
                break;
            }
            let written = ready!(self.socket.poll_write(cx, outbox.filled()))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            outbox.consume(written);
        }
        self.socket.poll_flush(cx)
    }

    /// Writes the outbox and `data` behind it, and `tail` behind that, in one call; says how many
    /// bytes of `data` and `tail` went out.
    pub fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        data: &[u8],
        tail: &[u8],
    ) -> Poll<io::Result<usize>> {
        let front = self.outbox.as_ref().map_or(&[][..], Buffer::filled);
        let written = if front.is_empty() && tail.is_empty() {
            ready!(self.socket.poll_write(cx, data))?
        } else {
            let slices = [IoSlice::new(front), IoSlice::new(data), IoSlice::new(tail)];
            ready!(self.socket.poll_write_slices(cx, &slices))?
        };
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        let from_front = written.min(front.len());
        if let Some(outbox) = &mut self.outbox {
            outbox.consume(from_front);
            if outbox.is_empty() {
                self.outbox = None;
            }
        }
        Poll::Ready(Ok(written - from_front))
    }

    /// Says that nothing more will be written.
    pub fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_flush(cx))?;
        self.socket.poll_shutdown(cx)
    }
}
