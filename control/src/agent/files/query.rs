//! What a request asks for.

use url::form_urlencoded;

/// What a request asks for, as far as it says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Query {
    /// The file or directory; the root when it is empty.
    pub(super) path: String,
    pub(super) timestamp: Option<i64>,
    pub(super) hmac: Option<String>,
    /// Whether what is appended is wanted.
    pub(super) tail: bool,
    /// From which byte on; unsaid: what comes from now on.
    pub(super) tail_offset: Option<u64>,
}

impl Query {
    pub(super) fn read(text: &str) -> Self {
        let mut query = Self::default();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            match name.as_ref() {
                "path" => query.path = value.into_owned(),
                "timestamp" => query.timestamp = value.parse().ok(),
                "hmac" => query.hmac = Some(value.into_owned()),
                "tail" => query.tail = true,
                "tail_offset" => query.tail_offset = value.parse().ok(),
                _ => {}
            }
        }
        query
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_needs_no_value() {
        let query = Query::read("path=logs%2Fa&hmac=00&timestamp=7&tail&tail_offset=5");
        assert_eq!(query.path, "logs/a");
        assert_eq!(query.timestamp, Some(7));
        assert!(query.tail && query.tail_offset == Some(5));
        assert_eq!(Query::read("timestamp=soon").timestamp, None);
    }
}
