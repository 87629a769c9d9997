//! The `Date` field, formatted once a second.

use std::cell::Cell;
use std::time::{Duration, UNIX_EPOCH};

/// The text of the last date that was asked for.
#[derive(Debug, Default)]
pub(super) struct DateCache {
    second: Cell<u64>,
    text: Cell<[u8; 29]>,
}

impl DateCache {
    /// The date at `unix_nanos` as RFC 9110 5.6.7 writes it.
    pub(super) fn at(&self, unix_nanos: u64) -> [u8; 29] {
        let second = unix_nanos / 1_000_000_000;
        if self.second.get() != second {
            let text = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(second));
            if let Ok(text) = <[u8; 29]>::try_from(text.as_bytes()) {
                self.text.set(text);
                self.second.set(second);
            }
        }
        self.text.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_as_rfc_9110_wants_it() {
        let cache = DateCache::default();
        assert_eq!(
            &cache.at(784_111_777_000_000_000),
            b"Sun, 06 Nov 1994 08:49:37 GMT"
        );
        assert_eq!(
            &cache.at(784_111_778_999_999_999),
            b"Sun, 06 Nov 1994 08:49:38 GMT"
        );
    }
}
