//! One body as it arrives, whatever its framing.

use std::io;
use std::task::{Context, Poll, ready};

use super::chunked::{ChunkFault, ChunkReader, Piece};
use super::stream::Stream;
use crate::message::{FieldBlock, Framing};

/// Where a body is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BodyStep {
    /// Data stands ready.
    Data,
    /// The body is complete.
    End,
}

/// Why a body cannot be read to its end.
#[derive(Debug)]
pub enum BodyError {
    /// A chunk that breaks the rules.
    Chunk(ChunkFault),
    /// The connection failed.
    Io(io::Error),
    /// The connection ended before the body did.
    Truncated,
}

/// Reads one body from a [`Stream`].
#[derive(Debug)]
pub struct BodyReader {
    kind: Kind,
    /// Data bytes at the front of the stream's inbox.
    ready: usize,
    trailers: Trailers,
}

/// The trailer section of a body, where there was one.
pub type Trailers = Option<Box<FieldBlock>>;

#[derive(Debug)]
enum Kind {
    Done,
    Length(u64),
    Chunked(ChunkReader),
    UntilClose,
}

impl BodyReader {
    /// A reader for a body of this framing.
    #[must_use]
    pub fn new(framing: Framing) -> Self {
        let kind = match framing {
            Framing::Empty => Kind::Done,
            Framing::Length(length) => Kind::Length(length),
            Framing::Chunked => Kind::Chunked(ChunkReader::default()),
            Framing::UntilClose => Kind::UntilClose,
        };
        Self {
            kind,
            ready: 0,
            trailers: None,
        }
    }

    /// Has the body been read and consumed to its end?
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self.kind, Kind::Done)
    }

    /// Does the stream hold all that is left of a body of known length?
    #[must_use]
    pub fn is_buffered(&self, stream: &Stream) -> bool {
        match self.kind {
            Kind::Done => true,
            Kind::Length(left) => stream.buffered().len() as u64 >= left,
            Kind::Chunked(_) | Kind::UntilClose => false,
        }
    }

    /// Bytes left of a body of known length.
    #[must_use]
    pub fn left(&self) -> Option<u64> {
        match self.kind {
            Kind::Done => Some(0),
            Kind::Length(left) => Some(left),
            Kind::Chunked(_) | Kind::UntilClose => None,
        }
    }

    /// Waits until data stands ready or the body ends.
    ///
    /// # Errors
    ///
    /// Fails when the end can no longer be reached.
    pub fn poll_data(
        &mut self,
        stream: &mut Stream,
        cx: &mut Context<'_>,
    ) -> Poll<Result<BodyStep, BodyError>> {
        loop {
            if self.ready > 0 {
                return Poll::Ready(Ok(BodyStep::Data));
            }
            if self.is_done() {
                return Poll::Ready(Ok(BodyStep::End));
            }
            if !stream.buffered().is_empty() && self.look(stream)? {
                continue;
            }
            if ready!(stream.poll_fill(cx)).map_err(BodyError::Io)? == 0 {
                return Poll::Ready(self.at_end());
            }
        }
    }

    /// Looks at what is buffered; `false` where all of it was framing.
    fn look(&mut self, stream: &mut Stream) -> Result<bool, BodyError> {
        let buffered = stream.buffered();
        match &mut self.kind {
            Kind::Done => {}
            Kind::Length(left) => {
                let left = usize::try_from(*left).unwrap_or(usize::MAX);
                self.ready = left.min(buffered.len());
            }
            Kind::UntilClose => self.ready = buffered.len(),
            Kind::Chunked(reader) => match reader.next(buffered).map_err(BodyError::Chunk)? {
                Piece::Data { skip, len } => {
                    stream.consume(skip);
                    self.ready = len;
                }
                Piece::More => {
                    let all = buffered.len();
                    stream.consume(all);
                    return Ok(false);
                }
                Piece::End { used } => {
                    stream.consume(used);
                    self.trailers = reader.take_trailers();
                    self.kind = Kind::Done;
                }
            },
        }
        Ok(true)
    }

    fn at_end(&mut self) -> Result<BodyStep, BodyError> {
        match self.kind {
            Kind::UntilClose => {
                self.kind = Kind::Done;
                Ok(BodyStep::End)
            }
            Kind::Done => Ok(BodyStep::End),
            Kind::Length(_) | Kind::Chunked(_) => Err(BodyError::Truncated),
        }
    }

    /// The trailer section, once the body has ended; once.
    pub fn take_trailers(&mut self) -> Trailers {
        self.trailers.take()
    }

    /// The data that stands ready.
    #[must_use]
    pub fn data<'s>(&self, stream: &'s Stream) -> &'s [u8] {
        stream.buffered().get(..self.ready).unwrap_or_default()
    }

    /// Consumes from the front of the data.
    pub fn consume(&mut self, stream: &mut Stream, count: usize) {
        let count = count.min(self.ready);
        stream.consume(count);
        self.ready -= count;
        self.passed(count);
    }

    /// Counts bytes of a body of known length which went past the stream's inbox.
    pub fn passed(&mut self, count: usize) {
        match &mut self.kind {
            Kind::Length(left) => {
                *left = left.saturating_sub(count as u64);
                if *left == 0 {
                    self.kind = Kind::Done;
                }
            }
            Kind::Chunked(reader) => reader.took(count),
            Kind::Done | Kind::UntilClose => {}
        }
    }
}
