//! Request key: the canonical form of a request's host and path, walked prefix by prefix.

use arrayvec::ArrayVec;

use super::key::MAX_KEY_BYTES;

/// The keys that one request is looked up by, longest host first; lives on the stack.
pub(super) struct RequestKey<'a> {
    /// One spare byte for the `*` of a wildcard, the host, and on demand the path.
    bytes: ArrayVec<u8, { MAX_KEY_BYTES + 1 }>,
    start: usize,
    host_end: usize,
    /// What was not yet copied behind the host; none once it was, or when there is nothing.
    path: Option<&'a [u8]>,
}

impl<'a> RequestKey<'a> {
    /// A key to be filled in place.
    // perf: a key that was returned filled would be copied, all 2 KiB of it.
    #[inline]
    pub(super) fn blank() -> Self {
        Self {
            bytes: ArrayVec::new_const(),
            start: 1,
            host_end: 1,
            path: None,
        }
    }

    /// Makes it the key of a request, or nothing when no route can have it.
    pub(super) fn fill(&mut self, host: &[u8], path: &'a [u8]) -> Option<()> {
        // compat: `OPTIONS *` is looked up as `host*`, which nobody can register (gorouter 2.2).
        if host.is_empty() || !(path.is_empty() || path.starts_with(b"/")) {
            return None;
        }
        self.bytes.push(b'*');
        self.bytes.try_extend_from_slice(host).ok()?;
        self.bytes.make_ascii_lowercase();
        self.host_end = self.bytes.len();
        let path = path.strip_suffix(b"/").unwrap_or(path);
        self.path = Some(path).filter(|path| !path.is_empty());
        Some(())
    }

    /// Where the host ends: the shortest prefix of the walk.
    pub(super) fn host_end(&self) -> usize {
        self.host_end
    }

    /// The key up to `end`.
    pub(super) fn prefix(&self, end: usize) -> &[u8] {
        self.bytes.get(self.start..end).unwrap_or_default()
    }

    /// The end of the prefix that is one segment longer, if the request has one more.
    pub(super) fn next_segment(&mut self, end: usize) -> Option<usize> {
        self.copy_path();
        let rest = self.bytes.get(end..)?;
        let inner = rest.get(1..)?;
        Some(memchr::memchr(b'/', inner).map_or(self.bytes.len(), |slash| end + 1 + slash))
    }

    /// Replaces the leftmost label by `*`; false when no label is left.
    ///
    // compat: gorouter looks for the dot in the path too, so `/foo.example.com/x` at an unknown host
    // reaches `*.example.com` (route/uris.go, NextWildcard). Ours stops at the host.
    pub(super) fn next_wildcard(&mut self) -> bool {
        let host = self
            .bytes
            .get(self.start..self.host_end)
            .unwrap_or_default();
        let skipped = if host.starts_with(b"*.") { 2 } else { 0 };
        let Some(dot) = memchr::memchr(b'.', host.get(skipped..).unwrap_or_default()) else {
            return false;
        };
        // invariant: `start` is at least 1, so there is always a byte before the dot.
        self.start = self.start + skipped + dot - 1;
        if let Some(star) = self.bytes.get_mut(self.start) {
            *star = b'*';
        }
        true
    }

    /// Copies as much of the path as a registered key can have.
    fn copy_path(&mut self) {
        let Some(path) = self.path.take() else { return };
        let room = self.bytes.remaining_capacity();
        // invariant: a cut path ends at a segment boundary, or a longer segment would match a shorter.
        let fitting = match path.get(..=room) {
            None => path,
            Some(long) => long
                .get(..memchr::memrchr(b'/', long).unwrap_or(0))
                .unwrap_or_default(),
        };
        let from = self.bytes.len();
        // invariant: `fitting` is no longer than the room that was measured.
        let _fits = self.bytes.try_extend_from_slice(fitting);
        if let Some(copied) = self.bytes.get_mut(from..) {
            copied.make_ascii_lowercase();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request_key<'a>(host: &str, path: &'a str) -> Option<RequestKey<'a>> {
        let mut request = RequestKey::blank();
        request.fill(host.as_bytes(), path.as_bytes())?;
        Some(request)
    }

    fn prefixes(host: &str, path: &str) -> Vec<String> {
        let mut request = request_key(host, path).unwrap();
        let mut end = Some(request.host_end());
        let mut seen = Vec::new();
        while let Some(at) = end {
            seen.push(String::from_utf8(request.prefix(at).to_vec()).unwrap());
            end = request.next_segment(at);
        }
        seen
    }

    #[test]
    fn a_request_is_walked_by_segments() {
        assert_eq!(prefixes("H", ""), ["h"]);
        assert_eq!(prefixes("H", "/"), ["h"]);
        assert_eq!(prefixes("H", "/A/b/"), ["h", "h/a", "h/a/b"]);
        assert_eq!(prefixes("h", "//a"), ["h", "h/", "h//a"]);
        assert_eq!(prefixes("h", "//"), ["h", "h/"]);
    }

    #[test]
    fn a_request_longer_than_any_key_is_cut_at_a_segment() {
        let path = format!("/ab/{}", "c".repeat(2 * MAX_KEY_BYTES));
        assert_eq!(prefixes("h", &path), ["h", "h/ab"]);
        assert_eq!(
            prefixes("h", &"d".repeat(MAX_KEY_BYTES).replacen('d', "/", 1)),
            ["h"]
        );
    }

    #[test]
    fn wildcards_replace_labels_from_the_left_and_leave_the_path() {
        let mut request = request_key("a.b.C", "/x.y").unwrap();
        let mut seen = Vec::new();
        while request.next_wildcard() {
            let end = request.host_end();
            let end = request.next_segment(end).unwrap();
            seen.push(String::from_utf8(request.prefix(end).to_vec()).unwrap());
        }
        assert_eq!(seen, ["*.b.c/x.y", "*.c/x.y"]);
    }

    #[test]
    fn an_asterisk_or_an_absent_host_has_no_key() {
        assert!(request_key("h", "*").is_none());
        assert!(request_key("", "/").is_none());
    }
}
