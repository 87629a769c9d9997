//! Limit: is the head small enough for the application?

use super::Walk;
use super::lookup::Routed;
use super::refusal::Refusal;
use crate::message::RequestHead;

impl Walk<'_> {
    /// Refuses heads that are too large.
    // compat: the limit is checked after lookup, so a 431 names its application
    // (gorouter handlers/max_request_size.go).
    ///
    /// # Errors
    ///
    /// Refuses a head of `max_request_header_bytes` or more, or with more than
    /// `max_request_headers` fields.
    pub(super) fn limit<'r>(&self, routed: Routed<'r>) -> Result<Routed<'r>, Refusal> {
        let head = routed.traced.head;
        let forward = &self.settings.forward;
        let fields = head.block().fields().len() + 1;
        if size(head) >= forward.max_request_header_bytes
            || forward
                .max_request_headers
                .is_some_and(|most| fields > most.get())
        {
            return Err(Refusal::HeadersTooLarge);
        }
        Ok(routed)
    }
}

/// The line that the router itself has added by then (gorouter 15, 26).
const REQUEST_ID_LINE: usize = 57;

/// The size that gorouter counts (gorouter 7.3).
fn size(head: &RequestHead) -> usize {
    let fields: usize = head
        .block()
        .iter()
        .map(|(_, name, value)| name.len() + value.len() + 4)
        .sum();
    let line = head.method_text().len() + head.target().len() + head.version().text().len() + 4;
    // Host is among our fields, so that its own part of the formula is in the sum already.
    line + fields + REQUEST_ID_LINE
}
