//! Tunnel: bytes in both directions after an upgrade, until both ends have had enough.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};

use crate::core::{MoveError, Moved, Splice, Timer};
use crate::wire::h1::{Connection, Stream};

/// Whether a busy tunnel moves inside the kernel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Way {
    /// Always through our buffers.
    Copied,
    /// Inside the kernel while it is busy and both ends are in the clear.
    Spliced,
}

/// One direction.
struct Flow {
    stage: Stage,
    way: Way,
    splice: Splice,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    Open,
    /// The source has ended; the sink is to be told.
    Ending,
    Ended,
}

/// A tunnel that brings less at a time is copied: the calls are as many, and its buffers small.
const BUSY_BYTES: usize = 16 << 10;
/// Most bytes of one direction before others on this core have their turn.
const MOST_A_TURN: usize = 1 << 20;

/// Carries bytes both ways until both directions have ended, one of them has failed, or the timer
/// expires.
pub(super) async fn run(
    (client, endpoint): (&mut Connection, &mut Connection),
    way: Way,
    timer: &Timer,
) {
    let (mut up, mut down) = (Flow::new(way), Flow::new(way));
    poll_fn(|cx| {
        let upward = up.poll(cx, client.stream_mut(), endpoint.stream_mut());
        let downward = down.poll(cx, endpoint.stream_mut(), client.stream_mut());
        match (upward, downward) {
            (Poll::Ready(Err(_)), _) | (_, Poll::Ready(Err(_))) => Poll::Ready(()),
            (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => Poll::Ready(()),
            _ => timer.poll_expired(cx),
        }
    })
    .await;
}

impl Flow {
    fn new(way: Way) -> Self {
        Self {
            stage: Stage::Open,
            way,
            splice: Splice::default(),
        }
    }

    /// Moves bytes one way, as fast as the sink takes them.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Stream,
        to: &mut Stream,
    ) -> Poll<io::Result<()>> {
        loop {
            match self.stage {
                Stage::Open if !self.splice.is_empty() || self.is_busy(from) => {
                    ready!(self.poll_splice(cx, from, to))?;
                }
                Stage::Open => ready!(self.poll_copy(cx, from, to))?,
                Stage::Ending => {
                    ready!(to.poll_shutdown(cx))?;
                    self.stage = Stage::Ended;
                }
                Stage::Ended => return Poll::Ready(Ok(())),
            }
        }
    }

    fn is_busy(&self, from: &Stream) -> bool {
        self.way == Way::Spliced && from.reads_in_bulk() && from.buffered().is_empty()
    }

    /// Sends what stands in the inbox, then reads once.
    fn poll_copy(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Stream,
        to: &mut Stream,
    ) -> Poll<io::Result<()>> {
        if to.has_outbox() {
            ready!(to.poll_flush(cx))?;
        }
        let taken = match from.buffered() {
            [] => 0,
            data => ready!(to.poll_send(cx, data, b""))?,
        };
        from.consume(taken);
        if !from.buffered().is_empty() || self.is_busy(from) {
            return Poll::Ready(Ok(()));
        }
        match from.poll_fill(cx) {
            Poll::Ready(Ok(0)) => self.stage = Stage::Ending,
            Poll::Ready(filled) => drop(filled?),
            Poll::Pending => return to.poll_flush(cx).map_ok(drop).and_pending(),
        }
        Poll::Ready(Ok(()))
    }

    /// Moves bytes inside the kernel, until less than a busy tunnel's share comes.
    fn poll_splice(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Stream,
        to: &mut Stream,
    ) -> Poll<io::Result<()>> {
        ready!(to.poll_flush(cx))?;
        let mut turn = 0;
        while turn < MOST_A_TURN {
            let (Some(source), Some(sink)) = (from.socket().plain(), to.socket().plain()) else {
                self.way = Way::Copied;
                return Poll::Ready(Ok(()));
            };
            match ready!(self.splice.poll_move(cx, (source, sink), u64::MAX)) {
                Ok(Moved::Bytes(count)) => {
                    turn += count;
                    if count < BUSY_BYTES {
                        from.rest();
                        if self.splice.is_empty() {
                            return Poll::Ready(Ok(()));
                        }
                    }
                }
                Ok(Moved::End) => {
                    self.stage = Stage::Ending;
                    return Poll::Ready(Ok(()));
                }
                Ok(Moved::Refused) => {
                    self.way = Way::Copied;
                    return Poll::Ready(Ok(()));
                }
                Err(MoveError::Source(error) | MoveError::Sink(error)) => {
                    return Poll::Ready(Err(error));
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

trait AndPending {
    /// A flush that is done is not the end of the flow.
    fn and_pending(self) -> Self;
}

impl AndPending for Poll<io::Result<()>> {
    fn and_pending(self) -> Self {
        match self {
            Self::Ready(Err(error)) => Self::Ready(Err(error)),
            Self::Ready(Ok(())) | Self::Pending => Self::Pending,
        }
    }
}
