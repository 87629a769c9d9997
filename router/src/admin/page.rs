//! Page: an answer of a status port, whole or as it is being made.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use tokio::sync::mpsc::Receiver;

/// An answer of a status port.
pub(super) type Page = Response<PageBody>;

/// The bytes of a page.
#[derive(Debug)]
pub(super) enum PageBody {
    /// All of them.
    Whole(Option<Bytes>),
    /// Some, and those that are still being made.
    Growing {
        ready: std::vec::IntoIter<Bytes>,
        more: Receiver<Bytes>,
    },
}

impl Body for PageBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = |bytes| Ok(Frame::data(bytes));
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(frame)),
            Self::Growing { ready, more } => match ready.next() {
                Some(bytes) => Poll::Ready(Some(frame(bytes))),
                None => more.poll_recv(cx).map(|bytes| bytes.map(frame)),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Growing { .. } => SizeHint::default(),
        }
    }
}

/// A page without a body.
pub(super) fn empty(status: StatusCode) -> Page {
    page(status, PageBody::Whole(None))
}

/// A page that is known as a whole.
pub(super) fn whole(content_type: &'static str, body: impl Into<Bytes>) -> Page {
    let mut page = page(StatusCode::OK, PageBody::Whole(Some(body.into())));
    page.headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    page
}

/// A page whose connection ends with it.
pub(super) fn last(mut page: Page) -> Page {
    page.headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    page
}

/// What those get who are not admitted.
pub(super) fn unauthorized() -> Page {
    let mut page = whole(TEXT, "401 Unauthorized\n");
    *page.status_mut() = StatusCode::UNAUTHORIZED;
    page.headers_mut()
        .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
    page
}

// compat: what Go's ServeMux says (net/http, NotFound).
pub(super) fn not_found() -> Page {
    let mut page = whole(TEXT, "404 page not found\n");
    *page.status_mut() = StatusCode::NOT_FOUND;
    let name = hyper::header::X_CONTENT_TYPE_OPTIONS;
    page.headers_mut()
        .insert(name, HeaderValue::from_static("nosniff"));
    page
}

fn page(status: StatusCode, body: PageBody) -> Page {
    let mut page = Response::new(body);
    *page.status_mut() = status;
    page
}

pub(super) const TEXT: &str = "text/plain; charset=utf-8";
pub(super) const JSON: &str = "application/json";
