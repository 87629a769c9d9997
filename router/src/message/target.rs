//! The request target and the authority that it, or the `Host` field, names.

use super::block::Span;

/// What form a request target has (RFC 9112 3.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TargetForm {
    /// `/path?query`
    Origin {
        /// The path, without the query.
        path: Span,
    },
    /// `http://host/path?query`: its authority wins over `Host` (RFC 9112 3.2.2).
    Absolute {
        /// `host` or `host:port`.
        authority: Span,
        /// The path, without the query; may be empty.
        path: Span,
    },
    /// `*`, with `OPTIONS` only.
    Asterisk,
    /// `host:port`, with `CONNECT` only.
    Authority,
}

/// What is wrong with a target.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TargetFault {
    /// None of the four forms, or a form that the method does not allow.
    Form,
    /// An absolute target without a host, or with a user name in it.
    Authority,
    /// An absolute target that is neither `http` nor `https`.
    Scheme,
}

impl TargetForm {
    /// Reads the form of `target`, which stands at `offset` of its buffer.
    ///
    /// # Errors
    ///
    /// Fails when the target has no form that this method allows.
    pub fn read(method: &[u8], target: &[u8], offset: usize) -> Result<Self, TargetFault> {
        match (method, target) {
            (b"CONNECT", [b'/', ..]) => Err(TargetFault::Form),
            (b"CONNECT", _) => Ok(Self::Authority),
            (b"OPTIONS", b"*") => Ok(Self::Asterisk),
            (_, [b'/', ..]) => Ok(Self::Origin {
                path: Span::new(offset, path_length(target)),
            }),
            _ => Self::read_absolute(target, offset),
        }
    }

    fn read_absolute(target: &[u8], offset: usize) -> Result<Self, TargetFault> {
        let colon = memchr::memchr(b':', target).ok_or(TargetFault::Form)?;
        let (scheme, rest) = target.split_at_checked(colon).ok_or(TargetFault::Form)?;
        let rest = rest.strip_prefix(b"://").ok_or(TargetFault::Form)?;
        if !scheme.eq_ignore_ascii_case(b"http") && !scheme.eq_ignore_ascii_case(b"https") {
            return Err(TargetFault::Scheme);
        }
        let length = rest
            .iter()
            .position(|byte| matches!(byte, b'/' | b'?' | b'#'))
            .unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(length).ok_or(TargetFault::Form)?;
        if host_without_port(authority).is_empty() || !is_valid_host(authority) {
            return Err(TargetFault::Authority);
        }
        let start = offset + colon + 3;
        Ok(Self::Absolute {
            authority: Span::new(start, length),
            path: Span::new(start + length, path_length(path)),
        })
    }
}

/// Length of the path part: up to the query.
fn path_length(target: &[u8]) -> usize {
    find(b'?', target).unwrap_or(target.len())
}

/// Where `byte` is first.
// perf: hosts and paths are short, and for a few bytes a call of memchr costs more than it spares.
fn find(byte: u8, text: &[u8]) -> Option<usize> {
    if text.len() <= SHORT_BYTES {
        text.iter().position(|other| *other == byte)
    } else {
        memchr::memchr(byte, text)
    }
}

/// Up to here a text is looked through byte by byte.
const SHORT_BYTES: usize = 24;

/// The host without its port: cut at the first colon, so that an IPv6 literal becomes `[`.
#[must_use]
pub fn host_without_port(host: &[u8]) -> &[u8] {
    // compat: gorouter cuts at the first colon as well (gorouter 2.2).
    find(b':', host)
        .and_then(|colon| host.get(..colon))
        .unwrap_or(host)
}

/// May these bytes stand in a `Host` field? The characters are those that Go's HTTP server
/// accepts (RFC 3986 3.2.2 without user names), but for the comma: `a,b` is what a proxy in front
/// makes of two `Host` fields, and two hosts are none.
#[must_use]
pub fn is_valid_host(host: &[u8]) -> bool {
    let may_stand = |byte: &u8| HOST_BYTES.get(usize::from(*byte)).is_some_and(|yes| *yes);
    host.iter().all(may_stand)
}

// perf: one look for each byte, where the ranges would be compared one after the other.
static HOST_BYTES: [bool; 256] = host_bytes();

#[expect(
    clippy::indexing_slicing,
    reason = "done by the compiler, which refuses what is out of bounds"
)]
const fn host_bytes() -> [bool; 256] {
    const MARKS: &[u8] = b"-._~!$&'()*+;=:[]%";
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128_u8 {
        table[byte as usize] = byte.is_ascii_alphanumeric();
        byte += 1;
    }
    let mut mark = 0;
    while mark < MARKS.len() {
        table[MARKS[mark] as usize] = true;
        mark += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_found_in_short_and_in_long_texts() {
        for length in 0..64 {
            let mut text = vec![b'a'; length];
            assert_eq!(find(b':', &text), None);
            for at in 0..length {
                text[at..].fill(b':');
                assert_eq!(find(b':', &text), Some(at));
                text[at..].fill(b'a');
            }
        }
    }

    #[test]
    fn hosts_have_the_characters_of_gos_server_but_the_comma() {
        let letters = ('0'..='9').chain('a'..='z').chain('A'..='Z');
        let valid: Vec<u8> = letters
            .map(|c| c as u8)
            .chain(*b"-._~!$&'()*+;=:[]%")
            .collect();
        for byte in 0..=255 {
            assert_eq!(is_valid_host(&[byte]), valid.contains(&byte), "{byte:#x}");
        }
    }

    fn read(method: &str, target: &str) -> Result<TargetForm, TargetFault> {
        TargetForm::read(method.as_bytes(), target.as_bytes(), 0)
    }

    #[test]
    fn an_absolute_target_names_its_authority() {
        let target = "http://a.example:8080/x/y?q=1";
        let Ok(TargetForm::Absolute { authority, path }) = read("GET", target) else {
            panic!("not absolute")
        };
        assert_eq!(authority.of(target.as_bytes()), b"a.example:8080");
        assert_eq!(path.of(target.as_bytes()), b"/x/y");
    }

    #[test]
    fn the_path_of_an_origin_target_ends_at_the_query() {
        let Ok(TargetForm::Origin { path }) = read("GET", "/a?b=/c") else {
            panic!("not origin")
        };
        assert_eq!(path.len(), 2);
    }

    #[test]
    fn faulty_targets_are_refused() {
        assert_eq!(read("GET", "http:///x"), Err(TargetFault::Authority));
        assert_eq!(read("GET", "http://u@h/x"), Err(TargetFault::Authority));
        assert_eq!(read("GET", "ftp://h/x"), Err(TargetFault::Scheme));
        assert_eq!(read("GET", "*"), Err(TargetFault::Form));
        assert_eq!(read("GET", "a.example:80"), Err(TargetFault::Form));
        assert_eq!(read("CONNECT", "/"), Err(TargetFault::Form));
    }

    #[test]
    fn the_asterisk_is_for_options_and_the_authority_for_connect() {
        assert_eq!(read("OPTIONS", "*"), Ok(TargetForm::Asterisk));
        assert_eq!(read("CONNECT", "a.example:443"), Ok(TargetForm::Authority));
    }

    #[test]
    fn a_port_is_no_part_of_the_host() {
        assert_eq!(host_without_port(b"a.example:80"), b"a.example");
        assert_eq!(host_without_port(b"[::1]:80"), b"[");
    }
}
