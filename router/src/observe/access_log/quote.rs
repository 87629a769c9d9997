//! Quote: a string in Go's syntax, as `strconv.Quote` prints it.

/// Whether a line that holds its texts as they are is right: no byte of it needs an escape, and it
/// has no quotation marks but its own.
pub(super) fn is_right(line: &[u8], quotes: usize) -> bool {
    // perf: no early end and no branch, so that the compiler looks at sixteen bytes at once.
    let odd = line.iter().fold(0, |odd, byte| odd | odd_bits(*byte));
    odd == 0 && memchr::memchr_iter(b'"', line).count() == quotes
}

/// Not 0 for what Go would escape, but for a quotation mark.
#[inline]
fn odd_bits(byte: u8) -> u8 {
    u8::from(byte.wrapping_sub(b' ') > b'~' - b' ') | u8::from(byte == b'\\')
}

/// Appends `text` as it stands between quotation marks.
#[cold]
pub(super) fn escaped(out: &mut Vec<u8>, text: &[u8]) {
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            escape_char(out, character);
        }
        for byte in chunk.invalid() {
            out.extend_from_slice(b"\\x");
            hex(out, u32::from(*byte), 2);
        }
    }
}

fn escape_char(out: &mut Vec<u8>, character: char) {
    let short = match character {
        '"' => b'"',
        '\\' => b'\\',
        '\x07' => b'a',
        '\x08' => b'b',
        '\x0c' => b'f',
        '\n' => b'n',
        '\r' => b'r',
        '\t' => b't',
        '\x0b' => b'v',
        _ => return escape_long(out, character),
    };
    out.extend_from_slice(&[b'\\', short]);
}

fn escape_long(out: &mut Vec<u8>, character: char) {
    let code = u32::from(character);
    if is_printable(character) {
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    } else if code < 0x20 || code == 0x7f {
        out.extend_from_slice(b"\\x");
        hex(out, code, 2);
    } else if code < 0x1_0000 {
        out.extend_from_slice(b"\\u");
        hex(out, code, 4);
    } else {
        out.extend_from_slice(b"\\U");
        hex(out, code, 8);
    }
}

/// Whether Go prints a character as itself: letters, marks, numbers, punctuation, symbols, space.
fn is_printable(character: char) -> bool {
    if character.is_ascii() {
        return matches!(character, ' '..='~');
    }
    // std's own table has the same categories, but it also escapes a combining mark that comes
    // first; so something comes before it.
    let mut text = [b'a'; 5];
    let (_first, rest) = text.split_at_mut(1);
    let len = 1 + character.encode_utf8(rest).len();
    let text = text.get(..len).and_then(|text| str::from_utf8(text).ok());
    text.is_some_and(|text| text.escape_debug().nth(1) == Some(character))
}

fn hex(out: &mut Vec<u8>, value: u32, digits: u32) {
    let nibbles = (0..digits).rev().map(|digit| (value >> (4 * digit)) & 0xf);
    out.extend(
        nibbles
            .filter_map(|nibble| char::from_digit(nibble, 16))
            .map(|hex| hex as u8),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote(text: &[u8]) -> String {
        let mut out = Vec::new();
        out.push(b'"');
        escaped(&mut out, text);
        out.push(b'"');
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn plain_text_stands_as_it_is() {
        assert_eq!(quote(b"curl/8.5 (it's fine)"), r#""curl/8.5 (it's fine)""#);
        assert_eq!(quote(b""), r#""""#);
    }

    #[test]
    fn quotes_and_backslashes_are_escaped() {
        assert_eq!(quote(br#"a"b\c"#), r#""a\"b\\c""#);
    }

    #[test]
    fn control_characters_have_go_names_or_hex() {
        let named = quote(b"\x07\x08\x0c\n\r\t\x0b");
        assert_eq!(named, r#""\a\b\f\n\r\t\v""#);
        assert_eq!(quote(b"\x00\x1f\x7f"), r#""\x00\x1f\x7f""#);
    }

    #[test]
    fn printable_unicode_stands_and_the_rest_is_named() {
        assert_eq!(
            quote("grüße 世界 \u{fffd}".as_bytes()),
            "\"grüße 世界 \u{fffd}\""
        );
        assert_eq!(quote("\u{301}e\u{301}".as_bytes()), "\"\u{301}e\u{301}\"");
        assert_eq!(
            quote("\u{80}\u{a0}\u{ad}".as_bytes()),
            r#""\u0080\u00a0\u00ad""#
        );
        assert_eq!(
            quote("\u{200b}\u{2028}\u{e000}".as_bytes()),
            r#""\u200b\u2028\ue000""#
        );
        assert_eq!(quote("\u{e0001}".as_bytes()), r#""\U000e0001""#);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_hex() {
        assert_eq!(quote(b"a\xffb\xc3"), r#""a\xffb\xc3""#);
        assert_eq!(quote(b"\xe4\xb8"), r#""\xe4\xb8""#);
        assert_eq!(quote(b"\xed\xa0\x80"), r#""\xed\xa0\x80""#);
    }

    #[test]
    fn one_byte_that_needs_an_escape_is_found_wherever_it_stands() {
        for (len, at) in (1..40).flat_map(|len| (0..len).map(move |at| (len, at))) {
            for byte in 0..=u8::MAX {
                let mut line = vec![b'x'; len];
                line[at] = byte;
                let plain = matches!(byte, b' '..=b'~') && byte != b'\\' && byte != b'"';
                assert_eq!(is_right(&line, 0), plain, "{byte:#x} at {at} of {len}");
            }
        }
    }

    #[test]
    fn quotation_marks_are_counted() {
        assert!(is_right(br#""a" "b""#, 4));
        assert!(!is_right(br#""a" "b"c""#, 4));
        assert!(!is_right(b"\"a\"\n", 2));
    }

    #[test]
    fn every_byte_alone_is_one_line_of_ascii() {
        for byte in 0..=u8::MAX {
            let quoted = quote(&[byte]);
            assert!(
                quoted.is_ascii() && !quoted.contains(['\n', '\r']),
                "{byte:#x}: {quoted}"
            );
        }
    }
}
