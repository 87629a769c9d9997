//! Heads of HTTP/1: httparse finds the parts, and what it would let pass is refused here.

use std::mem::MaybeUninit;

use crate::buffers::Buffer;
use crate::message::{
    Field, FieldBlock, FieldName, FramingFault, RequestFault, RequestHead, RequestLine,
    ResponseHead, Span, StatusLine, Version, take_list,
};

/// Why a head cannot be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HeadFault {
    /// A line that ends in a bare LF (RFC 9112 2.2).
    BareLf,
    /// The body's end is ambiguous (answers).
    Framing(FramingFault),
    /// Not the grammar of RFC 9112: blanks before a colon, a folded line, NUL or CR inside, …
    Malformed,
    /// What it says is refused (requests).
    Request(RequestFault),
    /// More bytes or fields than the limit.
    TooLarge,
    /// A version other than HTTP/1.0 and HTTP/1.1.
    Version,
}

/// Fields that fit on the stack; a head with more takes the slow way.
const USUAL_FIELDS: usize = 64;
/// The most fields that any head may have.
const MOST_FIELDS: usize = 16 * 1024;

/// What httparse found, as offsets.
struct Parts<L> {
    line: L,
    fields: Vec<Field>,
}

/// Reads a request head that [`HeadScan`](super::HeadScan) found complete. The buffer holds the head and nothing
/// else.
///
/// # Errors
///
/// Fails when the request must be refused; the head comes back for the log where there is one.
pub fn request_head(bytes: Buffer) -> Result<RequestHead, HeadFault> {
    let Parts { line, fields } = with_slots(|slots| request_parts(bytes.filled(), slots))?;
    RequestHead::read(FieldBlock::new(bytes, fields), line)
        .map_err(|(fault, _)| HeadFault::Request(fault))
}

/// Reads an answer's head that [`HeadScan`](super::HeadScan) found complete. `bodiless`: it answers a `HEAD`.
///
/// # Errors
///
/// Fails when the answer must become a 502.
pub fn response_head(bytes: Buffer, bodiless: bool) -> Result<ResponseHead, HeadFault> {
    let Parts { line, fields } = with_slots(|slots| response_parts(bytes.filled(), slots))?;
    ResponseHead::read(FieldBlock::new(bytes, fields), line, bodiless).map_err(HeadFault::Framing)
}

/// Reads a trailer section, empty line included.
///
/// # Errors
///
/// Fails when it is not the grammar of RFC 9112 7.1.2.
pub fn trailers(bytes: Buffer) -> Result<FieldBlock, HeadFault> {
    let fields = with_slots(|slots| {
        let base = bytes.filled();
        let mut slots = Slots::initialised(slots.len());
        match httparse::parse_headers(base, &mut slots.0) {
            Ok(httparse::Status::Complete((_, headers))) => Ok(spans(base, headers)),
            Ok(httparse::Status::Partial) => Err(HeadFault::Malformed),
            Err(error) => Err(fault_of(error)),
        }
    })?;
    Ok(FieldBlock::new(bytes, fields))
}

/// httparse's own slots, for the one parser that takes no uninitialised ones.
struct Slots<'b>(Vec<httparse::Header<'b>>);

impl Slots<'_> {
    fn initialised(count: usize) -> Self {
        Self(vec![httparse::EMPTY_HEADER; count])
    }
}

type RawSlots<'a, 'b> = &'a mut [MaybeUninit<httparse::Header<'b>>];

/// Parses with a few slots from the stack, and again with many from the heap where those are
/// not enough.
fn with_slots<'b, T>(
    parse: impl Fn(RawSlots<'_, 'b>) -> Result<T, HeadFault>,
) -> Result<T, HeadFault> {
    let mut usual = [const { MaybeUninit::uninit() }; USUAL_FIELDS];
    match parse(&mut usual) {
        Err(HeadFault::TooLarge) => {
            let mut many: Vec<_> = std::iter::repeat_with(MaybeUninit::uninit)
                .take(MOST_FIELDS)
                .collect();
            parse(&mut many)
        }
        result => result,
    }
}

fn request_parts<'b>(
    base: &'b [u8],
    slots: RawSlots<'_, 'b>,
) -> Result<Parts<RequestLine>, HeadFault> {
    let mut request = httparse::Request::new(&mut []);
    match request.parse_with_uninit_headers(base, slots) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return Err(HeadFault::Malformed),
        Err(httparse::Error::Version) if !names_a_version(base) => {
            return Err(HeadFault::Malformed);
        }
        Err(error) => return Err(fault_of(error)),
    }
    let (Some(method), Some(target), Some(version)) =
        (request.method, request.path, request.version)
    else {
        return Err(HeadFault::Malformed);
    };
    let target_start = offset(base, target.as_bytes());
    Ok(Parts {
        line: RequestLine {
            method: span(base, method.as_bytes()),
            target: Span::new(target_start, target.len()),
            target_start,
            version: version_of(version),
        },
        fields: spans(base, request.headers),
    })
}

fn response_parts<'b>(
    base: &'b [u8],
    slots: RawSlots<'_, 'b>,
) -> Result<Parts<StatusLine>, HeadFault> {
    let mut response = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    match config.parse_response_with_uninit_headers(&mut response, base, slots) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return Err(HeadFault::Malformed),
        Err(error) => return Err(fault_of(error)),
    }
    let (Some(status), Some(version)) = (response.code, response.version) else {
        return Err(HeadFault::Malformed);
    };
    if status < 100 {
        return Err(HeadFault::Malformed);
    }
    let reason = response
        .reason
        .map_or_else(Span::default, |reason| span(base, reason.as_bytes()));
    Ok(Parts {
        line: StatusLine {
            status,
            reason,
            version: version_of(version),
        },
        fields: spans(base, response.headers),
    })
}

/// Does the request line have three parts of which the last is a version, though not one of ours?
fn names_a_version(head: &[u8]) -> bool {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let mut parts = line.split(|byte| *byte == b' ');
    let version = parts
        .nth(2)
        .and_then(|version| version.strip_prefix(b"HTTP/"));
    let is_version = |text: &[u8]| {
        let mut digits = text.split(|byte| *byte == b'.');
        digits.all(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit))
    };
    parts.next().is_none() && version.is_some_and(is_version)
}

fn version_of(minor: u8) -> Version {
    if minor == 0 {
        Version::Http10
    } else {
        Version::Http11
    }
}

fn fault_of(error: httparse::Error) -> HeadFault {
    match error {
        httparse::Error::TooManyHeaders => HeadFault::TooLarge,
        httparse::Error::Version => HeadFault::Version,
        _ => HeadFault::Malformed,
    }
}

/// Where `part`, a slice of `base`, starts in it.
fn offset(base: &[u8], part: &[u8]) -> usize {
    part.as_ptr() as usize - base.as_ptr() as usize
}

fn span(base: &[u8], part: &[u8]) -> Span {
    // An empty part may be a constant of the parser instead of a slice of `base`.
    if part.is_empty() {
        Span::default()
    } else {
        Span::new(offset(base, part), part.len())
    }
}

fn spans(base: &[u8], headers: &[httparse::Header<'_>]) -> Vec<Field> {
    let mut fields = take_list();
    fields.extend(headers.iter().map(|header| Field {
        name: FieldName::recognise(header.name.as_bytes()),
        spelling: span(base, header.name.as_bytes()),
        value: span(base, header.value.trim_ascii()),
    }));
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buffers::Class;
    use crate::message::Method;
    use crate::wire::h1::HeadScan;

    fn buffer(text: &[u8]) -> Buffer {
        let mut buffer = Buffer::checkout(Class::Head);
        buffer.append(text).unwrap();
        buffer
    }

    fn request(text: &str) -> Result<RequestHead, HeadFault> {
        let mut scan = HeadScan::default();
        assert_eq!(scan.advance(text.as_bytes())?, Some(text.len()), "{text:?}");
        request_head(buffer(text.as_bytes()))
    }

    #[test]
    fn a_request_head_is_read_where_it_stands() {
        let head =
            request("GET /a?b HTTP/1.1\r\nHost: A.example:80\r\nX-Thing:  v \r\n\r\n").unwrap();
        assert_eq!(head.method(), Method::Get);
        assert_eq!(head.target(), b"/a?b");
        assert_eq!(head.path(), b"/a");
        assert_eq!(head.host(), b"A.example");
        assert_eq!(head.block().value_named("x-thing"), Some(b"v".as_slice()));
    }

    #[test]
    fn what_rfc_9112_forbids_is_a_fault() {
        for text in [
            "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
            "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n: empty\r\n\r\n",
            "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        ] {
            assert!(request(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn many_fields_take_the_slow_way() {
        let mut text = "GET / HTTP/1.1\r\nHost: a\r\n".to_owned();
        text.extend((0..300).map(|index| format!("X-{index}: {index}\r\n")));
        text.push_str("\r\n");
        assert_eq!(request(&text).unwrap().block().fields().len(), 301);
    }

    #[test]
    fn an_answer_needs_three_digits_and_a_known_version() {
        for text in [
            "HTTP/1.1 2000 OK\r\n\r\n",
            "ICY 200 OK\r\n\r\n",
            "HTTP/1.1 099 X\r\n\r\n",
            "HTTP/2 200\r\n\r\n",
        ] {
            assert!(
                response_head(buffer(text.as_bytes()), false).is_err(),
                "{text:?}"
            );
        }
        let head = response_head(buffer(b"HTTP/1.1 200 Fine\r\nA: b\r\n\r\n"), false).unwrap();
        assert_eq!((head.status(), head.reason()), (200, b"Fine".as_slice()));
    }

    #[test]
    fn trailers_are_fields() {
        let block = trailers(buffer(b"Expires: never\r\n\r\n")).unwrap();
        assert_eq!(block.value_named("expires"), Some(b"never".as_slice()));
        assert!(trailers(buffer(b"Expires : never\r\n\r\n")).is_err());
    }
}
