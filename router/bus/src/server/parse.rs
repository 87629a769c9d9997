//! From bytes to the operations of the NATS protocol, as a client sends them.
//!
//! Pure and incremental: the parser is shown what has arrived and not been consumed, and gives the
//! first operation once all of it is there. However the bytes were cut up, the operations are the same.

use std::fmt;

/// One operation, borrowed from the bytes it was read from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Op<'a> {
    /// `CONNECT {…}`, with its JSON.
    Connect(&'a [u8]),
    /// `PING`
    Ping,
    /// `PONG` or `+OK`: a sign of life and nothing more.
    Pong,
    /// `PUB` or `HPUB`.
    Publish(Publication<'a>),
    /// `SUB`
    Subscribe {
        subject: &'a [u8],
        queue: Option<&'a [u8]>,
        sid: &'a [u8],
    },
    /// `UNSUB`, at once or after `max` messages in all.
    Unsubscribe { sid: &'a [u8], max: Option<u64> },
}

/// A message on its way in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Publication<'a> {
    pub(crate) subject: &'a [u8],
    pub(crate) reply: Option<&'a [u8]>,
    /// How many bytes at the start of `payload` are headers; `None` for `PUB`.
    pub(crate) header_bytes: Option<usize>,
    pub(crate) payload: &'a [u8],
}

/// Why a connection cannot go on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ProtocolError {
    /// An operation with too few, too many or senseless arguments.
    Arguments,
    /// A line longer than the limit.
    ControlLine,
    /// A payload longer than the limit.
    Payload,
    /// No operation of the protocol.
    Unknown,
}

impl ProtocolError {
    /// What the client is told, if anything.
    pub(crate) fn reply(self) -> Option<&'static str> {
        match self {
            // compat: nats-server closes without a word when arguments make no sense.
            Self::Arguments => None,
            Self::ControlLine => Some("maximum control line exceeded"),
            Self::Payload => Some("Maximum Payload Violation"),
            Self::Unknown => Some("Unknown Protocol Operation"),
        }
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reply().unwrap_or("bad arguments"))
    }
}

/// The longest operation that a parser lets through.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) control_line: usize,
    pub(crate) payload: usize,
}

/// Finds operations in a stream of bytes.
#[derive(Debug)]
pub(crate) struct Parser {
    limits: Limits,
    /// Bytes that were already searched for the end of the line.
    searched: usize,
    /// Bytes that must be there before another look is worth it.
    wanted: usize,
}

type Step<'a> = Result<Option<(Op<'a>, usize)>, ProtocolError>;

impl Parser {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            searched: 0,
            wanted: 1,
        }
    }

    /// The first operation of `bytes` and its length, or `None` while it is incomplete.
    ///
    /// The caller drops that many bytes before the next call and otherwise only appends. After an
    /// error the stream cannot be understood any more.
    pub(crate) fn next<'a>(&mut self, bytes: &'a [u8]) -> Step<'a> {
        if bytes.len() < self.wanted {
            return Ok(None);
        }
        let Some(end) = self.line_end(bytes)? else {
            return Ok(None);
        };
        let (line, after) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let step = self.operation(line, after.get(1..).unwrap_or_default(), end + 1);
        if let Ok(Some(_)) = step {
            self.searched = 0;
            self.wanted = 1;
        }
        step
    }

    /// How many bytes in all are needed before [`Self::next`] can give more; at least 1.
    pub(crate) fn wanted(&self) -> usize {
        self.wanted
    }

    /// The place of the line feed, once it is there.
    fn line_end(&mut self, bytes: &[u8]) -> Result<Option<usize>, ProtocolError> {
        let fresh = bytes.get(self.searched..).unwrap_or_default();
        let end = memchr::memchr(b'\n', fresh).map(|at| self.searched + at);
        if end.unwrap_or(bytes.len()) > self.limits.control_line {
            return Err(self.overlong(bytes));
        }
        // perf: a payload may come in many reads; the end of its line is then found at once again.
        self.searched = end.unwrap_or(bytes.len());
        self.wanted = bytes.len() + usize::from(end.is_none());
        Ok(end)
    }

    /// What is wrong with a line that is too long: its length, unless it is no operation at all.
    // invariant: only the first bytes decide, which were there however the rest was cut up.
    fn overlong(&self, bytes: &[u8]) -> ProtocolError {
        let line = bytes.get(..self.limits.control_line).unwrap_or(bytes);
        split_operation(line).map_or(ProtocolError::Unknown, |_| ProtocolError::ControlLine)
    }

    fn operation<'a>(&mut self, line: &'a [u8], after: &'a [u8], used: usize) -> Step<'a> {
        let (operation, rest) = split_operation(line).ok_or(ProtocolError::Unknown)?;
        let op = match operation {
            Operation::Connect => Op::Connect(rest),
            Operation::Ping => Op::Ping,
            Operation::Pong => Op::Pong,
            Operation::Subscribe => subscribe(rest)?,
            Operation::Unsubscribe => unsubscribe(rest)?,
            Operation::Publish => return self.payload(publish(rest)?, after, used),
            Operation::PublishHeaders => return self.payload(publish_headers(rest)?, after, used),
        };
        Ok(Some((op, used)))
    }

    fn payload<'a>(&mut self, line: PublishLine<'a>, after: &'a [u8], used: usize) -> Step<'a> {
        if line.size > self.limits.payload {
            return Err(ProtocolError::Payload);
        }
        let total = used + line.size + CRLF.len();
        let Some((payload, end)) = after.split_at_checked(line.size) else {
            // One byte behind it may already prove that it does not end as it must.
            self.wanted = used + line.size + 1;
            return Ok(None);
        };
        let end = end.get(..CRLF.len()).unwrap_or(end);
        if !CRLF.starts_with(end) {
            return Err(ProtocolError::Unknown);
        }
        if end.len() < CRLF.len() {
            self.wanted = used + line.size + end.len() + 1;
            return Ok(None);
        }
        let PublishLine {
            subject,
            reply,
            header_bytes,
            ..
        } = line;
        let publication = Publication {
            subject,
            reply,
            header_bytes,
            payload,
        };
        Ok(Some((Op::Publish(publication), total)))
    }
}

const CRLF: &[u8] = b"\r\n";

#[derive(Clone, Copy)]
enum Operation {
    Connect,
    Ping,
    Pong,
    Publish,
    PublishHeaders,
    Subscribe,
    Unsubscribe,
}

const OPERATIONS: [(&[u8], Operation); 8] = [
    (b"PUB", Operation::Publish),
    (b"SUB", Operation::Subscribe),
    (b"UNSUB", Operation::Unsubscribe),
    (b"PING", Operation::Ping),
    (b"PONG", Operation::Pong),
    (b"HPUB", Operation::PublishHeaders),
    (b"CONNECT", Operation::Connect),
    (b"+OK", Operation::Pong),
];

/// Splits a line into its operation, in any case, and what follows.
fn split_operation(line: &[u8]) -> Option<(Operation, &[u8])> {
    OPERATIONS.iter().find_map(|(name, operation)| {
        let (head, rest) = line.split_at_checked(name.len())?;
        let complete = match operation {
            // compat: what follows these is ignored, even without a space.
            Operation::Ping | Operation::Pong => true,
            _ => rest.first().is_some_and(|byte| is_blank(*byte)),
        };
        (complete && head.eq_ignore_ascii_case(name)).then_some((*operation, rest))
    })
}

struct PublishLine<'a> {
    subject: &'a [u8],
    reply: Option<&'a [u8]>,
    header_bytes: Option<usize>,
    size: usize,
}

fn publish(rest: &[u8]) -> Result<PublishLine<'_>, ProtocolError> {
    let (subject, reply, size) = match words(rest) {
        [Some(subject), Some(size), None, ..] => (subject, None, size),
        [Some(subject), Some(reply), Some(size), None, ..] => (subject, Some(reply), size),
        _ => return Err(ProtocolError::Arguments),
    };
    let size = number(size).ok_or(ProtocolError::Arguments)?;
    Ok(PublishLine {
        subject,
        reply,
        header_bytes: None,
        size,
    })
}

fn publish_headers(rest: &[u8]) -> Result<PublishLine<'_>, ProtocolError> {
    let (subject, reply, headers, size) = match words(rest) {
        [Some(subject), Some(headers), Some(size), None, _] => (subject, None, headers, size),
        [Some(subject), Some(reply), Some(headers), Some(size), None] => {
            (subject, Some(reply), headers, size)
        }
        _ => return Err(ProtocolError::Arguments),
    };
    let size = number(size).ok_or(ProtocolError::Arguments)?;
    let headers = number(headers).filter(|headers| *headers <= size);
    let header_bytes = Some(headers.ok_or(ProtocolError::Arguments)?);
    Ok(PublishLine {
        subject,
        reply,
        header_bytes,
        size,
    })
}

fn subscribe(rest: &[u8]) -> Result<Op<'_>, ProtocolError> {
    match words(rest) {
        [Some(subject), Some(sid), None, ..] => Ok(Op::Subscribe {
            subject,
            queue: None,
            sid,
        }),
        [Some(subject), queue, Some(sid), None, _] => Ok(Op::Subscribe {
            subject,
            queue,
            sid,
        }),
        _ => Err(ProtocolError::Arguments),
    }
}

fn unsubscribe(rest: &[u8]) -> Result<Op<'_>, ProtocolError> {
    match words(rest) {
        [Some(sid), None, ..] => Ok(Op::Unsubscribe { sid, max: None }),
        // compat: a limit that is no number counts as none.
        [Some(sid), Some(max), None, ..] => Ok(Op::Unsubscribe {
            sid,
            max: number(max).and_then(|max| u64::try_from(max).ok()),
        }),
        _ => Err(ProtocolError::Arguments),
    }
}

/// The words of a line; the last place is filled only when there are too many.
fn words(rest: &[u8]) -> [Option<&[u8]>; 5] {
    let mut words = rest
        .split(|byte| is_blank(*byte) || *byte == b'\r')
        .filter(|word| !word.is_empty());
    std::array::from_fn(|_| words.next())
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// A decimal number of at most nine digits, as nats-server reads sizes.
fn number(word: &[u8]) -> Option<usize> {
    if word.is_empty() || word.len() > 9 || !word.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// Asserts that `bytes` mean the same in one piece and in pieces of the sizes in `cuts`.
///
/// # Panics
///
/// Panics when they do not, which is what tests and fuzzing look for.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn split_invariance(bytes: &[u8], cuts: &[usize], limits: Limits) {
    let whole = replay(bytes, std::iter::once(bytes.len()), limits);
    let pieces = replay(bytes, cuts.iter().copied().cycle(), limits);
    assert_eq!(
        whole, pieces,
        "the operations depend on how the bytes were cut up"
    );
}

/// What a parser says to `bytes` that arrive in pieces of the given sizes.
#[cfg(any(test, feature = "fuzzing"))]
fn replay<'a, C>(bytes: &'a [u8], cuts: C, limits: Limits) -> (Vec<Op<'a>>, Option<ProtocolError>)
where
    C: Iterator<Item = usize>,
{
    let mut parser = Parser::new(limits);
    let (mut ops, mut start, mut arrived) = (Vec::new(), 0, 0);
    for cut in cuts {
        arrived = (arrived + cut.max(1)).min(bytes.len());
        loop {
            match parser.next(bytes.get(start..arrived).unwrap_or_default()) {
                Ok(Some((op, used))) => {
                    ops.push(op);
                    start += used;
                }
                Ok(None) => break,
                Err(error) => return (ops, Some(error)),
            }
        }
        if arrived == bytes.len() {
            break;
        }
    }
    (ops, None)
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
