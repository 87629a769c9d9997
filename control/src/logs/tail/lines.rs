//! Bytes to lines.

/// Whether more bytes may follow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// The writer is gone: what is there is all.
    Closed,
    /// The writer lives: a line without its end may still get it.
    Open,
}

/// The lines of a piece of a file.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Split {
    pub(super) lines: Vec<String>,
    /// How many bytes they took; what is left is the beginning of a line.
    pub(super) consumed: usize,
}

/// Cuts bytes into lines; a long one becomes several of at most 950 bytes.
pub(super) fn split(bytes: &[u8], end: End) -> Split {
    let mut done = Split::default();
    let mut rest = bytes;
    while !rest.is_empty() {
        let newline = rest.iter().position(|byte| *byte == b'\n');
        let length = newline.unwrap_or(rest.len());
        let (line, taken) = if length > LINE_MAX_BYTES {
            let cut = boundary(rest, LINE_MAX_BYTES);
            (cut, cut)
        } else if newline.is_some() {
            (length, length + 1)
        } else if end == End::Closed {
            (length, length)
        } else {
            break;
        };
        let (text, _) = rest.split_at(line);
        done.lines.push(printable(text));
        done.consumed += taken;
        rest = rest.split_at(taken).1;
    }
    done
}

/// The last place at or before `at` where no character is cut in two.
fn boundary(bytes: &[u8], at: usize) -> usize {
    let begins = |place: &usize| bytes.get(*place).is_none_or(|byte| byte & 0xC0 != 0x80);
    // A character has at most four bytes; where none begins the text is binary anyway.
    (at.saturating_sub(3)..=at).rev().find(begins).unwrap_or(at)
}

fn printable(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    String::from_utf8_lossy(line).replace('\0', "\u{fffd}")
}

/// Longest record in bytes.
const LINE_MAX_BYTES: usize = 950;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_unfinished_line_waits_until_the_writer_is_gone() {
        let open = split(b"a\nb\r\n\nc", End::Open);
        assert_eq!(open.lines, ["a", "b", ""]);
        assert_eq!(open.consumed, 6);
        let closed = split(b"c", End::Closed);
        assert_eq!((closed.lines, closed.consumed), (vec!["c".to_owned()], 1));
    }

    #[test]
    fn a_long_line_is_cut_where_a_character_begins() {
        let text = format!("{}é{}\n", "x".repeat(949), "y".repeat(10));
        let done = split(text.as_bytes(), End::Open);
        assert_eq!(done.lines[0].len(), 949);
        assert_eq!(done.lines[1], format!("é{}", "y".repeat(10)));
        assert_eq!(done.consumed, text.len());
    }

    #[test]
    fn a_line_of_exactly_the_limit_is_one_record() {
        let text = format!("{}\n", "x".repeat(LINE_MAX_BYTES));
        assert_eq!(split(text.as_bytes(), End::Open).lines.len(), 1);
    }

    #[test]
    fn binary_output_becomes_text() {
        let done = split(b"\xff\x00a\n", End::Open);
        assert_eq!(done.lines, ["\u{fffd}\u{fffd}a"]);
        let all = split(&[0x80; 5000], End::Closed);
        assert_eq!(all.consumed, 5000);
    }

    proptest! {
        /// However the bytes arrive, nothing is lost and no record is too long.
        #[test]
        fn any_arrival_of_the_same_bytes_gives_all_of_them(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'a'), any::<u8>()], 0..4000),
            step in 1_usize..700,
        ) {
            let (mut lines, mut from, mut to) = (Vec::new(), 0, 0);
            while to < bytes.len() {
                to = (to + step).min(bytes.len());
                let done = split(&bytes[from..to], End::Open);
                from += done.consumed;
                lines.extend(done.lines);
            }
            let last = split(&bytes[from..], End::Closed);
            prop_assert_eq!(from + last.consumed, bytes.len());
            lines.extend(last.lines);
            // A replacement character is three bytes where one was.
            prop_assert!(lines.iter().all(|line| line.len() <= 3 * LINE_MAX_BYTES));
            let newlines = bytes.iter().filter(|byte| **byte == b'\n').count();
            prop_assert!(lines.len() >= newlines);
        }
    }
}
