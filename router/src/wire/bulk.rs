//! Moves a large body of known length between two connections without taking it into our memory.

use std::task::{Context, Poll, ready};

use super::h1::{BodyError, BodyStep, Connection};
use super::pump::PumpError;
use crate::core::{MoveError, Moved, Splice};

/// How the move of a body inside the kernel ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Bulk {
    /// All of the body has been sent.
    Complete,
    /// The rest must be copied.
    Unfit,
}

/// Most bytes of one body before others on this core have their turn.
const MOST_A_TURN: u64 = 1 << 20;

/// Moves the body that `from` reads to `to`, and counts it in `moved`, until one of them must be
/// waited for.
///
/// # Errors
///
/// Fails when one connection does.
pub(super) fn poll(
    splice: &mut Splice,
    cx: &mut Context<'_>,
    (from, to): (&mut Connection, &mut Connection),
    moved: &mut u64,
) -> Poll<Result<Bulk, PumpError>> {
    let turn_ends = *moved + MOST_A_TURN;
    while *moved < turn_ends {
        // The first bytes are copied, so that a head and the beginning of its body leave in one
        // write, and a request of which nothing was taken may be sent again.
        // invariant: what stands in the pipe was read before what stands in the inbox.
        if splice.is_empty() && (*moved == 0 || !from.stream().buffered().is_empty()) {
            match ready!(poll_copy(cx, (&mut *from, &mut *to), moved))? {
                BodyStep::Data => continue,
                BodyStep::End => return Poll::Ready(Ok(Bulk::Complete)),
            }
        }
        let Some(left) = from.reader().left() else {
            return Poll::Ready(Ok(Bulk::Unfit));
        };
        if left == 0 {
            return Poll::Ready(Ok(Bulk::Complete));
        }
        ready!(to.poll_flush(cx)).map_err(PumpError::Sink)?;
        let ends = (from.stream().socket().plain(), to.stream().socket().plain());
        let (Some(source), Some(sink)) = ends else {
            return Poll::Ready(Ok(Bulk::Unfit));
        };
        match ready!(splice.poll_move(cx, (source, sink), left))? {
            Moved::Bytes(count) => {
                from.passed_in(count);
                to.passed_out(count).map_err(PumpError::Sink)?;
                *moved += count as u64;
            }
            Moved::End => return Poll::Ready(Err(PumpError::Source(BodyError::Truncated))),
            Moved::Refused => return Poll::Ready(Ok(Bulk::Unfit)),
        }
    }
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// Moves what stands in the inbox, or what one read brings.
fn poll_copy(
    cx: &mut Context<'_>,
    (from, to): (&mut Connection, &mut Connection),
    moved: &mut u64,
) -> Poll<Result<BodyStep, PumpError>> {
    let Poll::Ready(step) = from.poll_data(cx) else {
        ready!(to.poll_flush(cx)).map_err(PumpError::Sink)?;
        return Poll::Pending;
    };
    let step = step.map_err(PumpError::Source)?;
    if step == BodyStep::Data {
        let taken = ready!(to.poll_send(cx, from.data())).map_err(PumpError::Sink)?;
        from.consume(taken);
        *moved += taken as u64;
    }
    Poll::Ready(Ok(step))
}

impl From<MoveError> for PumpError {
    fn from(error: MoveError) -> Self {
        match error {
            MoveError::Source(error) => Self::Source(BodyError::Io(error)),
            MoveError::Sink(error) => Self::Sink(error),
        }
    }
}
