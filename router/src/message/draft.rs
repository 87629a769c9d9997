//! A head on its way out.
//!
//! It is laid out as HTTP/1 needs it; the other wire asks for the fields to be marked as well.

use super::block::{Field, Span, take_list};
use super::head::ResponseHead;
use super::names::FieldName;
use crate::buffers::{Buffer, Class};

/// Whether a draft remembers where its fields stand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Marks {
    /// Only the bytes are wanted (HTTP/1).
    Bytes,
    /// The fields are wanted one by one (HTTP/2).
    Fields,
}

/// A head that is being written.
#[derive(Debug)]
pub struct Draft {
    bytes: Buffer,
    fields: Vec<Field>,
    marks: Marks,
    status: u16,
    overflowed: bool,
}

impl Draft {
    fn begin(marks: Marks, status: u16) -> Self {
        let fields = match marks {
            Marks::Bytes => Vec::new(),
            Marks::Fields => take_list(),
        };
        Self {
            bytes: Buffer::checkout(Class::Head),
            fields,
            marks,
            status,
            overflowed: false,
        }
    }

    /// A request head: `GET /path HTTP/1.1`.
    #[must_use]
    pub fn request(method: &[u8], target: &[u8]) -> Self {
        let mut draft = Self::begin(Marks::Bytes, 0);
        draft.append(&[method, b" ", target, b" HTTP/1.1\r\n"]);
        draft
    }

    /// The head of an answer of ours: `HTTP/1.1 404 Not Found`.
    #[must_use]
    pub fn response(marks: Marks, status: u16, reason: &[u8]) -> Self {
        let mut draft = Self::begin(marks, status);
        let mut digits = itoa::Buffer::new();
        draft.append(&[
            b"HTTP/1.1 ",
            digits.format(status).as_bytes(),
            b" ",
            reason,
            b"\r\n",
        ]);
        draft
    }

    /// The head of an answer that repeats an endpoint's status line.
    #[must_use]
    pub fn answering(marks: Marks, head: &ResponseHead) -> Self {
        Self::response(marks, head.status(), head.reason())
    }

    /// Adds a field line.
    pub fn field(&mut self, name: &[u8], value: &[u8]) {
        if self.marks == Marks::Fields {
            let start = self.bytes.len();
            self.fields.push(Field {
                name: FieldName::Other,
                spelling: Span::new(start, name.len()),
                value: Span::new(start + name.len() + 2, value.len()),
            });
        }
        if self.bytes.append_line(name, value).is_err() {
            self.overflowed = true;
        }
    }

    /// Adds a field line with a known name.
    pub fn known(&mut self, name: FieldName, value: &[u8]) {
        self.field(name.text().as_bytes(), value);
    }

    /// The status of an answer.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Did it outgrow the largest buffer? Then it must not be sent.
    #[must_use]
    pub fn has_overflowed(&self) -> bool {
        self.overflowed
    }

    /// The fields, where they were marked.
    pub fn marked(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let bytes = self.bytes.filled();
        self.fields
            .iter()
            .map(move |field| (field.spelling.of(bytes), field.value.of(bytes)))
    }

    /// Ends the head with its empty line and gives the bytes.
    #[must_use]
    pub fn into_bytes(mut self) -> Buffer {
        self.append(&[b"\r\n"]);
        self.bytes
    }

    fn append(&mut self, parts: &[&[u8]]) {
        if self.bytes.append_all(parts).is_err() {
            self.overflowed = true;
        }
    }
}
