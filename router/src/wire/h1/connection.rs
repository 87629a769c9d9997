//! One HTTP/1 connection, client's or endpoint's: heads and bodies in turn.

use std::io;
use std::task::{Context, Poll, ready};

use super::body_reader::{BodyError, BodyReader, BodyStep, Trailers};
use super::body_writer::BodyWriter;
use super::parse::{HeadFault, request_head, response_head};
use super::scan::HeadScan;
use super::stream::Stream;
use crate::buffers::{Buffer, Class};
use crate::message::{FieldBlock, Framing, RequestHead, ResponseHead};
use crate::wire::Socket;

/// Limits of a head.
#[derive(Clone, Copy, Debug)]
pub struct HeadLimits {
    /// Bytes of a head, start line and empty line included.
    pub max_bytes: usize,
}

/// Why no head came.
#[derive(Debug)]
pub enum HeadError {
    /// The other end closed before the first byte of a head: the usual end of a connection.
    Closed,
    /// The head is refused.
    Fault(HeadFault),
    /// The connection failed.
    Io(io::Error),
    /// The other end closed within a head.
    Truncated,
}

/// One HTTP/1 connection.
#[derive(Debug)]
pub struct Connection {
    stream: Stream,
    scan: HeadScan,
    reader: BodyReader,
    writer: BodyWriter,
}

impl Connection {
    /// A connection on which nothing was said yet. `smallest` is the class of buffer to begin
    /// reading with.
    #[must_use]
    pub fn new(socket: Socket, smallest: Class) -> Self {
        Self {
            stream: Stream::new(socket, smallest),
            scan: HeadScan::default(),
            reader: BodyReader::new(Framing::Empty),
            writer: BodyWriter::new(Framing::Empty),
        }
    }

    /// The socket and its boxes.
    #[must_use]
    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// The socket and its boxes, to be used directly: tunnels, closing.
    pub fn stream_mut(&mut self) -> &mut Stream {
        &mut self.stream
    }

    /// Gives up the connection for its socket and what was read ahead.
    #[must_use]
    pub fn into_parts(self) -> (Socket, Option<Buffer>) {
        self.stream.into_parts()
    }

    /// Waits for the first byte of the next message, holding no buffer.
    pub fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.rest();
        self.stream.poll_readable(cx)
    }

    /// Waits for a whole head and takes it.
    fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        limits: HeadLimits,
    ) -> Poll<Result<Buffer, HeadError>> {
        loop {
            let buffered = self.stream.buffered();
            if !buffered.is_empty() {
                match self.scan.advance(buffered).map_err(HeadError::Fault)? {
                    Some(end) if end <= limits.max_bytes => {
                        self.scan = HeadScan::default();
                        let head = self.stream.split_front(end).ok_or(HeadError::Truncated)?;
                        return Poll::Ready(Ok(head));
                    }
                    None if buffered.len() <= limits.max_bytes => {}
                    Some(_) | None => {
                        return Poll::Ready(Err(HeadError::Fault(HeadFault::TooLarge)));
                    }
                }
            }
            let begun = !buffered.is_empty();
            match ready!(self.stream.poll_fill(cx)) {
                Ok(0) if begun => return Poll::Ready(Err(HeadError::Truncated)),
                Ok(0) => return Poll::Ready(Err(HeadError::Closed)),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Err(HeadError::Io(error))),
            }
        }
    }

    /// Waits for a request. Empty lines in front of it are skipped (RFC 9112 2.2), at most four.
    ///
    /// # Errors
    ///
    /// Fails when the connection ends, or the request must be refused.
    pub fn poll_request(
        &mut self,
        cx: &mut Context<'_>,
        limits: HeadLimits,
    ) -> Poll<Result<RequestHead, HeadError>> {
        let mut skipped = 0;
        while self.scan.is_fresh() && skipped < 4 && self.stream.buffered().starts_with(b"\r\n") {
            self.stream.consume(2);
            skipped += 1;
        }
        let first = self.stream.buffered().first().copied();
        if first.is_some_and(|byte| byte != b'\r' && !byte.is_ascii_graphic()) {
            // A TLS handshake or worse on a port for plain HTTP: no need to wait for its end.
            return Poll::Ready(Err(HeadError::Fault(HeadFault::Malformed)));
        }
        let head = ready!(self.poll_head(cx, limits))?;
        let head = request_head(head).map_err(HeadError::Fault)?;
        self.reader = BodyReader::new(head.framing());
        Poll::Ready(Ok(head))
    }

    /// Waits for an answer's head. `bodiless`: it answers a `HEAD`.
    ///
    /// # Errors
    ///
    /// Fails when the connection ends, or the answer must become a 502.
    pub fn poll_response(
        &mut self,
        cx: &mut Context<'_>,
        limits: HeadLimits,
        bodiless: bool,
    ) -> Poll<Result<ResponseHead, HeadError>> {
        let head = ready!(self.poll_head(cx, limits))?;
        let head = response_head(head, bodiless).map_err(HeadError::Fault)?;
        self.reader = BodyReader::new(head.framing());
        Poll::Ready(Ok(head))
    }

    /// Begins a message: `head` leaves with the first bytes of the body, or with the next flush.
    pub fn begin(&mut self, head: Buffer, framing: Framing) {
        self.writer = BodyWriter::new(framing);
        self.stream.put(head);
    }

    /// See [`BodyReader::poll_data`].
    ///
    /// # Errors
    ///
    /// Fails when the body's end can no longer be reached.
    pub fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<BodyStep, BodyError>> {
        self.reader.poll_data(&mut self.stream, cx)
    }

    /// The data that stands ready.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        self.reader.data(&self.stream)
    }

    /// Consumes from the front of the data.
    pub fn consume(&mut self, count: usize) {
        self.reader.consume(&mut self.stream, count);
    }

    /// The body that is being read.
    #[must_use]
    pub fn reader(&self) -> &BodyReader {
        &self.reader
    }

    /// The trailers of the body that was read; once.
    pub fn take_trailers(&mut self) -> Trailers {
        self.reader.take_trailers()
    }

    /// Takes a body of known length whole, where all of it has arrived and it is not longer than
    /// the smaller buffers, so that it can be sent again.
    pub fn take_buffered_body(&mut self) -> Option<Buffer> {
        let left = usize::try_from(self.reader.left()?).ok()?;
        if left == 0 || left > Class::Medium.bytes() || !self.reader.is_buffered(&self.stream) {
            return None;
        }
        let body = self.stream.split_front(left)?;
        self.reader = BodyReader::new(Framing::Empty);
        Some(body)
    }

    /// See [`BodyWriter::poll_send`].
    ///
    /// # Errors
    ///
    /// Fails when the connection does.
    pub fn poll_send(&mut self, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.writer.poll_send(&mut self.stream, cx, data)
    }

    /// See [`BodyWriter::poll_finish`].
    ///
    /// # Errors
    ///
    /// Fails when the connection does.
    pub fn poll_finish(
        &mut self,
        cx: &mut Context<'_>,
        trailers: Option<&FieldBlock>,
    ) -> Poll<io::Result<()>> {
        self.writer.poll_finish(&mut self.stream, cx, trailers)
    }

    /// Writes what waits.
    ///
    /// # Errors
    ///
    /// Fails when the connection does.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_flush(cx)
    }

    /// Counts bytes of the body that is being read which did not pass through the inbox.
    pub fn passed_in(&mut self, count: usize) {
        self.reader.passed(count);
    }

    /// Counts bytes of the body that is being written which did not come through here.
    ///
    /// # Errors
    ///
    /// Fails when more came than was promised.
    pub fn passed_out(&mut self, count: usize) -> io::Result<()> {
        self.writer.passed(count)
    }

    /// Waits until the other end closes or fails. A request that it sends meanwhile stays in the
    /// inbox, and then there is nothing to wait for.
    pub fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.stream.has_ended() {
            return Poll::Ready(());
        }
        if !self.stream.buffered().is_empty() || self.stream.socket().poll_readable(cx).is_pending()
        {
            return Poll::Pending;
        }
        match ready!(self.stream.poll_fill(cx)) {
            Ok(0) | Err(_) => Poll::Ready(()),
            Ok(_) => Poll::Pending,
        }
    }

    /// Does the body that is being written end with the connection?
    #[must_use]
    pub fn writes_until_close(&self) -> bool {
        self.writer.is_until_close()
    }

    /// Are both bodies complete and nothing of a next message there, so that another request may
    /// be sent?
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.reader.is_done()
            && self.writer.is_done()
            && self.stream.buffered().is_empty()
            && !self.stream.has_outbox()
            && !self.stream.has_ended()
    }
}
