//! Waits with an end: for health, for an answer, for anything while deaths are heard.

use std::net::SocketAddr;
use std::time::Duration;

use hyper::StatusCode;
use tokio::time::{sleep, timeout};

use super::MicroError;
use super::child::Child;
use super::tail::Tail;
use crate::fetch;

/// Waits for a part to answer 200 to this path.
pub(super) async fn healthy(
    name: &'static str,
    child: &Child,
    address: SocketAddr,
    path: &str,
) -> Result<(), MicroError> {
    let healthy = async {
        loop {
            match fetch::get(address, "localhost", path).await {
                Ok(answer) if answer.status == StatusCode::OK => return,
                Ok(_) | Err(_) => sleep(POLL).await,
            }
        }
    };
    within(name, Some(child.tail()), COME_UP, healthy).await
}

/// Waits for `work`, and says what it was and its last words when it takes too long.
pub(super) async fn within<T>(
    name: &'static str,
    tail: Option<&Tail>,
    limit: Duration,
    work: impl Future<Output = T>,
) -> Result<T, MicroError> {
    timeout(limit, work).await.map_err(|_| MicroError::Late {
        name,
        within: limit,
        lines: tail.map(Tail::lines).unwrap_or_default(),
    })
}

const POLL: Duration = Duration::from_millis(20);
const COME_UP: Duration = Duration::from_secs(20);
