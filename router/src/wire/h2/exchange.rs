//! One stream of an HTTP/2 connection, from our side.

use std::io;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h2::{Reason, RecvStream, SendStream, server::SendResponse};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use crate::buffers::{Buffer, Class};
use crate::message::{Draft, Field, FieldBlock, FieldName, Framing, Span, take_list};
use crate::wire::h1::{BodyError, BodyStep, Trailers};

/// One stream: the request's body comes in, the answer goes out.
pub struct Exchange {
    request: RecvStream,
    chunk: Bytes,
    request_ended: bool,
    trailers: Trailers,
    respond: SendResponse<Bytes>,
    answer: Answer,
}

enum Answer {
    Awaited,
    Body(SendStream<Bytes>),
    Ended,
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange")
            .field("stream", &self.respond.stream_id())
            .finish_non_exhaustive()
    }
}

impl Exchange {
    /// An exchange on a stream that the crate has accepted.
    #[must_use]
    pub fn new(request: RecvStream, respond: SendResponse<Bytes>) -> Self {
        let request_ended = request.is_end_stream();
        Self {
            request,
            chunk: Bytes::new(),
            request_ended,
            trailers: None,
            respond,
            answer: Answer::Awaited,
        }
    }

    /// Has the request's body been read to its end?
    #[must_use]
    pub fn has_whole_request(&self) -> bool {
        self.request_ended
    }

    /// Waits until body data stands ready or the body ends.
    ///
    /// # Errors
    ///
    /// Fails when the client resets the stream or breaks the protocol.
    pub fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<BodyStep, BodyError>> {
        while self.chunk.is_empty() && !self.request_ended {
            match ready!(self.request.poll_data(cx)) {
                Some(Ok(chunk)) => self.chunk = chunk,
                Some(Err(error)) => return Poll::Ready(Err(body_error(error))),
                None => {
                    let trailers = ready!(self.request.poll_trailers(cx)).map_err(body_error)?;
                    self.trailers = trailers.and_then(|map| block_of(&map)).map(Box::new);
                    self.request_ended = true;
                }
            }
        }
        Poll::Ready(Ok(if self.chunk.is_empty() {
            BodyStep::End
        } else {
            BodyStep::Data
        }))
    }

    /// The body data that stands ready.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.chunk
    }

    /// Consumes from its front; the client may then send as much again.
    pub fn consume(&mut self, count: usize) {
        let count = count.min(self.chunk.len());
        self.chunk.advance(count);
        // It fails only on a stream that is gone, which the next read tells.
        let _gone = self.request.flow_control().release_capacity(count);
    }

    /// The request's trailers; once.
    pub fn take_trailers(&mut self) -> Trailers {
        self.trailers.take()
    }

    /// Sends an interim answer.
    ///
    /// # Errors
    ///
    /// Fails when the stream is gone.
    pub fn send_informational(&mut self, draft: &Draft) -> io::Result<()> {
        let mut response = Response::new(());
        *response.status_mut() = status_of(draft)?;
        *response.headers_mut() = headers_of(draft);
        self.respond.send_informational(response).map_err(io_error)
    }

    /// Begins the final answer.
    ///
    /// # Errors
    ///
    /// Fails when the stream is gone.
    pub fn begin(&mut self, draft: &Draft, framing: Framing) -> io::Result<()> {
        let mut response = Response::new(());
        *response.status_mut() = status_of(draft)?;
        *response.headers_mut() = headers_of(draft);
        let stream = self
            .respond
            .send_response(response, framing.is_empty())
            .map_err(io_error)?;
        self.answer = if framing.is_empty() {
            Answer::Ended
        } else {
            Answer::Body(stream)
        };
        Ok(())
    }

    /// Sends from the front of `data`, as much as flow control allows.
    ///
    /// # Errors
    ///
    /// Fails when the stream is gone.
    pub fn poll_send(&mut self, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let Answer::Body(stream) = &mut self.answer else {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        };
        stream.reserve_capacity(data.len());
        loop {
            let allowed = match stream.capacity() {
                0 => ready!(stream.poll_capacity(cx))
                    .ok_or(io::ErrorKind::BrokenPipe)?
                    .map_err(io_error)?,
                allowed => allowed,
            };
            let part = data.get(..allowed.min(data.len())).unwrap_or_default();
            if !part.is_empty() {
                stream
                    .send_data(Bytes::copy_from_slice(part), false)
                    .map_err(io_error)?;
                return Poll::Ready(Ok(part.len()));
            }
        }
    }

    /// Ends the answer, with trailers where there are some.
    ///
    /// # Errors
    ///
    /// Fails when the stream is gone.
    pub fn poll_finish(
        &mut self,
        _cx: &mut Context<'_>,
        trailers: Option<&FieldBlock>,
    ) -> Poll<io::Result<()>> {
        let Answer::Body(mut stream) = std::mem::replace(&mut self.answer, Answer::Ended) else {
            return Poll::Ready(Ok(()));
        };
        let ended = match trailers.map(trailers_of).filter(|map| !map.is_empty()) {
            Some(map) => stream.send_trailers(map),
            None => stream.send_data(Bytes::new(), true),
        };
        Poll::Ready(ended.map_err(io_error))
    }

    /// Nothing waits here: the connection's own task writes.
    ///
    /// # Errors
    ///
    /// Never.
    pub fn poll_flush(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Waits until the client resets the stream, or the connection fails.
    pub fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.answer {
            Answer::Awaited => self.respond.poll_reset(cx).map(drop),
            Answer::Body(stream) => stream.poll_reset(cx).map(drop),
            Answer::Ended => Poll::Pending,
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        // An answer that was not brought to its end is cut visibly, never completed.
        match &mut self.answer {
            Answer::Awaited => self.respond.send_reset(Reason::INTERNAL_ERROR),
            Answer::Body(stream) => stream.send_reset(Reason::INTERNAL_ERROR),
            // RFC 9113 8.1: the answer is complete, the rest of the request is not wanted.
            Answer::Ended if !self.request_ended => self.respond.send_reset(Reason::NO_ERROR),
            Answer::Ended => {}
        }
    }
}

fn status_of(draft: &Draft) -> io::Result<StatusCode> {
    StatusCode::from_u16(draft.status()).map_err(|_invalid| io::ErrorKind::InvalidData.into())
}

/// The draft's fields without those that RFC 9113 8.2.2 forbids.
fn headers_of(draft: &Draft) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in draft.marked() {
        if FieldName::recognise(name).is_hop_by_hop() {
            continue;
        }
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
        {
            headers.append(name, value);
        }
    }
    headers
}

fn trailers_of(block: &FieldBlock) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (known, name, value) in block.iter() {
        if known.is_forbidden_in_trailer() {
            continue;
        }
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
        {
            headers.append(name, value);
        }
    }
    headers
}

/// A trailer section as a block; `None` where it does not fit.
fn block_of(map: &HeaderMap) -> Option<FieldBlock> {
    let mut bytes = Buffer::checkout(Class::Head);
    let mut fields = take_list();
    for (name, value) in map {
        let (name, value) = (name.as_str().as_bytes(), value.as_bytes());
        let start = bytes.len();
        bytes.append_all(&[name, b": ", value, b"\r\n"]).ok()?;
        fields.push(Field {
            name: FieldName::recognise(name),
            spelling: Span::new(start, name.len()),
            value: Span::new(start + name.len() + 2, value.len()),
        });
    }
    Some(FieldBlock::new(bytes, fields))
}

fn body_error(error: h2::Error) -> BodyError {
    BodyError::Io(io_error(error))
}

fn io_error(error: h2::Error) -> io::Error {
    error
        .into_io()
        .unwrap_or_else(|| io::ErrorKind::ConnectionReset.into())
}
