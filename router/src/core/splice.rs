//! Splice: bytes from one socket to another that never leave the kernel.

use std::io::{self, ErrorKind};
use std::task::{Context, Poll, ready};

use rustix::io::Errno;
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::pipe::Pipe;

/// One way between two sockets. It has a pipe only while it has something to move: one that waits
/// for its source holds nothing.
#[derive(Debug, Default)]
pub struct Splice {
    pipe: Option<Pipe>,
}

/// What came of one move.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Moved {
    /// So many bytes have reached the sink.
    Bytes(usize),
    /// The source has ended, and everything from it has reached the sink.
    End,
    /// The system does not do it here, and nothing has been taken: copy instead.
    Refused,
}

/// Which socket failed.
#[derive(Debug)]
pub enum MoveError {
    /// The one that was read.
    Source(io::Error),
    /// The one that was written.
    Sink(io::Error),
}

impl Splice {
    /// Has everything that was taken from the source reached the sink?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pipe.as_ref().is_none_or(Pipe::is_empty)
    }

    /// Moves bytes once, at most `most` of them: what the source has, as far as the sink takes it.
    /// Nothing more is taken from the source before the sink has all that was.
    ///
    /// # Errors
    ///
    /// Fails when a socket does.
    pub fn poll_move(
        &mut self,
        cx: &mut Context<'_>,
        (from, to): (&TcpStream, &TcpStream),
        most: u64,
    ) -> Poll<Result<Moved, MoveError>> {
        if self.is_empty() {
            match ready!(self.poll_fill(cx, from, most)).map_err(MoveError::Source)? {
                Moved::Bytes(_) => {}
                nothing => return Poll::Ready(Ok(nothing)),
            }
        }
        let sent = ready!(self.poll_drain(cx, to)).map_err(MoveError::Sink)?;
        Poll::Ready(Ok(Moved::Bytes(sent)))
    }

    fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        from: &TcpStream,
        most: u64,
    ) -> Poll<io::Result<Moved>> {
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(MOST_BYTES);
        loop {
            if from.poll_read_ready(cx)?.is_pending() {
                self.rest();
                return Poll::Pending;
            }
            if self.pipe.is_none() {
                self.pipe = Pipe::take();
            }
            let Some(pipe) = &mut self.pipe else {
                return Poll::Ready(Ok(Moved::Refused));
            };
            match from.try_io(Interest::READABLE, || Ok(pipe.fill(from, most)?)) {
                Ok(0) => return Poll::Ready(Ok(Moved::End)),
                Ok(count) => return Poll::Ready(Ok(Moved::Bytes(count))),
                Err(error) if is_passing(&error) => {}
                Err(error) if is_refusal(&error) => return Poll::Ready(Ok(Moved::Refused)),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>, to: &TcpStream) -> Poll<io::Result<usize>> {
        let Some(pipe) = &mut self.pipe else {
            return Poll::Ready(Ok(0));
        };
        loop {
            // perf: a socket mostly takes what comes; readiness is asked for where it does not.
            match to.try_io(Interest::WRITABLE, || Ok(pipe.drain(to)?)) {
                Ok(0) => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                Err(error) if is_passing(&error) => ready!(to.poll_write_ready(cx))?,
                sent => return Poll::Ready(sent),
            }
        }
    }

    /// Gives the pipe back, to be kept where it is empty.
    fn rest(&mut self) {
        if let Some(pipe) = self.pipe.take() {
            pipe.give();
        }
    }
}

impl Drop for Splice {
    fn drop(&mut self) {
        self.rest();
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// Does the system not splice here, whatever the state of the sockets: an old kernel, or a sandbox?
fn is_refusal(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    errno.is_some_and(|errno| [Errno::INVAL, Errno::NOSYS, Errno::PERM].contains(&errno))
}

/// Most bytes that are asked of a socket at once; a pipe of large pages may hold more than its size.
const MOST_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// A far end, and ours.
    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let far = TcpStream::connect(listener.local_addr().unwrap()).await;
        (far.unwrap(), listener.accept().await.unwrap().0)
    }

    async fn once(
        splice: &mut Splice,
        ends: (&TcpStream, &TcpStream),
        most: u64,
    ) -> Result<Moved, MoveError> {
        poll_fn(|cx| splice.poll_move(cx, ends, most)).await
    }

    /// Polls once without waiting.
    async fn is_pending(splice: &mut Splice, ends: (&TcpStream, &TcpStream)) -> bool {
        poll_fn(|cx| Poll::Ready(splice.poll_move(cx, ends, u64::MAX).is_pending())).await
    }

    #[tokio::test]
    async fn no_more_is_taken_than_is_asked_for() {
        let ((mut from, source), (mut to, sink)) = (pair().await, pair().await);
        from.write_all(b"body and more").await.unwrap();
        let mut splice = Splice::default();
        let moved = once(&mut splice, (&source, &sink), 4).await.unwrap();
        assert_eq!(moved, Moved::Bytes(4));
        assert!(splice.is_empty());
        let (mut body, mut behind) = ([0; 4], [0; 9]);
        to.read_exact(&mut body).await.unwrap();
        let mut source = source;
        source.read_exact(&mut behind).await.unwrap();
        assert_eq!((&body, &behind), (b"body", b" and more"));
    }

    #[tokio::test]
    async fn who_waits_for_the_source_holds_no_pipe() {
        let ((mut from, source), (_to, sink)) = (pair().await, pair().await);
        from.write_all(b"first").await.unwrap();
        let mut splice = Splice::default();
        once(&mut splice, (&source, &sink), 99).await.unwrap();
        assert!(splice.pipe.is_some());
        assert!(is_pending(&mut splice, (&source, &sink)).await);
        assert!(splice.pipe.is_none());
    }

    #[tokio::test]
    async fn the_end_comes_after_everything() {
        let ((mut from, source), (mut to, sink)) = (pair().await, pair().await);
        from.write_all(b"all").await.unwrap();
        drop(from);
        let mut splice = Splice::default();
        let moves = [
            once(&mut splice, (&source, &sink), 99).await.unwrap(),
            once(&mut splice, (&source, &sink), 99).await.unwrap(),
        ];
        assert_eq!(moves, [Moved::Bytes(3), Moved::End]);
        drop(sink);
        let mut all = Vec::new();
        to.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"all");
    }

    #[tokio::test]
    async fn a_sink_that_takes_nothing_stops_the_source_too() {
        let ((from, source), (_to, sink)) = (pair().await, pair().await);
        let (block, mut splice, mut written) = (vec![7; 1 << 20], Splice::default(), 0);
        // Until neither end moves any more: what is under way is bounded, and the pipe is a part of it.
        loop {
            let stuck = is_pending(&mut splice, (&source, &sink)).await;
            match from.try_write(&block) {
                Ok(count) => written += count,
                Err(_full) if stuck && !splice.is_empty() => break,
                Err(_full) => tokio::task::yield_now().await,
            }
            assert!(written < 1 << 30, "nobody reads, and all of it is taken");
        }
        assert!(!splice.is_empty());
    }

    #[tokio::test]
    async fn without_a_pipe_nothing_is_taken() {
        let ((mut from, source), (_to, sink)) = (pair().await, pair().await);
        from.write_all(b"kept").await.unwrap();
        let lent: Vec<Pipe> = std::iter::from_fn(Pipe::take).collect();
        let mut splice = Splice::default();
        let refused = once(&mut splice, (&source, &sink), 99).await.unwrap();
        assert_eq!(refused, Moved::Refused);
        let (mut source, mut kept) = (source, [0; 4]);
        source.read_exact(&mut kept).await.unwrap();
        assert_eq!(&kept, b"kept");
        lent.into_iter().for_each(Pipe::give);
    }
}
