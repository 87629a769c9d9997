//! What is no clear message: refused with a few fixed bytes, before it can be anything else.

use std::future::poll_fn;
use std::task::{Poll, ready};
use std::time::Duration;

use crate::core::Timer;
use crate::message::{FramingFault, RequestFault, TargetFault};
use crate::observe::metrics::RefusalReason;
use crate::wire::h1::{Connection, HeadFault};

/// The answer to a faulty head, and the name under which it is counted.
pub(super) fn answer(fault: HeadFault) -> (&'static str, RefusalReason) {
    const BAD: &str = "400 Bad Request";
    match fault {
        HeadFault::BareLf | HeadFault::Malformed => (BAD, RefusalReason::BadHeader),
        HeadFault::TooLarge => (
            "431 Request Header Fields Too Large",
            RefusalReason::HeadTooLarge,
        ),
        HeadFault::Version => ("505 HTTP Version Not Supported", RefusalReason::Version),
        HeadFault::Framing(fault) | HeadFault::Request(RequestFault::Framing(fault)) => {
            (BAD, framing_reason(fault))
        }
        HeadFault::Request(RequestFault::Host) => (BAD, RefusalReason::BadHost),
        HeadFault::Request(RequestFault::Target(TargetFault::Authority)) => {
            (BAD, RefusalReason::BadHost)
        }
        HeadFault::Request(RequestFault::Target(TargetFault::Form | TargetFault::Scheme)) => {
            (BAD, RefusalReason::BadRequestLine)
        }
        HeadFault::Request(RequestFault::Expectation) => {
            ("417 Expectation Failed", RefusalReason::BadHeader)
        }
    }
}

pub(super) fn framing_reason(fault: FramingFault) -> RefusalReason {
    match fault {
        FramingFault::BothFramings => RefusalReason::Conflict,
        FramingFault::MalformedLength | FramingFault::SeveralLengths => {
            RefusalReason::BadContentLength
        }
        FramingFault::UnknownCoding | FramingFault::CodingInOldVersion => {
            RefusalReason::BadTransferEncoding
        }
    }
}

/// Writes a refusal that ends the connection.
pub(super) async fn refuse(connection: &mut Connection, status: &str, timer: &Timer) {
    let stream = connection.stream_mut();
    let text = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{status}",
        status.len()
    );
    if stream.outbox().append(text.as_bytes()).is_ok() {
        linger(connection, timer).await;
    }
}

/// How long, and how much, a client may go on sending after the last answer.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 1 << 20;

/// Closes so that the client can read the last answer: what it still sends is read and dropped
/// for a while, because a close with unread bytes would reset the connection and the answer with
/// it (RFC 9112 9.6).
pub(super) async fn linger(connection: &mut Connection, timer: &Timer) {
    timer.arm(Some(LINGER));
    let stream = connection.stream_mut();
    let mut dropped = 0;
    let mut told = false;
    poll_fn(|cx| {
        if timer.poll_expired(cx).is_ready() {
            return Poll::Ready(());
        }
        if !told {
            told = true;
            if stream.poll_shutdown(cx).is_pending() {
                told = false;
                return Poll::Pending;
            }
        }
        loop {
            let buffered = stream.buffered().len();
            stream.consume(buffered);
            match ready!(stream.poll_fill(cx)) {
                Ok(count) if count > 0 && dropped < LINGER_BYTES => dropped += count,
                Ok(_) | Err(_) => return Poll::Ready(()),
            }
        }
    })
    .await;
}
