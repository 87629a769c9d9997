//! The bodies that the sample answers with.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

/// A body, whole, counted or passed on.
#[derive(Debug)]
pub(super) enum Answer {
    /// The request's own body, as it arrives.
    Echo(Incoming),
    /// This many bytes still to come.
    Filler(u64),
    /// All of it, or nothing any more.
    Whole(Bytes),
}

impl Body for Answer {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut *self {
            Self::Echo(body) => {
                let frame = ready!(Pin::new(body).poll_frame(context));
                Poll::Ready(frame)
            }
            Self::Filler(0) => Poll::Ready(None),
            Self::Filler(left) => {
                let chunk = CHUNK.slice(
                    ..CHUNK
                        .len()
                        .min(usize::try_from(*left).unwrap_or(CHUNK.len())),
                );
                *left -= chunk.len() as u64;
                Poll::Ready(Some(Ok(Frame::data(chunk))))
            }
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Echo(body) => body.is_end_stream(),
            Self::Filler(left) => *left == 0,
            Self::Whole(bytes) => bytes.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Echo(body) => body.size_hint(),
            Self::Filler(left) => SizeHint::with_exact(*left),
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
        }
    }
}

static CHUNK: Bytes = Bytes::from_static(&[b'x'; 64 * 1024]);

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn filler_is_exactly_as_long_as_it_says() {
        for length in [0, 1, 65_536, 200_000] {
            let body = Answer::Filler(length);
            assert_eq!(body.size_hint().exact(), Some(length));
            let bytes = body.collect().await.unwrap().to_bytes();
            assert_eq!(bytes.len() as u64, length);
        }
    }
}
