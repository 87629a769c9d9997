//! Which answer a target asks for, as bytes.

use crate::head::{self, After, Body, Framing};

/// What to do about one request head.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Request {
    /// Bytes of body that follow the head and are thrown away.
    pub(super) body_bytes: u64,
    /// Whether the connection lives on.
    pub(super) after: After,
    /// The wanted answer.
    pub(super) answer: Answer,
}

/// An answer that the origin knows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Answer {
    /// Twelve bytes, at once.
    Small,
    /// Twelve bytes, a second later.
    Slow,
    /// This many bytes with a length.
    Sized(u64),
    /// This many bytes in chunks.
    Chunked(usize),
    /// A target that is not known.
    NotFound,
    /// A body without a length, which nothing in a bench sends.
    LengthRequired,
}

impl Request {
    /// Reads a complete head.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let Framing { body, after } = head::framing(bytes);
        let old = head::target(bytes).is_none() || bytes.windows(10).any(|w| w == b" HTTP/1.0\r");
        let after = if old { After::Close } else { after };
        match body {
            Body::Chunked => Self {
                body_bytes: 0,
                after: After::Close,
                answer: Answer::LengthRequired,
            },
            Body::Length(body_bytes) => Self {
                body_bytes,
                after,
                answer: Answer::to(bytes),
            },
            Body::Unstated => Self {
                body_bytes: 0,
                after,
                answer: Answer::to(bytes),
            },
        }
    }
}

impl Answer {
    fn to(head: &[u8]) -> Self {
        let target = head::target(head).unwrap_or_default();
        if target == b"/" {
            return Self::Small;
        }
        if target == b"/slow" {
            return Self::Slow;
        }
        let sized = target.strip_prefix(b"/bytes/").and_then(head::number);
        let chunked = target.strip_prefix(b"/chunked/").and_then(head::number);
        match (sized, chunked.and_then(|bytes| usize::try_from(bytes).ok())) {
            (Some(bytes), _) => Self::Sized(bytes),
            (None, Some(bytes)) if bytes <= MAX_CHUNKED_BYTES => Self::Chunked(bytes),
            _ => Self::NotFound,
        }
    }

    /// Appends the answer to `out`; gives the bytes of filler that must follow it.
    pub(super) fn write(self, after: After, out: &mut Vec<u8>) -> u64 {
        match self {
            Self::Small | Self::Slow if after == After::Keep => {
                out.extend_from_slice(SMALL);
                0
            }
            Self::Small | Self::Slow => plain(out, "200 OK", after, b"Hello world\n"),
            Self::NotFound => plain(out, "404 Not Found", after, b"no such thing\n"),
            Self::LengthRequired => plain(out, "411 Length Required", after, b""),
            Self::Sized(bytes) => {
                start(out, "200 OK", after);
                out.extend_from_slice(format!("Content-Length: {bytes}\r\n\r\n").as_bytes());
                bytes
            }
            Self::Chunked(bytes) => {
                start(out, "200 OK", after);
                out.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
                write_chunks(bytes, out);
                0
            }
        }
    }
}

fn plain(out: &mut Vec<u8>, status: &str, after: After, body: &[u8]) -> u64 {
    start(out, status, after);
    out.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
    out.extend_from_slice(body);
    0
}

fn start(out: &mut Vec<u8>, status: &str, after: After) {
    out.extend_from_slice(format!("HTTP/1.1 {status}\r\n").as_bytes());
    out.extend_from_slice(FIELDS);
    if after == After::Close {
        out.extend_from_slice(b"Connection: close\r\n");
    }
}

fn write_chunks(bytes: usize, out: &mut Vec<u8>) {
    let mut left = bytes;
    while left > 0 {
        let chunk = left.min(CHUNK_BYTES);
        out.extend_from_slice(format!("{chunk:x}\r\n").as_bytes());
        out.resize(out.len() + chunk, FILLER);
        out.extend_from_slice(b"\r\n");
        left -= chunk;
    }
    out.extend_from_slice(b"0\r\n\r\n");
}

/// The byte that bodies are made of.
pub(super) const FILLER: u8 = b'x';

const CHUNK_BYTES: usize = 4096;
const MAX_CHUNKED_BYTES: usize = 16 << 20;
// A fixed date: applications send one, and a proxy that adds it where it is missing must not work more than the others.
const FIELDS: &[u8] =
    b"Date: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: text/plain; charset=utf-8\r\n";
const SMALL: &[u8] = b"HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n\
Content-Type: text/plain; charset=utf-8\r\nContent-Length: 12\r\n\r\nHello world\n";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunked::{Chunked, Progress};

    fn answer_to(target: &str) -> Answer {
        Request::read(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).answer
    }

    #[test]
    fn targets_name_their_answers() {
        assert_eq!(answer_to("/"), Answer::Small);
        assert_eq!(answer_to("/slow"), Answer::Slow);
        assert_eq!(answer_to("/bytes/65536"), Answer::Sized(65536));
        assert_eq!(answer_to("/chunked/10000"), Answer::Chunked(10000));
        assert_eq!(answer_to("/chunked/99999999999"), Answer::NotFound);
        assert_eq!(answer_to("/other"), Answer::NotFound);
    }

    #[test]
    fn http_1_0_closes() {
        assert_eq!(Request::read(b"GET / HTTP/1.0\r\n\r\n").after, After::Close);
    }

    #[test]
    fn chunks_add_up() {
        let mut out = Vec::new();
        Answer::Chunked(10_000).write(After::Keep, &mut out);
        let body = &out[head::end(&out).unwrap()..];
        let mut chunked = Chunked::new();
        assert_eq!(chunked.read(body), Progress::Done(body.len()));
        assert_eq!(chunked.data_bytes(), 10_000);
    }

    #[test]
    fn the_ready_made_answer_is_what_would_be_built() {
        let mut built = Vec::new();
        plain(&mut built, "200 OK", After::Keep, b"Hello world\n");
        assert_eq!(built, SMALL);
    }
}
