//! The chunked coding (RFC 9112 7.1), read strictly and written anew.

use crate::buffers::{Buffer, Class};
use crate::message::FieldBlock;

use super::parse;
use super::scan::HeadScan;

/// What is wrong with a chunked body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ChunkFault {
    /// A chunk that does not end in CRLF where its size says.
    Delimiter,
    /// Extensions that are malformed, or more bytes of them than a whole body may have.
    Extension,
    /// A size that is not hexadecimal, or too large.
    Size,
    /// A trailer section that is malformed or too large.
    Trailer,
}

/// What comes next in the bytes that were given.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Piece {
    /// Skip `skip` bytes of framing; then `len` bytes of data stand there.
    Data {
        /// Framing bytes in front.
        skip: usize,
        /// Data bytes behind them, at least one.
        len: usize,
    },
    /// All of it was framing; more is needed.
    More,
    /// The body has ended; `used` bytes belonged to it.
    End {
        /// Framing bytes.
        used: usize,
    },
}

/// Extension bytes that one body may carry (CVE-2023-39326).
const MOST_EXTENSION_BYTES: u32 = 16 * 1024;
/// Bytes of a trailer section.
const MOST_TRAILER_BYTES: usize = 16 * 1024;
/// Hexadecimal digits of a size: 60 bits.
const MOST_SIZE_DIGITS: u8 = 15;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// In the size's digits; so many were seen.
    Size(u8),
    /// In an extension.
    Extension,
    /// After the CR that ends the size line.
    SizeLf,
    /// In the data; so much is left.
    Data,
    /// Before the CR behind the data.
    DataCr,
    /// Before the LF behind the data.
    DataLf,
    /// After the last chunk's size line, in the trailer section.
    Trailer,
    /// Done.
    Done,
}

/// Reads one chunked body, whatever the pieces in which it arrives.
#[derive(Debug)]
pub struct ChunkReader {
    state: State,
    left: u64,
    extension_bytes: u32,
    trailer: Option<Box<TrailerReader>>,
    trailers: Option<Box<FieldBlock>>,
}

#[derive(Debug)]
struct TrailerReader {
    bytes: Buffer,
    scan: HeadScan,
}

impl Default for ChunkReader {
    fn default() -> Self {
        Self {
            state: State::Size(0),
            left: 0,
            extension_bytes: 0,
            trailer: None,
            trailers: None,
        }
    }
}

impl ChunkReader {
    /// Reads on in `bytes`, which follow what the last call consumed: all of it after
    /// [`Piece::More`], framing and as much data as was taken (see [`Self::took`]) after
    /// [`Piece::Data`].
    ///
    /// # Errors
    ///
    /// Fails at the first byte that RFC 9112 7.1 does not allow.
    pub fn next(&mut self, bytes: &[u8]) -> Result<Piece, ChunkFault> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            match self.state {
                State::Data => {
                    let here = u64::try_from(bytes.len() - at).unwrap_or(u64::MAX);
                    let len = usize::try_from(self.left.min(here)).unwrap_or(usize::MAX);
                    return Ok(Piece::Data { skip: at, len });
                }
                State::Trailer => {
                    let rest = bytes.get(at..).unwrap_or_default();
                    let Some(used) = self.read_trailer(rest)? else {
                        return Ok(Piece::More);
                    };
                    self.state = State::Done;
                    return Ok(Piece::End { used: at + used });
                }
                State::Done => return Ok(Piece::End { used: at }),
                _ => self.state = self.framing_byte(byte)?,
            }
            at += 1;
        }
        if self.state == State::Done {
            Ok(Piece::End { used: at })
        } else {
            Ok(Piece::More)
        }
    }

    /// Says that `count` bytes of the data that [`Piece::Data`] named were taken.
    pub fn took(&mut self, count: usize) {
        self.left = self.left.saturating_sub(count as u64);
        if self.left == 0 && self.state == State::Data {
            self.state = State::DataCr;
        }
    }

    /// Has the body ended?
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The trailer section, where there was one; once.
    pub fn take_trailers(&mut self) -> Option<Box<FieldBlock>> {
        self.trailers.take()
    }

    fn framing_byte(&mut self, byte: u8) -> Result<State, ChunkFault> {
        match (self.state, byte) {
            (State::Size(digits), b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F')
                if digits < MOST_SIZE_DIGITS =>
            {
                let digit = char::from(byte).to_digit(16).map_or(0, u64::from);
                self.left = (self.left << 4) | digit;
                Ok(State::Size(digits + 1))
            }
            (State::Size(1..), b'\r') => Ok(State::SizeLf),
            (State::Size(1..), b';') => Ok(State::Extension),
            (State::Size(_), _) => Err(ChunkFault::Size),
            (State::Extension, b'\r') => Ok(State::SizeLf),
            (State::Extension, b'\t' | 0x20..=0x7e | 0x80..) => {
                self.extension_bytes += 1;
                if self.extension_bytes > MOST_EXTENSION_BYTES {
                    return Err(ChunkFault::Extension);
                }
                Ok(State::Extension)
            }
            (State::Extension, _) => Err(ChunkFault::Extension),
            (State::SizeLf, b'\n') if self.left == 0 => Ok(State::Trailer),
            (State::SizeLf, b'\n') => Ok(State::Data),
            (State::DataCr, b'\r') => Ok(State::DataLf),
            (State::DataLf, b'\n') => Ok(State::Size(0)),
            _ => Err(ChunkFault::Delimiter),
        }
    }

    /// Collects the trailer section; `Some(used)` when it is complete.
    fn read_trailer(&mut self, bytes: &[u8]) -> Result<Option<usize>, ChunkFault> {
        if self.trailer.is_none() && bytes.starts_with(b"\r\n") {
            return Ok(Some(2));
        }
        let reader = self.trailer.get_or_insert_with(|| {
            Box::new(TrailerReader {
                bytes: Buffer::checkout(Class::Head),
                scan: HeadScan::default(),
            })
        });
        let before = reader.bytes.len();
        let take = bytes
            .len()
            .min(MOST_TRAILER_BYTES + 1 - before.min(MOST_TRAILER_BYTES));
        reader
            .bytes
            .append(bytes.get(..take).unwrap_or_default())
            .map_err(|_overflow| ChunkFault::Trailer)?;
        // An empty section that came in two halves: `HeadScan` wants a line before the empty one.
        if reader.bytes.filled().starts_with(b"\r\n") {
            return Ok(Some(2 - before));
        }
        let Some(end) = reader
            .scan
            .advance(reader.bytes.filled())
            .map_err(|_fault| ChunkFault::Trailer)?
        else {
            return if reader.bytes.len() > MOST_TRAILER_BYTES {
                Err(ChunkFault::Trailer)
            } else {
                Ok(None)
            };
        };
        reader.bytes.truncate(end);
        let section = std::mem::replace(&mut reader.bytes, Buffer::checkout(Class::Head));
        self.trailers = Some(Box::new(
            parse::trailers(section).map_err(|_fault| ChunkFault::Trailer)?,
        ));
        Ok(Some(end - before))
    }
}

/// The size line in front of a chunk, in a fixed space.
#[derive(Clone, Copy, Debug, Default)]
pub struct SizeLine {
    text: [u8; 18],
    len: u8,
}

impl SizeLine {
    /// The line for a chunk of `size` bytes.
    #[must_use]
    pub fn of(size: usize) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut line = Self::default();
        let digits = (usize::BITS - size.leading_zeros()).div_ceil(4).max(1);
        for shift in (0..digits).rev() {
            let digit = (size >> (shift * 4)) & 0xf;
            line.push(DIGITS.get(digit).copied().unwrap_or(b'0'));
        }
        line.push(b'\r');
        line.push(b'\n');
        line
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.text.get_mut(usize::from(self.len)) {
            *place = byte;
            self.len += 1;
        }
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.text.get(..usize::from(self.len)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Decodes `text`, given in pieces of the sizes in `cuts`.
    fn decode(text: &[u8], cuts: &[usize]) -> Result<(Vec<u8>, usize, bool), ChunkFault> {
        let mut reader = ChunkReader::default();
        let (mut data, mut start, mut used) = (Vec::new(), 0, 0);
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (text.len() + 1)).collect();
        ends.sort_unstable();
        ends.push(text.len());
        for end in ends {
            loop {
                match reader.next(&text[start..end])? {
                    Piece::Data { skip, len } => {
                        data.extend_from_slice(&text[start + skip..start + skip + len]);
                        reader.took(len);
                        start += skip + len;
                    }
                    Piece::More => {
                        start = end;
                        break;
                    }
                    Piece::End { used: here } => {
                        used = start + here;
                        return Ok((data, used, reader.take_trailers().is_some()));
                    }
                }
            }
        }
        Ok((data, used, false))
    }

    #[test]
    fn chunks_extensions_and_trailers_are_read() {
        let text = b"5\r\nhello\r\n6;a=b;c\r\n world\r\n0\r\nExpires: x\r\n\r\nGET /";
        let (data, used, trailers) = decode(text, &[]).unwrap();
        assert_eq!(data, b"hello world");
        assert_eq!(used, text.len() - 5);
        assert!(trailers);
    }

    #[test]
    fn what_rfc_9112_forbids_is_a_fault() {
        for (text, fault) in [
            ("0x5\r\nhello\r\n", ChunkFault::Size),
            ("+5\r\nhello\r\n", ChunkFault::Size),
            ("\r\nhello\r\n", ChunkFault::Size),
            ("5 \r\nhello\r\n", ChunkFault::Size),
            ("0 5\r\nhello\r\n", ChunkFault::Size),
            ("5\nhello\r\n", ChunkFault::Size),
            ("10000000000000005\r\nhello\r\n", ChunkFault::Size),
            ("5\rXhello\r\n", ChunkFault::Delimiter),
            ("5\r\nhelloXX", ChunkFault::Delimiter),
            ("5\r\nhello\n", ChunkFault::Delimiter),
            ("4\r\nhello\r\n", ChunkFault::Delimiter),
            ("5;a\nb\r\nhello\r\n", ChunkFault::Extension),
            ("5;a\0\r\nhello\r\n", ChunkFault::Extension),
            ("5;a\rb\r\nhello\r\n", ChunkFault::Delimiter),
            ("0\r\nA: b\n\r\n", ChunkFault::Trailer),
            ("0\r\nA : b\r\n\r\n", ChunkFault::Trailer),
            ("0\r\nA: b\0\r\n\r\n", ChunkFault::Trailer),
        ] {
            assert_eq!(decode(text.as_bytes(), &[]).err(), Some(fault), "{text:?}");
        }
    }

    #[test]
    fn extensions_and_trailers_are_bounded() {
        let extensions = format!("5;{}\r\n", "a".repeat(20_000));
        assert_eq!(
            decode(extensions.as_bytes(), &[]).err(),
            Some(ChunkFault::Extension)
        );
        let trailers = format!("0\r\nA: {}\r\n\r\n", "b".repeat(20_000));
        assert_eq!(
            decode(trailers.as_bytes(), &[]).err(),
            Some(ChunkFault::Trailer)
        );
    }

    #[test]
    fn a_size_line_is_hexadecimal() {
        for size in [0_usize, 1, 15, 16, 255, 65_536, usize::MAX] {
            assert_eq!(
                SizeLine::of(size).bytes(),
                format!("{size:x}\r\n").as_bytes()
            );
        }
    }

    #[test]
    fn the_empty_trailer_section_may_come_in_two_halves() {
        let text = b"0\r\n\r\nGET / HTTP/1.1\r\n";
        for cut in 0..text.len() {
            assert_eq!(
                decode(text, &[cut]).unwrap(),
                (Vec::new(), 5, false),
                "cut at {cut}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_body(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..6),
            trailer in any::<bool>(),
            cuts in prop::collection::vec(any::<usize>(), 0..12),
        ) {
            let mut text = Vec::new();
            for chunk in &chunks {
                text.extend_from_slice(SizeLine::of(chunk.len()).bytes());
                text.extend_from_slice(chunk);
                text.extend_from_slice(b"\r\n");
            }
            text.extend_from_slice(if trailer { b"0\r\nA: b\r\n\r\n" } else { b"0\r\n\r\n" });
            let length = text.len();
            text.extend_from_slice(b"GET / HTTP/1.1\r\n");
            let (data, used, trailers) = decode(&text, &cuts).unwrap();
            prop_assert_eq!(data, chunks.concat());
            prop_assert_eq!(used, length);
            prop_assert_eq!(trailers, trailer);
        }
    }
}
