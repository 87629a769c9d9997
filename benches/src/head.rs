//! Just enough of an HTTP/1 head to frame what follows it, for both ends of a bench.

use memchr::{memchr, memmem};

/// What follows a head.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Body {
    /// Neither a length nor an encoding was given.
    Unstated,
    /// `Content-Length`, in bytes.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
}

/// What becomes of the connection after this message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum After {
    /// Another message may follow.
    Keep,
    /// The sender said `Connection: close`.
    Close,
}

/// The framing of one message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Framing {
    /// What follows the head.
    pub body: Body,
    /// What follows the message.
    pub after: After,
}

/// The length of the head at the front of `bytes` with its empty line, once it is complete.
pub fn end(bytes: &[u8]) -> Option<usize> {
    memmem::find(bytes, b"\r\n\r\n").map(|at| at + 4)
}

/// Reads the framing of a complete head. Fields that are not about framing are skipped unread.
pub fn framing(head: &[u8]) -> Framing {
    let mut found = Framing {
        body: Body::Unstated,
        after: After::Keep,
    };
    let mut rest = head;
    while let Some(line_end) = memchr(b'\n', rest) {
        let (line, next) = rest.split_at(line_end);
        rest = next.get(1..).unwrap_or_default();
        // perf: two letters decide for nearly every field.
        if !matches!(line.first(), Some(b'c' | b'C' | b't' | b'T')) {
            continue;
        }
        let Some((name, value)) = line.split_once_colon() else {
            continue;
        };
        if name.eq_ignore_ascii_case(b"content-length") {
            found.body = number(value).map_or(found.body, Body::Length);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            found.body = Body::Chunked;
        } else if name.eq_ignore_ascii_case(b"connection") && value.eq_ignore_ascii_case(b"close") {
            found.after = After::Close;
        }
    }
    found
}

/// The three digits of a status line.
pub fn status(head: &[u8]) -> Option<u16> {
    let digits = head.get(9..12)?;
    u16::try_from(number(digits)?).ok()
}

/// The second word of a request line.
pub fn target(head: &[u8]) -> Option<&[u8]> {
    let line = head.get(..memchr(b'\r', head)?)?;
    line.split(|&byte| byte == b' ').nth(1)
}

/// A decimal number that fills `text`.
pub fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |sum, &digit| {
        let value = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        sum.checked_mul(10)?.checked_add(value)
    })
}

trait SplitField {
    fn split_once_colon(&self) -> Option<(&[u8], &[u8])>;
}

impl SplitField for [u8] {
    fn split_once_colon(&self) -> Option<(&[u8], &[u8])> {
        let colon = memchr(b':', self)?;
        let (name, value) = self.split_at(colon);
        Some((name, value.get(1..)?.trim_ascii()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_at_its_empty_line() {
        assert_eq!(end(b"GET / HTTP/1.1\r\nHost: a\r\n"), None);
        assert_eq!(end(b"GET / HTTP/1.1\r\n\r\nrest"), Some(18));
    }

    #[test]
    fn framing_ignores_case_and_space() {
        let head = b"HTTP/1.1 200 OK\r\nCONTENT-length:  12 \r\nconnection: Close\r\n\r\n";
        assert_eq!(
            framing(head),
            Framing {
                body: Body::Length(12),
                after: After::Close
            }
        );
    }

    #[test]
    fn a_bad_length_is_not_a_length() {
        assert_eq!(
            framing(b"X\r\nContent-Length: 1x\r\n\r\n").body,
            Body::Unstated
        );
        assert_eq!(number(b"99999999999999999999"), None);
    }

    #[test]
    fn chunked_is_seen() {
        assert_eq!(
            framing(b"X\r\nTransfer-Encoding: chunked\r\n\r\n").body,
            Body::Chunked
        );
    }

    #[test]
    fn the_target_is_the_second_word() {
        assert_eq!(
            target(b"GET /bytes/12 HTTP/1.1\r\n\r\n"),
            Some(&b"/bytes/12"[..])
        );
        assert_eq!(target(b"nonsense\r\n\r\n"), None);
    }

    #[test]
    fn the_status_is_three_digits() {
        assert_eq!(status(b"HTTP/1.1 404 Not Found\r\n\r\n"), Some(404));
        assert_eq!(status(b"HTTP/1.1 4x4\r\n\r\n"), None);
    }
}
