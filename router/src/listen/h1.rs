//! One HTTP/1 connection: request after request, until one side has had enough.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::SockRef;

use super::carrier::Client;
use super::drain::Stage;
use super::{Hall, refuse};
use crate::buffers::Class;
use crate::core::Timer;
use crate::message::RequestHead;
use crate::observe::metrics::RefusalReason;
use crate::peer::Peer;
use crate::proxy::Keep;
use crate::wire::h1::{Connection, HeadError, HeadLimits};
use crate::wire::{ClientSide, Socket};

/// Why no further request came.
enum NoRequest {
    /// The connection is to end: idle for too long, closed by the client, or draining.
    End,
    /// What came is refused with this status line.
    Refused(&'static str),
}

/// Serves one connection to its end.
pub(super) async fn serve(hall: &Rc<Hall>, socket: Socket, peer: Peer, timer: Timer) {
    let mut client = Box::new(Client {
        side: ClientSide::H1(Connection::new(socket, Class::Head)),
        peer,
        timer,
    });
    loop {
        let Client { side, timer, .. } = &mut *client;
        let ClientSide::H1(connection) = side else {
            return;
        };
        timer.arm(Some(hall.idle_timeout));
        let head = match poll_fn(|cx| hall.poll_next(cx, connection, timer)).await {
            Ok(head) => head,
            Err(NoRequest::End) => return,
            Err(NoRequest::Refused(status)) => {
                return Box::pin(refuse::refuse(connection, status, timer)).await;
            }
        };
        let (keep, served) = hall.carriers.carry(head, client).await;
        client = served;
        let Client { side, timer, .. } = &mut *client;
        match (keep, side) {
            (Keep::Open, _) if hall.drain.stage() == Stage::Serving => {}
            (Keep::Open | Keep::Close, ClientSide::H1(connection)) => {
                return Box::pin(refuse::linger(connection, timer)).await;
            }
            (Keep::Cut, ClientSide::H1(connection)) => return cut(connection),
            (_, ClientSide::H2(_)) => return,
        }
    }
}

impl Hall {
    /// Waits for the next request. Between two requests, nothing but the task is held.
    fn poll_next(
        &self,
        cx: &mut Context<'_>,
        connection: &mut Connection,
        timer: &Timer,
    ) -> Poll<Result<RequestHead, NoRequest>> {
        let was_silent = connection.stream().buffered().is_empty();
        let limits = HeadLimits {
            max_bytes: self.max_head_bytes,
        };
        match connection.poll_request(cx, limits) {
            Poll::Ready(Ok(head)) => return Poll::Ready(Ok(head)),
            Poll::Ready(Err(HeadError::Fault(fault))) => {
                let (status, reason) = refuse::answer(fault);
                self.metrics.refused(reason);
                return Poll::Ready(Err(NoRequest::Refused(status)));
            }
            Poll::Ready(Err(HeadError::Closed | HeadError::Truncated | HeadError::Io(_))) => {
                return Poll::Ready(Err(NoRequest::End));
            }
            Poll::Pending => {}
        }
        let is_silent = connection.stream().buffered().is_empty();
        if is_silent && self.drain.stage() > Stage::Serving {
            return Poll::Ready(Err(NoRequest::End));
        }
        if was_silent && !is_silent && self.head_timeout.is_some() {
            timer.arm(self.head_timeout);
        }
        match timer.poll_expired(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) if is_silent => Poll::Ready(Err(NoRequest::End)),
            Poll::Ready(()) => {
                self.metrics.refused(RefusalReason::HeadTimeout);
                Poll::Ready(Err(NoRequest::Refused("408 Request Timeout")))
            }
        }
    }
}

/// Ends a connection whose answer is incomplete, so that the client cannot take it for whole: an
/// answer that ends with the connection must be reset, the others are short by themselves.
fn cut(connection: &Connection) {
    if connection.writes_until_close() {
        // It fails only on a socket that is gone.
        let _gone =
            SockRef::from(connection.stream().socket().tcp()).set_linger(Some(Duration::ZERO));
    }
}
