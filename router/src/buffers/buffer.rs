//! One buffer: a block with a filled middle.

use std::fmt;

use super::pool::{self, Class};

/// A block of bytes with a filled part: read into its tail, consumed from its front.
pub struct Buffer {
    block: Box<[u8]>,
    class: Class,
    start: usize,
    end: usize,
}

impl Buffer {
    /// Takes an empty buffer of a class from this core's pool.
    #[must_use]
    pub fn checkout(class: Class) -> Self {
        Self {
            block: pool::take(class),
            class,
            start: 0,
            end: 0,
        }
    }

    /// The size class.
    #[must_use]
    pub fn class(&self) -> Class {
        self.class
    }

    /// The bytes that are filled and not yet consumed.
    #[must_use]
    pub fn filled(&self) -> &[u8] {
        self.block.get(self.start..self.end).unwrap_or_default()
    }

    /// Filled bytes left.
    #[must_use]
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// Is nothing filled?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Is there no room behind the filled part?
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.end == self.block.len()
    }

    /// The room behind the filled part.
    pub fn spare(&mut self) -> &mut [u8] {
        self.block.get_mut(self.end..).unwrap_or_default()
    }

    /// Says that `count` bytes of the spare room were filled. More than there is room for counts
    /// as all of it.
    pub fn fill(&mut self, count: usize) {
        self.end = self.block.len().min(self.end + count);
    }

    /// Says that `count` filled bytes are no longer needed. More than there are counts as all.
    pub fn consume(&mut self, count: usize) {
        self.start = self.end.min(self.start + count);
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
    }

    /// Keeps the first `count` filled bytes.
    pub fn truncate(&mut self, count: usize) {
        self.end = self.end.min(self.start + count);
    }

    /// Empties the buffer.
    pub fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
    }

    /// Appends `bytes`, moving to a larger block where they do not fit.
    ///
    /// # Errors
    ///
    /// Fails, with nothing appended, when no class is large enough.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), Overflow> {
        if self.block.len() - self.end < bytes.len() {
            self.make_room(bytes.len())?;
        }
        if let Some(room) = self.block.get_mut(self.end..self.end + bytes.len()) {
            room.copy_from_slice(bytes);
            self.end += bytes.len();
        }
        Ok(())
    }

    /// Appends a field's line: `name: value`, CR and LF.
    ///
    /// # Errors
    ///
    /// Fails, with nothing appended, when no class is large enough.
    // perf: a head is a dozen of these; the four bytes between and behind need no copying loop.
    pub fn append_line(&mut self, name: &[u8], value: &[u8]) -> Result<(), Overflow> {
        let total = name.len() + value.len() + 4;
        if self.block.len() - self.end < total {
            self.make_room(total)?;
        }
        let room = self.block.get_mut(self.end..).unwrap_or_default();
        if let Some((name_room, room)) = room.split_at_mut_checked(name.len())
            && let Some((colon, room)) = room.split_first_chunk_mut()
            && let Some((value_room, room)) = room.split_at_mut_checked(value.len())
            && let Some((end, _)) = room.split_first_chunk_mut()
        {
            name_room.copy_from_slice(name);
            *colon = *b": ";
            value_room.copy_from_slice(value);
            *end = *b"\r\n";
            self.end += total;
        }
        Ok(())
    }

    /// Appends several slices with one look at the room.
    ///
    /// # Errors
    ///
    /// Fails, with nothing appended, when no class is large enough.
    pub fn append_all(&mut self, parts: &[&[u8]]) -> Result<(), Overflow> {
        let total = parts.iter().map(|part| part.len()).sum();
        if self.block.len() - self.end < total {
            self.make_room(total)?;
        }
        for part in parts {
            if let Some(room) = self.block.get_mut(self.end..self.end + part.len()) {
                room.copy_from_slice(part);
                self.end += part.len();
            }
        }
        Ok(())
    }

    /// Makes room for `more` bytes behind the filled part.
    ///
    /// # Errors
    ///
    /// Fails when no class is large enough.
    pub fn make_room(&mut self, more: usize) -> Result<(), Overflow> {
        let needed = self.len() + more;
        if needed <= self.block.len() {
            self.block.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            return Ok(());
        }
        let class = Class::holding(needed).ok_or(Overflow)?;
        let mut larger = Self::checkout(class);
        larger.append(self.filled())?;
        *self = larger;
        Ok(())
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        pool::give(self.class, std::mem::take(&mut self.block));
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer")
            .field("class", &self.class)
            .field("len", &self.len())
            .finish()
    }
}

/// More bytes than the largest buffer holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Overflow;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_appended_is_filled_and_what_is_consumed_is_gone() {
        let mut buffer = Buffer::checkout(Class::Head);
        buffer.append(b"hello world").unwrap();
        buffer.consume(6);
        assert_eq!(buffer.filled(), b"world");
        buffer.consume(99);
        assert!(buffer.is_empty());
    }

    #[test]
    fn a_buffer_that_is_too_small_moves_to_the_next_class() {
        let mut buffer = Buffer::checkout(Class::Head);
        buffer.append(&[7; 4000]).unwrap();
        buffer.append(&[8; 4000]).unwrap();
        assert_eq!(buffer.class(), Class::Small);
        assert_eq!(buffer.filled().get(..4000), Some([7; 4000].as_slice()));
        assert_eq!(buffer.filled().get(4000..), Some([8; 4000].as_slice()));
    }

    #[test]
    fn room_is_made_in_front_before_a_larger_block_is_taken() {
        let mut buffer = Buffer::checkout(Class::Head);
        buffer.append(&[1; 4000]).unwrap();
        buffer.consume(3000);
        buffer.append(&[2; 2000]).unwrap();
        assert_eq!(buffer.class(), Class::Head);
        assert_eq!(buffer.len(), 3000);
    }

    #[test]
    fn more_than_the_largest_class_is_an_error_and_loses_nothing() {
        let mut buffer = Buffer::checkout(Class::Head);
        buffer.append(b"kept").unwrap();
        assert_eq!(buffer.append(&vec![0; 2 << 20]), Err(Overflow));
        assert_eq!(buffer.filled(), b"kept");
    }
}
