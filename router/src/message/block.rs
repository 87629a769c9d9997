//! A block of fields: the bytes of a head, and where the fields stand in them.

use std::cell::RefCell;

use super::names::FieldName;
use crate::buffers::Buffer;

/// Where something stands in a buffer.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Span {
    start: u32,
    len: u32,
}

impl Span {
    /// The span of `len` bytes from `start`. Heads are limited far below 4 GiB.
    #[must_use]
    pub fn new(start: usize, len: usize) -> Self {
        Self {
            start: u32::try_from(start).unwrap_or(u32::MAX),
            len: u32::try_from(len).unwrap_or_default(),
        }
    }

    /// The span's bytes in `bytes`; empty where it points outside.
    #[must_use]
    pub fn of(self, bytes: &[u8]) -> &[u8] {
        let start = self.start as usize;
        bytes
            .get(start..start + self.len as usize)
            .unwrap_or_default()
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(self) -> usize {
        self.len as usize
    }

    /// Is it empty?
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len == 0
    }
}

/// One field line: its name as recognised, and where name and value stand.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The name, where some room acts on it.
    pub name: FieldName,
    /// The name as it was spelled.
    pub spelling: Span,
    /// The value without the blanks around it.
    pub value: Span,
}

/// The fields of one head or trailer, and the buffer that they stand in.
///
/// invariant: every span was made from this buffer's filled part.
#[derive(Debug)]
pub struct FieldBlock {
    bytes: Buffer,
    fields: Vec<Field>,
    // perf: one bit for each name that some room asks about; nearly every question is about a
    // field that is not there, and then the fields are not searched.
    present: u64,
}

impl FieldBlock {
    /// Takes ownership of the buffer and of the list that describes it.
    #[must_use]
    pub fn new(bytes: Buffer, fields: Vec<Field>) -> Self {
        let present = fields
            .iter()
            .fold(0, |present, field| present | field.name.bit());
        Self {
            bytes,
            fields,
            present,
        }
    }

    /// All bytes of the head, start line included.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.filled()
    }

    /// The bytes of a span.
    #[must_use]
    pub fn slice(&self, span: Span) -> &[u8] {
        span.of(self.bytes.filled())
    }

    /// The fields in the order in which they arrived.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Each field's recognised name, spelling and value.
    pub fn iter(&self) -> impl Iterator<Item = (FieldName, &[u8], &[u8])> {
        let bytes = self.bytes.filled();
        self.fields
            .iter()
            .map(move |field| (field.name, field.spelling.of(bytes), field.value.of(bytes)))
    }

    /// The values of every field of that name.
    pub fn values(&self, name: FieldName) -> impl Iterator<Item = &[u8]> {
        let bytes = self.bytes.filled();
        self.fields
            .iter()
            .filter(move |field| field.name == name)
            .map(move |field| field.value.of(bytes))
    }

    /// The first value of that name.
    #[must_use]
    pub fn value(&self, name: FieldName) -> Option<&[u8]> {
        if !self.has(name) {
            return None;
        }
        self.values(name).next()
    }

    /// Is there a field of that name?
    #[must_use]
    pub fn has(&self, name: FieldName) -> bool {
        self.present & name.bit() != 0
    }

    /// The first value of a name that no room knows, in any case.
    #[must_use]
    pub fn value_named(&self, name: &str) -> Option<&[u8]> {
        self.iter()
            .find(|(_, spelling, _)| spelling.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, _, value)| value)
    }

    /// Does some field of that name list this token (comma separated, any case)?
    #[must_use]
    pub fn lists_token(&self, name: FieldName, token: &str) -> bool {
        self.has(name)
            && self.values(name).any(|value| {
                value
                    .split(|byte| *byte == b',')
                    .any(|item| item.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
            })
    }
}

impl Drop for FieldBlock {
    fn drop(&mut self) {
        give_list(std::mem::take(&mut self.fields));
    }
}

/// Lists longer than this are not kept, so that one odd request does not hold memory.
const KEPT_FIELDS: usize = 128;
/// How many lists one core keeps.
const KEPT_LISTS: usize = 1024;

thread_local! {
    static LISTS: RefCell<Vec<Vec<Field>>> = const { RefCell::new(Vec::new()) };
}

/// Takes an empty list of fields from this core's pool.
#[must_use]
pub(crate) fn take_list() -> Vec<Field> {
    LISTS
        .try_with(|lists| lists.borrow_mut().pop())
        .ok()
        .flatten()
        .unwrap_or_else(|| Vec::with_capacity(32))
}

fn give_list(mut list: Vec<Field>) {
    if list.capacity() == 0 || list.capacity() > KEPT_FIELDS {
        return;
    }
    list.clear();
    let _gone_with_the_thread = LISTS.try_with(|lists| {
        let mut lists = lists.borrow_mut();
        if lists.len() < KEPT_LISTS {
            lists.push(list);
        }
    });
}

/// A block of well-formed field lines, for tests that need one without a wire.
#[cfg(test)]
pub(crate) fn block_of(lines: &str) -> FieldBlock {
    let mut bytes = Buffer::checkout(crate::buffers::Class::Head);
    bytes.append(lines.as_bytes()).unwrap();
    let mut fields = Vec::new();
    let mut start = 0;
    for line in lines.split_inclusive("\r\n") {
        let (name, value) = line.trim_end().split_once(':').unwrap();
        let value_start = start + line.find(':').unwrap() + 1;
        let blanks = value.len() - value.trim_start().len();
        fields.push(Field {
            name: FieldName::recognise(name.as_bytes()),
            spelling: Span::new(start, name.len()),
            value: Span::new(value_start + blanks, value.trim().len()),
        });
        start += line.len();
    }
    FieldBlock::new(bytes, fields)
}
