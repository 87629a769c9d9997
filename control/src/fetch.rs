//! One GET to a process on this machine: health, metrics, the first real request.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Why nothing came back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("the body is longer than {BODY_MAX_BYTES} bytes or broke off")]
    Body,
    #[error("cannot connect")]
    Connect(#[source] std::io::Error),
    #[error("the exchange failed")]
    Exchange(#[source] hyper::Error),
    #[error("no answer within {} ms", DEADLINE.as_millis())]
    Late,
    #[error("`{0}` cannot be asked for")]
    Request(String),
}

/// Asks `addr` for `path` under the name `host`, on a connection of its own.
pub(crate) async fn get(addr: SocketAddr, host: &str, path: &str) -> Result<Answer, FetchError> {
    timeout(DEADLINE, exchange(addr, host, path))
        .await
        .unwrap_or(Err(FetchError::Late))
}

async fn exchange(addr: SocketAddr, host: &str, path: &str) -> Result<Answer, FetchError> {
    let request = Request::get(path)
        .header("Host", host)
        .header("Connection", "close")
        .body(Empty::<Bytes>::new())
        .map_err(|_| FetchError::Request(format!("{host}{path}")))?;
    let stream = TcpStream::connect(addr)
        .await
        .map_err(FetchError::Connect)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(FetchError::Exchange)?;
    // The sender moves in, so that a peer that keeps the connection open is left when it is done.
    let answer = async move {
        let response = sender
            .send_request(request)
            .await
            .map_err(FetchError::Exchange)?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, BODY_MAX_BYTES)
            .collect()
            .await
            .map_err(|_| FetchError::Body)?;
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: body.to_bytes(),
        })
    };
    // The connection is driven beside the answer, not by a task that could outlive it.
    let (answer, _closed) = tokio::join!(answer, connection);
    answer
}

const DEADLINE: Duration = Duration::from_secs(2);
const BODY_MAX_BYTES: usize = 4 << 20;
