//! Waits for conditions, never for time.

use std::future::Future;
use std::time::Duration;

/// How long anything in these tests may take before it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for `future`.
pub(crate) async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("waited too long for {what}"))
}

/// Waits until `condition` holds.
pub(crate) async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    soon(what, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}
