//! The client's side of one exchange, on either wire.

use std::io;
use std::task::{Context, Poll};

use super::h1::{BodyError, BodyStep, Connection, Trailers};
use super::h2::Exchange as H2Exchange;
use crate::buffers::Buffer;
use crate::message::{Draft, FieldBlock, Framing, Marks};

/// What the walk reads a request's body from and writes an answer to.
#[derive(Debug)]
pub enum ClientSide {
    /// HTTP/1: the connection itself; exchanges follow each other on it.
    H1(Connection),
    /// HTTP/2: one stream of a connection.
    H2(Box<H2Exchange>),
}

macro_rules! each {
    ($side:expr, $inner:ident => $call:expr) => {
        match $side {
            ClientSide::H1($inner) => $call,
            ClientSide::H2($inner) => $call,
        }
    };
}

impl ClientSide {
    /// What a draft of an answer must remember for this wire.
    #[must_use]
    pub fn marks(&self) -> Marks {
        match self {
            Self::H1(_) => Marks::Bytes,
            Self::H2(_) => Marks::Fields,
        }
    }

    /// Sends an interim answer.
    ///
    /// # Errors
    ///
    /// Fails when the client is gone.
    pub fn send_informational(&mut self, draft: Draft) -> io::Result<()> {
        match self {
            Self::H1(connection) => {
                connection.stream_mut().put(draft.into_bytes());
                Ok(())
            }
            Self::H2(exchange) => exchange.send_informational(&draft),
        }
    }

    /// Begins the final answer; it leaves with the first bytes of the body.
    ///
    /// # Errors
    ///
    /// Fails when the client is gone.
    pub fn begin(&mut self, draft: Draft, framing: Framing) -> io::Result<()> {
        match self {
            Self::H1(connection) => {
                connection.begin(draft.into_bytes(), framing);
                Ok(())
            }
            Self::H2(exchange) => exchange.begin(&draft, framing),
        }
    }

    /// Waits until body data stands ready or the request's body ends.
    ///
    /// # Errors
    ///
    /// Fails when the body's end can no longer be reached.
    pub fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<BodyStep, BodyError>> {
        each!(self, side => side.poll_data(cx))
    }

    /// The body data that stands ready.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        each!(self, side => side.data())
    }

    /// Consumes from its front.
    pub fn consume(&mut self, count: usize) {
        each!(self, side => side.consume(count));
    }

    /// The request's trailers; once.
    pub fn take_trailers(&mut self) -> Trailers {
        each!(self, side => side.take_trailers())
    }

    /// Takes the request's body whole, where all of it has arrived, so that it can be sent again.
    pub fn take_buffered_body(&mut self) -> Option<Buffer> {
        match self {
            Self::H1(connection) => connection.take_buffered_body(),
            Self::H2(_) => None,
        }
    }

    /// The connection, where it carries one exchange at a time.
    pub fn h1(&mut self) -> Option<&mut Connection> {
        match self {
            Self::H1(connection) => Some(connection),
            Self::H2(_) => None,
        }
    }

    /// Has the request's body been read to its end?
    #[must_use]
    pub fn has_whole_request(&self) -> bool {
        match self {
            Self::H1(connection) => connection.reader().is_done(),
            Self::H2(exchange) => exchange.has_whole_request(),
        }
    }

    /// Sends from the front of `data` and says how much.
    ///
    /// # Errors
    ///
    /// Fails when the client is gone.
    pub fn poll_send(&mut self, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        each!(self, side => side.poll_send(cx, data))
    }

    /// Ends the answer.
    ///
    /// # Errors
    ///
    /// Fails when the client is gone.
    pub fn poll_finish(
        &mut self,
        cx: &mut Context<'_>,
        trailers: Option<&FieldBlock>,
    ) -> Poll<io::Result<()>> {
        each!(self, side => side.poll_finish(cx, trailers))
    }

    /// Sends what waits.
    ///
    /// # Errors
    ///
    /// Fails when the client is gone.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, side => side.poll_flush(cx))
    }

    /// Waits until the client is gone: reset, or (as gorouter sees it) at its end of sending.
    /// Only to be asked once the request's body is complete.
    pub fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        each!(self, side => side.poll_gone(cx))
    }
}
