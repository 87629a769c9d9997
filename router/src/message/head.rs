//! Heads: what a request asks and what an answer says, read once and trusted afterwards.

use super::block::{FieldBlock, Span};
use super::framing::{Framing, FramingFault, request_framing, response_framing};
use super::names::FieldName;
use super::target::{TargetFault, TargetForm, host_without_port, is_valid_host};

/// The version that a message was written in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
    /// HTTP/2
    Http2,
}

impl Version {
    /// As it stands in a request line and in the access log.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
            Self::Http2 => "HTTP/2.0",
        }
    }
}

/// The methods that some room treats in a way of their own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Method {
    /// `CONNECT`: never a tunnel here.
    Connect,
    /// `GET`
    Get,
    /// `HEAD`: its answer has no body.
    Head,
    /// `OPTIONS`
    Options,
    /// `TRACE`
    Trace,
    /// Any other: not safe to repeat.
    Other,
}

impl Method {
    fn read(text: &[u8]) -> Self {
        match text {
            b"CONNECT" => Self::Connect,
            b"GET" => Self::Get,
            b"HEAD" => Self::Head,
            b"OPTIONS" => Self::Options,
            b"TRACE" => Self::Trace,
            _ => Self::Other,
        }
    }
}

/// Why a request is refused before it may walk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RequestFault {
    /// An `Expect` other than `100-continue` (RFC 9110 10.1.1): 417.
    Expectation,
    /// The body's end is ambiguous.
    Framing(FramingFault),
    /// A `Host` that is missing, repeated or malformed (RFC 9112 3.2).
    Host,
    /// A target that has no form, or not one for this method.
    Target(TargetFault),
}

/// A request's head.
#[derive(Debug)]
pub struct RequestHead {
    block: FieldBlock,
    method: Method,
    method_span: Span,
    target: Span,
    form: TargetForm,
    authority: Span,
    version: Version,
    framing: Framing,
    upgrade: Option<Span>,
    expects_continue: bool,
    keeps_alive: bool,
}

/// Where the parts of a request line stand.
#[derive(Clone, Copy, Debug)]
pub struct RequestLine {
    /// The method.
    pub method: Span,
    /// The target, as received.
    pub target: Span,
    /// Where the target starts.
    pub target_start: usize,
    /// The version.
    pub version: Version,
}

#[derive(Default)]
struct Seen {
    hosts: usize,
    host: Span,
    upgrade: Option<Span>,
    connection_upgrade: bool,
    connection_close: bool,
    connection_keep_alive: bool,
    expects_continue: bool,
}

impl Seen {
    fn read(block: &FieldBlock) -> Result<Self, RequestFault> {
        let mut seen = Self::default();
        let bytes = block.bytes();
        for field in block.fields() {
            let value = field.value.of(bytes);
            match field.name {
                FieldName::Host => {
                    seen.hosts += 1;
                    seen.host = field.value;
                }
                FieldName::Connection => seen.read_connection(value),
                FieldName::Upgrade if seen.upgrade.is_none() => seen.upgrade = Some(field.value),
                FieldName::Expect if value.eq_ignore_ascii_case(b"100-continue") => {
                    seen.expects_continue = true
                }
                FieldName::Expect if !value.is_empty() => return Err(RequestFault::Expectation),
                _ => {}
            }
        }
        Ok(seen)
    }

    fn read_connection(&mut self, value: &[u8]) {
        for token in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            match token.len() {
                5 if token.eq_ignore_ascii_case(b"close") => self.connection_close = true,
                7 if token.eq_ignore_ascii_case(b"upgrade") => self.connection_upgrade = true,
                10 if token.eq_ignore_ascii_case(b"keep-alive") => {
                    self.connection_keep_alive = true
                }
                _ => {}
            }
        }
    }

    /// The protocol to upgrade to; `h2c` is a hop's own business and never passed on
    /// (RFC 9113 3.1), and HTTP/1.0 has no upgrades (RFC 9110 7.8).
    fn upgrade(&self, block: &FieldBlock, version: Version) -> Option<Span> {
        let upgrade = self
            .upgrade
            .filter(|_| self.connection_upgrade && version == Version::Http11)?;
        let token = block.slice(upgrade);
        let printable = !token.is_empty() && token.iter().all(|byte| (0x20..0x7f).contains(byte));
        (printable && !token.eq_ignore_ascii_case(b"h2c")).then_some(upgrade)
    }
}

impl RequestHead {
    /// Reads what the start line and the fields mean, once.
    ///
    /// # Errors
    ///
    /// Fails when the request must be refused before anything else is done with it.
    pub fn read(block: FieldBlock, line: RequestLine) -> Result<Self, (RequestFault, FieldBlock)> {
        match Self::meaning(&block, line) {
            Ok((form, authority, framing, seen)) => Ok(Self {
                method: Method::read(block.slice(line.method)),
                upgrade: seen.upgrade(&block, line.version),
                block,
                method_span: line.method,
                target: line.target,
                form,
                authority,
                version: line.version,
                framing,
                expects_continue: seen.expects_continue && line.version != Version::Http10,
                keeps_alive: !seen.connection_close
                    && (line.version != Version::Http10 || seen.connection_keep_alive),
            }),
            Err(fault) => Err((fault, block)),
        }
    }

    fn meaning(
        block: &FieldBlock,
        line: RequestLine,
    ) -> Result<(TargetForm, Span, Framing, Seen), RequestFault> {
        let method = block.slice(line.method);
        let form = TargetForm::read(method, block.slice(line.target), line.target_start)
            .map_err(RequestFault::Target)?;
        let framing = request_framing(block, line.version).map_err(RequestFault::Framing)?;
        let seen = Seen::read(block)?;
        let authority = match form {
            TargetForm::Absolute { authority, .. } => authority,
            _ => seen.host,
        };
        // RFC 9112 3.2: an HTTP/1.1 request has exactly one Host. In HTTP/1.0 it may be missing,
        // in HTTP/2 `:authority` stands in for it.
        let hosts_wanted = match line.version {
            Version::Http11 => seen.hosts == 1,
            Version::Http10 | Version::Http2 => seen.hosts <= 1,
        };
        if !hosts_wanted || !is_valid_host(block.slice(seen.host)) {
            return Err(RequestFault::Host);
        }
        Ok((form, authority, framing, seen))
    }

    /// The same head with the framing that HTTP/2 knows by other means than fields.
    #[must_use]
    pub fn framed(self, framing: Framing) -> Self {
        Self { framing, ..self }
    }

    /// The fields.
    #[must_use]
    pub fn block(&self) -> &FieldBlock {
        &self.block
    }

    /// The method, where it matters.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// The method as it was spelled.
    #[must_use]
    pub fn method_text(&self) -> &[u8] {
        self.block.slice(self.method_span)
    }

    /// The target as received.
    #[must_use]
    pub fn target(&self) -> &[u8] {
        self.block.slice(self.target)
    }

    /// The target's form.
    #[must_use]
    pub fn form(&self) -> TargetForm {
        self.form
    }

    /// The path without the query; empty for an absolute target without one, and for `*`.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        match self.form {
            TargetForm::Origin { path } | TargetForm::Absolute { path, .. } => {
                self.block.slice(path)
            }
            TargetForm::Asterisk | TargetForm::Authority => b"",
        }
    }

    /// The authority: host and perhaps port, from the target or from `Host`; may be empty.
    #[must_use]
    pub fn authority(&self) -> &[u8] {
        self.block.slice(self.authority)
    }

    /// The authority without its port.
    #[must_use]
    pub fn host(&self) -> &[u8] {
        host_without_port(self.authority())
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// How the body ends.
    #[must_use]
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// The protocol that the client wants to change to, if it may.
    #[must_use]
    pub fn upgrade(&self) -> Option<&[u8]> {
        self.upgrade.map(|span| self.block.slice(span))
    }

    /// Does it want to become a WebSocket?
    #[must_use]
    pub fn is_websocket(&self) -> bool {
        self.upgrade()
            .is_some_and(|token| token.eq_ignore_ascii_case(b"websocket"))
    }

    /// Does the client wait for a 100 before it sends the body?
    #[must_use]
    pub fn expects_continue(&self) -> bool {
        self.expects_continue
    }

    /// Does the client want to send another request on this connection?
    #[must_use]
    pub fn keeps_alive(&self) -> bool {
        self.keeps_alive
    }
}

/// An answer's head.
#[derive(Debug)]
pub struct ResponseHead {
    block: FieldBlock,
    status: u16,
    reason: Span,
    version: Version,
    framing: Framing,
    keeps_alive: bool,
}

/// The start line of an answer.
#[derive(Clone, Copy, Debug)]
pub struct StatusLine {
    /// 100 to 999.
    pub status: u16,
    /// The reason phrase, often empty.
    pub reason: Span,
    /// The version.
    pub version: Version,
}

impl ResponseHead {
    /// Reads what the status line and the fields mean. `bodiless`: it answers a `HEAD`.
    ///
    /// # Errors
    ///
    /// Fails when the body's end is ambiguous.
    pub fn read(block: FieldBlock, line: StatusLine, bodiless: bool) -> Result<Self, FramingFault> {
        let framing = response_framing(&block, line.version, line.status, bodiless)?;
        let closes = block.lists_token(FieldName::Connection, "close");
        let keeps = line.version != Version::Http10
            || block.lists_token(FieldName::Connection, "keep-alive");
        Ok(Self {
            block,
            status: line.status,
            reason: line.reason,
            version: line.version,
            framing,
            keeps_alive: keeps && !closes,
        })
    }

    /// The fields.
    #[must_use]
    pub fn block(&self) -> &FieldBlock {
        &self.block
    }

    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The reason phrase.
    #[must_use]
    pub fn reason(&self) -> &[u8] {
        self.block.slice(self.reason)
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// How the body ends.
    #[must_use]
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// Is it an interim answer that another one follows (1xx but 101)?
    #[must_use]
    pub fn is_informational(&self) -> bool {
        self.status < 200 && self.status != 101
    }

    /// Does the endpoint keep the connection open afterwards?
    #[must_use]
    pub fn keeps_alive(&self) -> bool {
        self.keeps_alive
    }
}
