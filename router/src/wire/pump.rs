//! Moves one body from a source to a sink, as fast as both go and no faster.

use std::io;
use std::num::NonZeroUsize;
use std::task::{Context, Poll, ready};

use super::bulk::{self, Bulk};
use super::client_side::ClientSide;
use super::h1::{BodyError, BodyStep, Connection, Trailers};
use crate::core::Splice;
use crate::message::{FieldBlock, Framing};

/// Where a body comes from.
pub trait BodySource {
    /// Waits until data stands ready or the body ends.
    ///
    /// # Errors
    ///
    /// Fails when the body's end can no longer be reached.
    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<BodyStep, BodyError>>;
    /// The data that stands ready.
    fn data(&self) -> &[u8];
    /// Consumes from its front.
    fn consume(&mut self, count: usize);
    /// The trailers, once the body has ended; once.
    fn take_trailers(&mut self) -> Trailers;
    /// The connection, where the body is all that is read from it now.
    fn h1(&mut self) -> Option<&mut Connection>;
}

/// Where a body goes.
pub trait BodySink {
    /// Takes from the front of `data` and says how much.
    ///
    /// # Errors
    ///
    /// Fails when the other end is gone.
    fn poll_send(&mut self, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>>;
    /// Ends the body and flushes.
    ///
    /// # Errors
    ///
    /// Fails when the other end is gone.
    fn poll_finish(
        &mut self,
        cx: &mut Context<'_>,
        trailers: Option<&FieldBlock>,
    ) -> Poll<io::Result<()>>;
    /// Sends what was taken.
    ///
    /// # Errors
    ///
    /// Fails when the other end is gone.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
    /// The connection, where the body is all that is written to it now.
    fn h1(&mut self) -> Option<&mut Connection>;
}

/// Which end of a pump failed.
#[derive(Debug)]
pub enum PumpError {
    /// The sink: nobody takes the body any more.
    Sink(io::Error),
    /// The source: the body will not be complete.
    Source(BodyError),
}

/// One body on its way.
#[derive(Debug, Default)]
pub struct Pump {
    stage: Stage,
    moved: u64,
}

#[derive(Debug, Default)]
enum Stage {
    #[default]
    Moving,
    /// As moving, but inside the kernel as far as that goes.
    Splicing(Splice),
    Finishing(Trailers),
    Done,
}

impl Pump {
    /// A pump for a body of this framing. One of known length, `splice_from` bytes or more, moves
    /// inside the kernel where both ends are sockets in the clear.
    #[must_use]
    pub fn new(framing: Framing, splice_from: Option<NonZeroUsize>) -> Self {
        let stage = match (framing, splice_from) {
            (Framing::Length(length), Some(from)) if length >= from.get() as u64 => {
                Stage::Splicing(Splice::default())
            }
            _ => Stage::Moving,
        };
        Self { stage, moved: 0 }
    }

    /// Body bytes moved so far.
    #[must_use]
    pub fn moved(&self) -> u64 {
        self.moved
    }

    /// Has the whole body arrived and been sent?
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }

    /// Moves until one end must be waited for. Nothing is read before what was read is taken: a
    /// slow sink slows its source.
    ///
    /// # Errors
    ///
    /// Fails when one end does.
    pub fn poll<S: BodySource, T: BodySink>(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut S,
        sink: &mut T,
    ) -> Poll<Result<(), PumpError>> {
        loop {
            match &mut self.stage {
                Stage::Done => return Poll::Ready(Ok(())),
                Stage::Finishing(trailers) => {
                    ready!(sink.poll_finish(cx, trailers.as_deref())).map_err(PumpError::Sink)?;
                    self.stage = Stage::Done;
                }
                Stage::Splicing(splice) => {
                    let bulk = match (source.h1(), sink.h1()) {
                        (Some(from), Some(to)) => {
                            ready!(bulk::poll(splice, cx, (from, to), &mut self.moved))?
                        }
                        _ => Bulk::Unfit,
                    };
                    self.stage = match bulk {
                        Bulk::Complete => Stage::Finishing(None),
                        Bulk::Unfit => Stage::Moving,
                    };
                }
                Stage::Moving => match source.poll_data(cx) {
                    Poll::Ready(Ok(BodyStep::Data)) => {
                        let taken =
                            ready!(sink.poll_send(cx, source.data())).map_err(PumpError::Sink)?;
                        source.consume(taken);
                        self.moved += taken as u64;
                    }
                    Poll::Ready(Ok(BodyStep::End)) => {
                        self.stage = Stage::Finishing(source.take_trailers())
                    }
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(PumpError::Source(error))),
                    Poll::Pending => {
                        ready!(sink.poll_flush(cx)).map_err(PumpError::Sink)?;
                        return Poll::Pending;
                    }
                },
            }
        }
    }
}

macro_rules! body_ends {
    ($end:ty, $h1:expr) => {
        impl BodySource for $end {
            fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<BodyStep, BodyError>> {
                Self::poll_data(self, cx)
            }
            fn data(&self) -> &[u8] {
                Self::data(self)
            }
            fn consume(&mut self, count: usize) {
                Self::consume(self, count);
            }
            fn take_trailers(&mut self) -> Trailers {
                Self::take_trailers(self)
            }
            fn h1(&mut self) -> Option<&mut Connection> {
                $h1(self)
            }
        }

        impl BodySink for $end {
            fn poll_send(&mut self, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
                Self::poll_send(self, cx, data)
            }
            fn poll_finish(
                &mut self,
                cx: &mut Context<'_>,
                trailers: Option<&FieldBlock>,
            ) -> Poll<io::Result<()>> {
                Self::poll_finish(self, cx, trailers)
            }
            fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                Self::poll_flush(self, cx)
            }
            fn h1(&mut self) -> Option<&mut Connection> {
                $h1(self)
            }
        }
    };
}

body_ends!(Connection, Some);
body_ends!(ClientSide, ClientSide::h1);
