//! Fields that a message's own `Connection` field names as being for one hop only.

use crate::message::{FieldBlock, FieldName};

/// The names that `Connection` lists beyond the usual tokens (RFC 9110 7.6.1).
#[derive(Clone, Copy, Debug)]
pub struct Nominated<'b> {
    block: Option<&'b FieldBlock>,
    kept: &'b [String],
}

impl<'b> Nominated<'b> {
    /// Reads `Connection`. Names in `kept` (lower case) cannot be nominated.
    // compat: `hop_by_hop_headers_to_filter`, so that a client cannot make the router drop a
    // field such as X-Forwarded-For (gorouter handlers/hop_by_hop.go).
    #[must_use]
    pub fn of(block: &'b FieldBlock, kept: &'b [String]) -> Self {
        let named = block.has(FieldName::Connection)
            && block
                .values(FieldName::Connection)
                .flat_map(tokens)
                .any(|token| !is_usual(token));
        Self {
            block: named.then_some(block),
            kept,
        }
    }

    /// Does `Connection` name this field?
    #[must_use]
    pub fn includes(&self, name: &[u8]) -> bool {
        // perf: nearly no request nominates anything, and then this is one comparison.
        let Some(block) = self.block else {
            return false;
        };
        block
            .values(FieldName::Connection)
            .flat_map(tokens)
            .any(|token| token.eq_ignore_ascii_case(name))
            && !self
                .kept
                .iter()
                .any(|kept| kept.as_bytes().eq_ignore_ascii_case(name))
    }
}

fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

/// The tokens that name no field that could cross anyway.
fn is_usual(token: &[u8]) -> bool {
    token.is_empty()
        || [&b"close"[..], b"keep-alive", b"upgrade", b"te"]
            .iter()
            .any(|usual| token.eq_ignore_ascii_case(usual))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::block_of;

    #[test]
    fn a_named_field_is_included_in_any_case() {
        let block = block_of("Connection: close, X-Thing\r\nConnection: x-other\r\n");
        let nominated = Nominated::of(&block, &[]);
        assert!(nominated.includes(b"x-thing") && nominated.includes(b"X-Other"));
        assert!(!nominated.includes(b"X-Third"));
    }

    #[test]
    fn a_kept_name_cannot_be_nominated() {
        let block = block_of("Connection: X-Forwarded-For\r\n");
        let kept = ["x-forwarded-for".to_owned()];
        assert!(!Nominated::of(&block, &kept).includes(b"X-Forwarded-For"));
    }
}
