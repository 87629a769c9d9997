//! What the oracle reads: messages, and the faults that stand in their place.

use std::fmt;

/// One whole message.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Message {
    /// The request line or status line, without its CRLF.
    pub start: String,
    /// Fields in order, names as sent.
    pub fields: Vec<(String, String)>,
    /// The body with its framing taken off.
    pub body: Vec<u8>,
    /// How the body was delimited.
    pub framing: Framing,
    /// The fields after a chunked body.
    pub trailers: Vec<(String, String)>,
}

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Framing {
    /// There is no body.
    #[default]
    Nothing,
    /// `Content-Length`.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// The end of the connection (responses only).
    Close,
}

/// Why no message could be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fault {
    /// More than one reading is possible, or none.
    Ambiguous(String),
    /// The connection ended inside a message.
    Cut(Box<Message>),
    /// The connection ended before the first byte.
    End,
    /// Nothing came before the deadline.
    Timeout,
}

/// What decides whether a response has a body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Asked {
    /// The request was `HEAD`.
    Head,
    /// The request was anything else.
    Other,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.body[..self.body.len().min(200)];
        let mut message = f.debug_struct(&self.start);
        for (name, value) in self.fields.iter().chain(&self.trailers) {
            message.field(name, value);
        }
        let body = format_args!(
            "{} bytes: {:?}",
            self.body.len(),
            String::from_utf8_lossy(shown)
        );
        message
            .field("body", &body)
            .field("framing", &self.framing)
            .finish()
    }
}

impl Message {
    /// The value of a field that stands there exactly once.
    ///
    /// # Panics
    ///
    /// When it stands there more than once.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        let found = self.all(name);
        assert!(
            found.len() < 2,
            "`{name}` stands there {} times: {self:#?}",
            found.len()
        );
        found.first().copied()
    }

    /// Every value of a field, in order.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<&str> {
        let named = self
            .fields
            .iter()
            .filter(|(n, _)| n.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// The status code of a response.
    ///
    /// # Panics
    ///
    /// When this is a request.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.start[9..12]
            .parse()
            .expect("a status line was checked")
    }

    /// The target of a request.
    #[must_use]
    pub fn target(&self) -> &str {
        self.start.split(' ').nth(1).unwrap_or_default()
    }

    /// The method of a request.
    #[must_use]
    pub fn method(&self) -> &str {
        self.start.split(' ').next().unwrap_or_default()
    }

    /// The body as text, with what is not UTF-8 replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
