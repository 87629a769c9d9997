//! Probe: should traffic come here, and is anybody at home?

use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, EXPIRES, HeaderValue};

use crate::observe::health::Health;

use super::page::{self, Page};

/// `/health`: 200 while healthy, 503 before and after (gorouter 8.1).
pub(super) fn health(health: &Health) -> Page {
    let mut page = match health.is_healthy() {
        true => alive(),
        false => page::empty(StatusCode::SERVICE_UNAVAILABLE),
    };
    let headers = page.headers_mut();
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("private, max-age=0"),
    );
    headers.insert(EXPIRES, HeaderValue::from_static("0"));
    page
}

/// `/is-process-alive-do-not-use-for-loadbalancing`: always yes.
pub(super) fn alive() -> Page {
    page::whole(page::TEXT, "ok\n")
}

/// `/healthz` of the legacy port: always yes.
pub(super) fn healthz() -> Page {
    page::last(page::whole("text/plain", "ok"))
}
