//! Tunnel: bytes in both directions after an upgrade, until both ends have had enough.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};

use crate::core::Timer;
use crate::wire::h1::{Connection, Stream};

/// One direction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Flow {
    Open,
    /// The source has ended; the sink is to be told.
    Ending,
    Ended,
}

/// Carries bytes both ways until both directions have ended, one of them has failed, or the timer
/// expires.
pub(super) async fn run(client: &mut Connection, endpoint: &mut Connection, timer: &Timer) {
    let (mut up, mut down) = (Flow::Open, Flow::Open);
    poll_fn(|cx| {
        let upward = poll_flow(&mut up, cx, client.stream_mut(), endpoint.stream_mut());
        let downward = poll_flow(&mut down, cx, endpoint.stream_mut(), client.stream_mut());
        match (upward, downward) {
            (Poll::Ready(Err(_)), _) | (_, Poll::Ready(Err(_))) => Poll::Ready(()),
            (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => Poll::Ready(()),
            _ => timer.poll_expired(cx),
        }
    })
    .await;
}

/// Moves bytes one way, as fast as the sink takes them.
fn poll_flow(
    flow: &mut Flow,
    cx: &mut Context<'_>,
    from: &mut Stream,
    to: &mut Stream,
) -> Poll<io::Result<()>> {
    loop {
        match flow {
            Flow::Open => {
                if to.has_outbox() {
                    ready!(to.poll_flush(cx))?;
                }
                let taken = match from.buffered() {
                    [] => 0,
                    data => ready!(to.poll_send(cx, data, b""))?,
                };
                from.consume(taken);
                if from.buffered().is_empty() {
                    match from.poll_fill(cx) {
                        Poll::Ready(Ok(0)) => *flow = Flow::Ending,
                        Poll::Ready(filled) => drop(filled?),
                        Poll::Pending => return to.poll_flush(cx).map_ok(drop).and_pending(),
                    }
                }
            }
            Flow::Ending => {
                ready!(to.poll_shutdown(cx))?;
                *flow = Flow::Ended;
            }
            Flow::Ended => return Poll::Ready(Ok(())),
        }
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
