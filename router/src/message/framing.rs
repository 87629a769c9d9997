//! How the body behind a head is delimited (RFC 9112 6). No bytes, only the decision.

use super::block::FieldBlock;
use super::head::Version;
use super::names::FieldName;

/// How a body ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Framing {
    /// There is no body.
    Empty,
    /// After exactly this many bytes, at least one.
    Length(u64),
    /// With the last chunk.
    Chunked,
    /// When the connection closes; answers only.
    UntilClose,
}

impl Framing {
    /// The framing of a known length.
    #[must_use]
    pub fn of_length(length: u64) -> Self {
        if length == 0 {
            Self::Empty
        } else {
            Self::Length(length)
        }
    }

    /// Is there no body?
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::Empty
    }
}

/// Why the end of a body cannot be known for certain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FramingFault {
    /// Both `Content-Length` and `Transfer-Encoding` (RFC 9112 6.1, 6.3).
    BothFramings,
    /// A `Content-Length` that is not a number, or not one that fits (RFC 9110 8.6).
    MalformedLength,
    /// Several `Content-Length` fields.
    SeveralLengths,
    /// A `Transfer-Encoding` other than exactly `chunked`.
    UnknownCoding,
    /// `Transfer-Encoding` in an HTTP/1.0 message (RFC 9112 6.1).
    CodingInOldVersion,
}

struct Declared {
    length: Option<u64>,
    chunked: bool,
}

/// What lengths and codings the fields declare; `same_lengths` allows equal repetitions.
fn declared(
    block: &FieldBlock,
    version: Version,
    same_lengths: bool,
) -> Result<Declared, FramingFault> {
    let mut declared = Declared {
        length: None,
        chunked: false,
    };
    if !block.has(FieldName::ContentLength) && !block.has(FieldName::TransferEncoding) {
        return Ok(declared);
    }
    let bytes = block.bytes();
    for field in block.fields() {
        match field.name {
            FieldName::ContentLength => {
                let length =
                    parse_length(field.value.of(bytes)).ok_or(FramingFault::MalformedLength)?;
                match declared.length {
                    Some(first) if !same_lengths || first != length => {
                        return Err(FramingFault::SeveralLengths);
                    }
                    _ => declared.length = Some(length),
                }
            }
            FieldName::TransferEncoding => {
                let is_chunked = field.value.of(bytes).eq_ignore_ascii_case(b"chunked");
                if declared.chunked || !is_chunked {
                    return Err(FramingFault::UnknownCoding);
                }
                declared.chunked = true;
            }
            _ => {}
        }
    }
    match declared {
        Declared {
            length: Some(_),
            chunked: true,
        } => Err(FramingFault::BothFramings),
        Declared { chunked: true, .. } if version == Version::Http10 => {
            Err(FramingFault::CodingInOldVersion)
        }
        _ => Ok(declared),
    }
}

/// Digits only, at most 19 of them, so that it cannot overflow.
fn parse_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > 19 {
        return None;
    }
    value.iter().try_fold(0_u64, |length, byte| {
        byte.is_ascii_digit()
            .then(|| length * 10 + u64::from(byte - b'0'))
    })
}

/// The framing of a request's body.
///
/// # Errors
///
/// Fails whenever another reader of the same bytes could see another end: the request must be
/// refused and its connection closed.
pub fn request_framing(block: &FieldBlock, version: Version) -> Result<Framing, FramingFault> {
    let declared = declared(block, version, false)?;
    Ok(match declared {
        Declared { chunked: true, .. } => Framing::Chunked,
        // RFC 9112 6.3 (7): a request without a length has no body, in HTTP/1.0 as well.
        Declared { length, .. } => Framing::of_length(length.unwrap_or_default()),
    })
}

/// The framing of an answer's body. `bodiless` says that the request was `HEAD`.
///
/// # Errors
///
/// Fails when the answer's end is ambiguous: it must become a 502.
pub fn response_framing(
    block: &FieldBlock,
    version: Version,
    status: u16,
    bodiless: bool,
) -> Result<Framing, FramingFault> {
    let declared = declared(block, version, true)?;
    if bodiless || status < 200 || status == 204 || status == 304 {
        return Ok(Framing::Empty);
    }
    Ok(match declared {
        Declared { chunked: true, .. } => Framing::Chunked,
        Declared {
            length: Some(length),
            ..
        } => Framing::of_length(length),
        Declared { length: None, .. } => Framing::UntilClose,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::block::block_of;

    fn request(fields: &str) -> Result<Framing, FramingFault> {
        request_framing(&block_of(fields), Version::Http11)
    }

    fn response(status: u16, fields: &str) -> Result<Framing, FramingFault> {
        response_framing(&block_of(fields), Version::Http11, status, false)
    }

    #[test]
    fn a_request_is_empty_sized_or_chunked() {
        assert_eq!(request(""), Ok(Framing::Empty));
        assert_eq!(request("Content-Length: 0\r\n"), Ok(Framing::Empty));
        assert_eq!(
            request("Content-Length: 0000000010\r\n"),
            Ok(Framing::Length(10))
        );
        assert_eq!(
            request("transfer-encoding: Chunked\r\n"),
            Ok(Framing::Chunked)
        );
    }

    #[test]
    fn an_ambiguous_request_is_a_fault() {
        for (fields, fault) in [
            (
                "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                FramingFault::BothFramings,
            ),
            (
                "Content-Length: 5\r\nContent-Length: 5\r\n",
                FramingFault::SeveralLengths,
            ),
            ("Content-Length: 5, 5\r\n", FramingFault::MalformedLength),
            ("Content-Length: +5\r\n", FramingFault::MalformedLength),
            ("Content-Length: 0x5\r\n", FramingFault::MalformedLength),
            ("Content-Length: -5\r\n", FramingFault::MalformedLength),
            ("Content-Length:\r\n", FramingFault::MalformedLength),
            (
                "Content-Length: 18446744073709551621\r\n",
                FramingFault::MalformedLength,
            ),
            (
                "Transfer-Encoding: identity\r\n",
                FramingFault::UnknownCoding,
            ),
            (
                "Transfer-Encoding: xchunked\r\n",
                FramingFault::UnknownCoding,
            ),
            (
                "Transfer-Encoding: gzip, chunked\r\n",
                FramingFault::UnknownCoding,
            ),
            (
                "Transfer-Encoding: ,chunked\r\n",
                FramingFault::UnknownCoding,
            ),
            (
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n",
                FramingFault::UnknownCoding,
            ),
            (
                "Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n",
                FramingFault::UnknownCoding,
            ),
            (
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                FramingFault::UnknownCoding,
            ),
        ] {
            assert_eq!(request(fields), Err(fault), "{fields:?}");
        }
    }

    #[test]
    fn a_coding_in_http_1_0_is_a_fault() {
        let block = block_of("Transfer-Encoding: chunked\r\n");
        assert_eq!(
            request_framing(&block, Version::Http10),
            Err(FramingFault::CodingInOldVersion)
        );
    }

    #[test]
    fn an_answer_without_a_length_ends_with_its_connection() {
        assert_eq!(response(200, ""), Ok(Framing::UntilClose));
        assert_eq!(
            response(200, "Content-Length: 3\r\n"),
            Ok(Framing::Length(3))
        );
        assert_eq!(
            response(200, "Transfer-Encoding: chunked\r\n"),
            Ok(Framing::Chunked)
        );
    }

    #[test]
    fn some_answers_never_have_a_body() {
        for status in [100, 103, 204, 304] {
            assert_eq!(
                response(status, "Content-Length: 3\r\n"),
                Ok(Framing::Empty),
                "{status}"
            );
        }
        let block = block_of("Content-Length: 3\r\n");
        assert_eq!(
            response_framing(&block, Version::Http11, 200, true),
            Ok(Framing::Empty)
        );
    }

    #[test]
    fn an_answer_may_repeat_one_length_but_not_contradict_itself() {
        assert_eq!(
            response(200, "Content-Length: 3\r\nContent-Length: 3\r\n"),
            Ok(Framing::Length(3))
        );
        assert_eq!(
            response(200, "Content-Length: 3\r\nContent-Length: 4\r\n"),
            Err(FramingFault::SeveralLengths)
        );
    }
}
