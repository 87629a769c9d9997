//! A cursor over one JSON document, which pulls out values as they are asked for.

use std::borrow::Cow;

use super::error::{DecodeError, Kind, Reason};
use super::{number, text};

/// How deep arrays and objects may be nested, as in Go's `encoding/json`.
const MAX_DEPTH: usize = 10_000;

/// Reads JSON values from left to right.
#[derive(Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The kind of the next value, which is not consumed.
    ///
    /// # Errors
    ///
    /// Fails when no value begins here.
    pub fn kind(&mut self) -> Result<Kind, DecodeError> {
        Ok(
            match self.peek().ok_or_else(|| self.error(Reason::Truncated))? {
                b'"' => Kind::Text,
                b'{' => Kind::Object,
                b'[' => Kind::Array,
                b'n' => Kind::Null,
                b't' | b'f' => Kind::Bool,
                b'-' | b'0'..=b'9' => Kind::Number,
                _ => return Err(self.error(Reason::Syntax)),
            },
        )
    }

    /// Consumes the next value if it is `null`, and says whether it was.
    ///
    /// # Errors
    ///
    /// Fails when the next value is a misspelt `null`.
    pub fn null(&mut self) -> Result<bool, DecodeError> {
        if self.peek() != Some(b'n') {
            return Ok(false);
        }
        self.word(b"null").map(|()| true)
    }

    /// Consumes a boolean.
    ///
    /// # Errors
    ///
    /// Fails when the next value is not one.
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        self.expect(Kind::Bool, "a boolean")?;
        if self.peek() == Some(b't') {
            return self.word(b"true").map(|()| true);
        }
        self.word(b"false").map(|()| false)
    }

    /// Consumes a string.
    ///
    /// # Errors
    ///
    /// Fails when the next value is not one, or is broken.
    pub fn text(&mut self) -> Result<Cow<'a, str>, DecodeError> {
        self.expect(Kind::Text, "a string")?;
        self.at += 1;
        let (text, used) = text::scan(self.rest())
            .map_err(|(reason, offset)| DecodeError::new(reason, self.at + offset))?;
        self.at += used;
        Ok(text)
    }

    /// Consumes a number and gives its literal. `expected` names the wanted type in an error.
    ///
    /// # Errors
    ///
    /// Fails when the next value is not a number.
    pub fn number(&mut self, expected: &'static str) -> Result<&'a str, DecodeError> {
        self.expect(Kind::Number, expected)?;
        let literal = number::scan(self.rest())
            .map_err(|(reason, offset)| DecodeError::new(reason, self.at + offset))?;
        self.at += literal.len();
        Ok(literal)
    }

    /// Consumes an array; `element` is called before each element, with its index, and consumes it.
    ///
    /// # Errors
    ///
    /// Fails when the next value is not an array, or where `element` does.
    pub fn array<F>(&mut self, mut element: F) -> Result<(), DecodeError>
    where
        F: FnMut(&mut Self, usize) -> Result<(), DecodeError>,
    {
        self.expect(Kind::Array, "an array")?;
        self.at += 1;
        if self.take(b']') {
            return Ok(());
        }
        let mut index = 0;
        loop {
            element(self, index)?;
            index += 1;
            if !self.another(b']')? {
                return Ok(());
            }
        }
    }

    /// Consumes an object; `member` is called with each key and consumes the value behind it.
    ///
    /// # Errors
    ///
    /// Fails when the next value is not an object, or where `member` does.
    pub fn object<F>(&mut self, mut member: F) -> Result<(), DecodeError>
    where
        F: FnMut(&mut Self, Cow<'a, str>) -> Result<(), DecodeError>,
    {
        self.expect(Kind::Object, "an object")?;
        self.at += 1;
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            let key = self.key()?;
            member(self, key)?;
            if !self.another(b'}')? {
                return Ok(());
            }
        }
    }

    /// Consumes the next value, whatever it is, and only checks that it is JSON.
    ///
    /// # Errors
    ///
    /// Fails when it is not.
    pub fn skip(&mut self) -> Result<(), DecodeError> {
        // invariant: `open` holds the closing brackets still owed, so it is never longer than
        // MAX_DEPTH; it stays unallocated for values that are not nested.
        let mut open: Vec<u8> = Vec::new();
        loop {
            if let Some(close) = self.open_or_scalar(open.len())? {
                open.push(close);
                if close == b'}' {
                    self.key()?;
                }
                continue;
            }
            loop {
                let Some(&close) = open.last() else {
                    return Ok(());
                };
                if self.another(close)? {
                    if close == b'}' {
                        self.key()?;
                    }
                    break;
                }
                open.pop();
            }
        }
    }

    /// Checks that nothing but white space is left.
    ///
    /// # Errors
    ///
    /// Fails when something is.
    pub fn end(&mut self) -> Result<(), DecodeError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.error(Reason::Syntax)),
        }
    }

    /// An error at the current place.
    pub fn error(&self, reason: Reason) -> DecodeError {
        DecodeError::new(reason, self.at)
    }

    /// Consumes a scalar or an empty container, or opens a container and gives its closing bracket.
    fn open_or_scalar(&mut self, depth: usize) -> Result<Option<u8>, DecodeError> {
        let close = match self.kind()? {
            Kind::Text => return self.text().map(|_| None),
            Kind::Number => return self.number("a number").map(|_| None),
            Kind::Bool => return self.bool().map(|_| None),
            Kind::Null => return self.word(b"null").map(|()| None),
            Kind::Array => b']',
            Kind::Object => b'}',
        };
        if depth == MAX_DEPTH {
            return Err(self.error(Reason::TooDeep));
        }
        self.at += 1;
        Ok((!self.take(close)).then_some(close))
    }

    /// Consumes `"key":`.
    fn key(&mut self) -> Result<Cow<'a, str>, DecodeError> {
        if self.kind()? != Kind::Text {
            return Err(self.error(Reason::Syntax));
        }
        let key = self.text()?;
        if self.take(b':') {
            return Ok(key);
        }
        Err(self.unexpected())
    }

    /// Consumes the comma before another element and says `true`, or the closing bracket.
    fn another(&mut self, close: u8) -> Result<bool, DecodeError> {
        if self.take(b',') {
            return Ok(true);
        }
        if self.take(close) {
            return Ok(false);
        }
        Err(self.unexpected())
    }

    fn unexpected(&mut self) -> DecodeError {
        let reason = self.peek().map_or(Reason::Truncated, |_| Reason::Syntax);
        self.error(reason)
    }

    fn expect(&mut self, kind: Kind, expected: &'static str) -> Result<(), DecodeError> {
        let found = self.kind()?;
        if found == kind {
            return Ok(());
        }
        Err(self.error(Reason::Type { expected, found }))
    }

    fn word(&mut self, word: &[u8]) -> Result<(), DecodeError> {
        if self.rest().starts_with(word) {
            self.at += word.len();
            return Ok(());
        }
        let reason = if word.starts_with(self.rest()) {
            Reason::Truncated
        } else {
            Reason::Syntax
        };
        Err(self.error(reason))
    }

    /// Consumes `byte` if it is next after white space.
    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// The next byte that is not white space; white space before it is consumed.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.bytes.get(self.at)? {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                byte => return Some(*byte),
            }
        }
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skips(document: &[u8]) -> Result<(), Reason> {
        let mut reader = Reader::new(document);
        reader
            .skip()
            .and_then(|()| reader.end())
            .map_err(|error| error.reason())
    }

    #[test]
    fn any_json_can_be_skipped() {
        for document in [
            r#"{"a":[1,2.5e-3,{"b":null}],"c":{},"d":[],"":"\u00e9"}"#,
            " [ true , false , null , -0 , 0.0 , 1E9 ] ",
            "\t\"x\"\r\n",
            "[[[]],{\"a\":[{}]}]",
        ] {
            assert_eq!(skips(document.as_bytes()), Ok(()), "{document}");
        }
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for document in [
            "{'a':1}",
            "{\"a\" 1}",
            "{\"a\":1,}",
            "[1,]",
            "[1 2]",
            "{1:2}",
            "01",
            "+1",
            "1.",
            ".5",
            "1e",
            "-",
            "nul",
            "tru e",
            "NaN",
            "{}{}",
            "[}",
            "{]",
            "{\"a\":1]",
            "\u{feff}{}",
            "",
            " ",
            "{",
            "[",
            "[1",
            "{\"a\"",
            "{\"a\":",
            "\"",
        ] {
            assert!(skips(document.as_bytes()).is_err(), "{document}");
        }
    }

    #[test]
    fn nesting_is_limited_as_in_go() {
        let nested = |depth| [vec![b'['; depth], vec![b']'; depth]].concat();
        assert_eq!(skips(&nested(MAX_DEPTH)), Ok(()));
        assert_eq!(skips(&nested(MAX_DEPTH + 1)), Err(Reason::TooDeep));
    }

    #[test]
    fn a_cut_document_is_truncated_and_a_wrong_one_is_not() {
        assert_eq!(skips(br#"{"a":"#), Err(Reason::Truncated));
        assert_eq!(skips(b"nul"), Err(Reason::Truncated));
        assert_eq!(skips(b"nil"), Err(Reason::Syntax));
        assert_eq!(skips(br#"{"a":1;"#), Err(Reason::Syntax));
    }
}
