//! One HTTP/2 connection: every stream is an exchange that takes the same walk.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use h2::RecvStream;
use h2::server::{Connection, SendResponse};
use http::{Request, Response, StatusCode};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::drain::Stage;
use super::{Hall, refuse};
use crate::core::Timer;
use crate::message::{Framing, RequestFault};
use crate::observe::metrics::RefusalReason;
use crate::peer::Peer;
use crate::proxy::Surroundings;
use crate::wire::ClientSide;
use crate::wire::h2::{Exchange, RequestError, request_head};

/// Streams that one connection may have open (Go's default).
const MOST_STREAMS: u32 = 250;
/// Window of one stream and of a connection, in bytes.
const STREAM_WINDOW: u32 = 64 << 10;
const CONNECTION_WINDOW: u32 = 1 << 20;
/// Decoded bytes of one header block.
const MOST_HEADER_BYTES: u32 = 1 << 20;
/// How long a connection may take to say its preface and settings.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

type Front = Connection<TlsStream<TcpStream>, Bytes>;

/// Serves one connection to its end.
pub(super) async fn serve(
    hall: &Rc<Hall>,
    stream: TlsStream<TcpStream>,
    peer: &Peer,
    timer: &Timer,
) {
    timer.arm(Some(HANDSHAKE_TIMEOUT));
    let mut handshake = h2::server::Builder::new()
        .max_concurrent_streams(MOST_STREAMS)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(MOST_HEADER_BYTES)
        .handshake(stream);
    let shaken = poll_fn(|cx| match std::pin::Pin::new(&mut handshake).poll(cx) {
        Poll::Ready(connection) => Poll::Ready(connection.ok()),
        Poll::Pending => timer.poll_expired(cx).map(|()| None),
    });
    if let Some(connection) = shaken.await {
        carry(hall, connection, peer, timer).await;
    }
}

async fn carry(hall: &Rc<Hall>, mut connection: Front, peer: &Peer, timer: &Timer) {
    let streams = Rc::new(());
    let peer = Rc::new(peer.clone());
    let mut going_away = false;
    loop {
        timer.arm(Some(hall.idle_timeout));
        let accepted = poll_fn(|cx| {
            if !going_away && hall.drain.stage() > Stage::Serving {
                going_away = true;
                connection.graceful_shutdown();
            }
            if hall.drain.stage() == Stage::Over {
                return Poll::Ready(None);
            }
            match connection.poll_accept(cx) {
                Poll::Ready(accepted) => Poll::Ready(accepted),
                Poll::Pending
                    if timer.poll_expired(cx).is_ready() && Rc::strong_count(&streams) == 1 =>
                {
                    Poll::Ready(None)
                }
                Poll::Pending => {
                    if timer.poll_expired(cx).is_ready() {
                        timer.arm(Some(hall.idle_timeout));
                        let _again = timer.poll_expired(cx);
                    }
                    Poll::Pending
                }
            }
        })
        .await;
        let Some(Ok((request, respond))) = accepted else {
            return;
        };
        let (hall, peer, present) = (Rc::clone(hall), Rc::clone(&peer), Rc::clone(&streams));
        tokio::task::spawn_local(async move {
            let _present = present;
            exchange(&hall, request, respond, &peer).await;
        });
    }
}

async fn exchange(
    hall: &Rc<Hall>,
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    peer: &Peer,
) {
    let (parts, body) = request.into_parts();
    let framing = framing_of(&parts, &body);
    let head = match request_head(&parts, framing) {
        Ok(head) => head,
        Err(error) => {
            let (status, reason) = refusal_of(error);
            hall.metrics.refused(reason);
            let mut response = Response::new(());
            *response.status_mut() = status;
            // The stream may be gone; then nobody waits for this.
            let _gone = respond.send_response(response, true);
            return;
        }
    };
    let timer = Timer::new(&hall.wheel);
    let mut client = ClientSide::H2(Box::new(Exchange::new(body, respond)));
    let around = Surroundings {
        peer,
        timer: &timer,
        reuse: hall.drain.reuse(),
    };
    let _the_stream_ends_either_way = hall.proxy.serve(head, &mut client, around).await;
}

fn framing_of(parts: &http::request::Parts, body: &RecvStream) -> Framing {
    let length = parts
        .headers
        .get(http::header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    match length {
        _ if body.is_end_stream() => Framing::Empty,
        // The h2 crate resets a stream whose data does not add up to this.
        Some(length) => Framing::of_length(length),
        None => Framing::Chunked,
    }
}

fn refusal_of(error: RequestError) -> (StatusCode, RefusalReason) {
    match error {
        RequestError::TooLarge => (
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            RefusalReason::HeadTooLarge,
        ),
        RequestError::Fault(RequestFault::Framing(fault)) => {
            (StatusCode::BAD_REQUEST, refuse::framing_reason(fault))
        }
        RequestError::Fault(RequestFault::Expectation) => {
            (StatusCode::EXPECTATION_FAILED, RefusalReason::BadHeader)
        }
        RequestError::Fault(RequestFault::Host) => {
            (StatusCode::BAD_REQUEST, RefusalReason::BadHost)
        }
        RequestError::Fault(RequestFault::Target(_)) => {
            (StatusCode::BAD_REQUEST, RefusalReason::BadRequestLine)
        }
    }
}
