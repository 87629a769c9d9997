//! Trace: the request gets its id and its time of arrival.

use super::Walk;
use crate::message::RequestHead;
use crate::observe::Exchange;

/// A request with an id.
#[derive(Clone, Copy, Debug)]
pub(super) struct Traced<'r> {
    pub(super) head: &'r RequestHead,
    /// A version 4 UUID, for `X-Vcap-Request-Id`.
    pub(super) request_id: &'r [u8; 36],
    /// Unix milliseconds, for `X-Request-Start`.
    pub(super) arrived_at: u64,
}

impl Walk<'_> {
    /// Gives the request its id, a fresh one: a client's own is replaced (gorouter 4.1).
    pub(super) fn trace<'r>(
        &self,
        head: &'r RequestHead,
        request_id: &'r [u8; 36],
        exchange: &mut Exchange<'_>,
    ) -> Traced<'r> {
        exchange.identified(request_id);
        let arrived_at = self.proxy.observer.clock().unix_nanos(exchange.received()) / 1_000_000;
        Traced {
            head,
            request_id,
            arrived_at,
        }
    }
}
