//! Quote: a string in Go's syntax, as `strconv.Quote` prints it.

/// Appends `text` in quotes.
pub(super) fn quoted(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    escaped(out, text);
    out.push(b'"');
}

/// Appends `text` in quotes, or `"-"` when it is empty.
pub(super) fn quoted_or_dash(out: &mut Vec<u8>, text: &[u8]) {
    if text.is_empty() {
        out.extend_from_slice(DASH);
    } else {
        quoted(out, text);
    }
}

/// Appends `text` without quotes around it, but as it stands between them.
pub(super) fn escaped(out: &mut Vec<u8>, text: &[u8]) {
    if is_all_plain(text) {
        out.extend_from_slice(text);
    } else {
        escape(out, text);
    }
}

/// Whether nothing needs an escape.
// Eight bytes at once, and the last eight overlap instead of being looked at one by one.
#[inline]
fn is_all_plain(text: &[u8]) -> bool {
    let Some(last) = text.last_chunk::<8>() else {
        return text.iter().all(|byte| is_plain(*byte));
    };
    let (words, _rest) = text.as_chunks::<8>();
    let odd = words
        .iter()
        .fold(odd_bytes(*last), |odd, word| odd | odd_bytes(*word));
    odd == 0
}

/// The high bit of each byte that is not plain; all bits below it are 0.
#[inline]
fn odd_bytes(word: [u8; 8]) -> u64 {
    const LOW: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    // A byte below `n` borrows into its high bit; what it borrows from the next one is harmless,
    // because one odd byte is enough.
    let below = |word: u64, n: u64| word.wrapping_sub(LOW * n) & !word;
    let word = u64::from_ne_bytes(word);
    let quote = below(word ^ (LOW * 0x22), 1);
    let backslash = below(word ^ (LOW * 0x5c), 1);
    let delete = below(word ^ (LOW * 0x7f), 1);
    (below(word, 0x20) | quote | backslash | delete | word) & HIGH
}

#[inline]
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

#[cold]
fn escape(out: &mut Vec<u8>, text: &[u8]) {
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

pub(super) const DASH: &[u8] = b"\"-\"";

#[cfg(test)]
mod tests {
    use super::*;

    fn quote(text: &[u8]) -> String {
        let mut out = Vec::new();
        quoted(&mut out, text);
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
                let mut text = vec![b'x'; len];
                text[at] = byte;
                assert_eq!(
                    is_all_plain(&text),
                    is_plain(byte),
                    "{byte:#x} at {at} of {len}"
                );
            }
        }
    }

    #[test]
    fn nothing_known_is_a_dash_in_quotes() {
        let mut out = Vec::new();
        quoted_or_dash(&mut out, b"");
        quoted_or_dash(&mut out, b"-");
        assert_eq!(out, br#""-""-""#);
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
