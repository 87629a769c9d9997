//! Entry points of the fuzz targets: any bytes in, a broken promise is a panic.

use crate::buffers::{Buffer, Class};
use crate::message::{FieldBlock, FieldName};
use crate::wire::h1::{self, ChunkFault, ChunkReader, HeadScan, Piece};

/// A request head that is taken has one meaning: one host, one framing, plain fields.
///
/// # Panics
///
/// When it has more, or when its end depends on how the bytes arrived.
pub fn request_head(bytes: &[u8]) {
    let Some(head) = whole_head(bytes).and_then(|whole| h1::request_head(whole).ok()) else {
        return;
    };
    let block = head.block();
    expect_plain(block);
    assert!(block.values(FieldName::Host).count() <= 1, "two hosts");
    let lengths = block.values(FieldName::ContentLength).count();
    assert!(lengths <= 1, "{lengths} lengths");
    assert!(!head.method_text().is_empty() && head.method_text().iter().copied().all(is_token));
    assert!(
        head.target()
            .iter()
            .all(|byte| *byte > b' ' && *byte != 0x7f),
        "a torn target"
    );
    let plain_host = |byte: &u8| byte.is_ascii_graphic() && !b"/\\,@".contains(byte);
    assert!(head.host().iter().all(plain_host), "a host that is none");
}

/// An endpoint's head that is taken has one framing, though it may say its length twice, and plain fields.
///
/// # Panics
///
/// When it has not, or when its end depends on how the bytes arrived.
pub fn response_head(bytes: &[u8]) {
    for bodiless in [false, true] {
        let Some(whole) = whole_head(bytes) else {
            return;
        };
        let Ok(head) = h1::response_head(whole, bodiless) else {
            continue;
        };
        expect_plain(head.block());
        let mut lengths = head.block().values(FieldName::ContentLength);
        let first = lengths.next().map(digits);
        assert!(
            lengths.all(|length| Some(digits(length)) == first),
            "lengths that disagree"
        );
        assert!((100..=999).contains(&head.status()));
    }
}

/// A chunked body is the same body, and ends at the same byte, however it arrives.
///
/// # Panics
///
/// When it is not.
pub fn chunked_body(bytes: &[u8]) {
    let whole = unchunk(bytes, bytes.len().max(1));
    for step in [1, 2, 7] {
        let pieces = unchunk(bytes, step);
        assert_eq!(pieces, whole, "in steps of {step}");
    }
}

/// See [`crate::route::fuzz_route_key`].
pub fn route_key(bytes: &[u8]) {
    crate::route::fuzz_route_key(bytes);
}

/// See [`crate::route::fuzz_lookup`].
pub fn lookup(bytes: &[u8]) {
    crate::route::fuzz_lookup(bytes);
}

/// See [`crate::config::fuzz_entry`].
pub fn config_file(bytes: &[u8]) {
    crate::config::fuzz_entry(bytes);
}

/// The head at the start of `bytes`; its end must not depend on where they were split.
fn whole_head(bytes: &[u8]) -> Option<Buffer> {
    let at_once = HeadScan::default().advance(bytes);
    let mut scan = HeadScan::default();
    let mut stepwise = Ok(None);
    for end in 1..=bytes.len() {
        stepwise = scan.advance(bytes.get(..end)?);
        if stepwise != Ok(None) {
            break;
        }
    }
    assert_eq!(
        stepwise, at_once,
        "the head ends elsewhere when it comes byte by byte"
    );
    let length = at_once.ok()??;
    let mut buffer = Buffer::checkout(Class::Head);
    buffer.append(bytes.get(..length)?).ok()?;
    Some(buffer)
}

fn expect_plain(block: &FieldBlock) {
    for (_, name, value) in block.iter() {
        assert!(
            !name.is_empty() && name.iter().copied().all(is_token),
            "a name that is none"
        );
        let control = |byte: &u8| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f;
        assert!(!value.iter().any(control), "a control byte in a value");
    }
    let codings = block.values(FieldName::TransferEncoding).count();
    let lengths = block.values(FieldName::ContentLength).count();
    assert!(
        codings <= 1 && (codings == 0 || lengths == 0),
        "{codings} codings and {lengths} lengths"
    );
}

/// A length without the zeros before it.
fn digits(length: &[u8]) -> &[u8] {
    let zeros = length.iter().take_while(|byte| **byte == b'0').count();
    length.get(zeros..).unwrap_or_default()
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The data of a chunked body that arrives `step` bytes at a time, and where it ended.
fn unchunk(bytes: &[u8], step: usize) -> (Vec<u8>, Result<Option<usize>, ChunkFault>) {
    let (mut reader, mut body) = (ChunkReader::default(), Vec::new());
    let (mut at, mut end) = (0, step.min(bytes.len()));
    loop {
        let window = bytes.get(at..end).unwrap_or_default();
        match reader.next(window) {
            Ok(Piece::Data { skip, len }) => {
                body.extend_from_slice(window.get(skip..skip + len).unwrap_or_default());
                reader.took(len);
                at += skip + len;
            }
            Ok(Piece::More) if end == bytes.len() => return (body, Ok(None)),
            Ok(Piece::More) => {
                at = end;
                end = (end + step).min(bytes.len());
            }
            Ok(Piece::End { used }) => return (body, Ok(Some(at + used))),
            Err(fault) => return (body, Err(fault)),
        }
    }
}
