//! Why a message could not be decoded, and where.

use std::fmt;

/// A message that is refused whole, as Go's decoder refuses it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DecodeError {
    reason: Reason,
    at: usize,
    key: Option<&'static str>,
}

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reason {
    /// A number that does not fit the type, or has a fraction where none may be.
    Range {
        /// The type that was wanted.
        expected: &'static str,
    },
    /// A route-service URL that does not begin with `https` (gorouter 1.3).
    RouteServiceUrl,
    /// A byte that JSON does not allow where it stands.
    Syntax,
    /// Arrays and objects are nested deeper than Go allows.
    TooDeep,
    /// The message ends inside a value.
    Truncated,
    /// A value of the wrong type.
    Type {
        /// The type that was wanted.
        expected: &'static str,
        /// The type that was found.
        found: Kind,
    },
}

/// The six kinds of JSON value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// `[…]`
    Array,
    /// `true` or `false`
    Bool,
    /// `null`
    Null,
    /// A number.
    Number,
    /// `{…}`
    Object,
    /// A string.
    Text,
}

impl DecodeError {
    /// An error for `reason`, found at byte `at` of the message.
    pub fn new(reason: Reason, at: usize) -> Self {
        Self {
            reason,
            at,
            key: None,
        }
    }

    /// The same error, told with the key whose value it was found in; the innermost key stays.
    #[must_use]
    pub fn within(self, key: &'static str) -> Self {
        Self {
            key: self.key.or(Some(key)),
            ..self
        }
    }

    /// What is wrong.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The byte of the message at which it was noticed, from 0.
    pub fn at(&self) -> usize {
        self.at
    }

    /// The known key whose value is wrong, if the fault lies inside one.
    pub fn key(&self) -> Option<&'static str> {
        self.key
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // compat: gorouter logs this sentence and nothing else for it (mbus/subscriber.go).
        if self.reason == Reason::RouteServiceUrl {
            return write!(f, "{}", self.reason);
        }
        match self.key {
            Some(key) => write!(f, "{key}: {} at byte {}", self.reason, self.at),
            None => write!(f, "{} at byte {}", self.reason, self.at),
        }
    }
}

impl std::error::Error for DecodeError {}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range { expected } => write!(f, "number is not {expected}"),
            Self::RouteServiceUrl => {
                write!(
                    f,
                    "Unable to validate message. route_service_url must be https"
                )
            }
            Self::Syntax => write!(f, "unexpected character"),
            Self::TooDeep => write!(f, "exceeded max depth"),
            Self::Truncated => write!(f, "unexpected end of JSON input"),
            Self::Type { expected, found } => write!(f, "expected {expected}, found {found}"),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Array => "an array",
            Self::Bool => "a boolean",
            Self::Null => "null",
            Self::Number => "a number",
            Self::Object => "an object",
            Self::Text => "a string",
        })
    }
}
