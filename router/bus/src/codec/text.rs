//! JSON strings: where one ends, and what it says after Go's repairs.

use std::borrow::Cow;

use super::error::Reason;

/// A string that was read, and how many bytes it took, closing quote included.
pub(super) type Scanned<'a> = (Cow<'a, str>, usize);

/// Reads the string whose opening quote stands just before `bytes`.
pub(super) fn scan(bytes: &[u8]) -> Result<Scanned<'_>, (Reason, usize)> {
    // perf: nearly every string has no escape and is valid, so it is borrowed after one pass.
    let (plain, special) = split_plain(bytes)?;
    if special == b'"'
        && let Ok(text) = std::str::from_utf8(plain)
    {
        return Ok((Cow::Borrowed(text), plain.len() + 1));
    }
    repair(bytes).map(|(text, used)| (Cow::Owned(text), used))
}

/// Copies a string while resolving escapes and replacing what is not UTF-8.
fn repair(bytes: &[u8]) -> Result<(String, usize), (Reason, usize)> {
    let mut text = String::new();
    let mut used = 0;
    loop {
        let rest = bytes.get(used..).unwrap_or_default();
        let (plain, special) = split_plain(rest).map_err(|(reason, at)| (reason, used + at))?;
        push_lossy(&mut text, plain);
        used += plain.len() + 1;
        if special == b'"' {
            return Ok((text, used));
        }
        let escaped = bytes.get(used..).unwrap_or_default();
        used += push_escape(&mut text, escaped).map_err(|reason| (reason, used))?;
    }
}

/// Splits off the bytes that stand for themselves; gives them and the quote or backslash behind.
fn split_plain(bytes: &[u8]) -> Result<(&[u8], u8), (Reason, usize)> {
    let special = |&byte: &u8| byte == b'"' || byte == b'\\' || byte < b' ';
    let Some(at) = bytes.iter().position(special) else {
        return Err((Reason::Truncated, bytes.len()));
    };
    match (bytes.get(..at), bytes.get(at)) {
        (Some(plain), Some(&byte @ (b'"' | b'\\'))) => Ok((plain, byte)),
        _ => Err((Reason::Syntax, at)),
    }
}

/// Appends `bytes`, with U+FFFD for every single byte that is not part of a valid sequence.
fn push_lossy(text: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        // compat: Go replaces byte by byte, where `from_utf8_lossy` replaces a whole broken
        // sequence once (encoding/json, unquoteBytes).
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
}

/// Appends what the escape after a backslash stands for; gives the number of bytes it took.
fn push_escape(text: &mut String, bytes: &[u8]) -> Result<usize, Reason> {
    let plain = match bytes.first().ok_or(Reason::Truncated)? {
        byte @ (b'"' | b'\\' | b'/') => char::from(*byte),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return push_unicode(text, bytes.get(1..).unwrap_or_default()),
        _ => return Err(Reason::Syntax),
    };
    text.push(plain);
    Ok(1)
}

/// Appends a `\u` escape, joined with the next one where the two are a surrogate pair.
fn push_unicode(text: &mut String, digits: &[u8]) -> Result<usize, Reason> {
    let unit = hex4(digits)?;
    let next = match digits.get(4..6) {
        Some(b"\\u") => digits.get(6..).and_then(|digits| hex4(digits).ok()),
        _ => None,
    };
    let mut decoded = char::decode_utf16([unit].into_iter().chain(next));
    let first = decoded.next().and_then(Result::ok);
    let joined = first.is_some_and(|character| character.len_utf16() == 2);
    // compat: half a surrogate pair becomes U+FFFD and what follows is read afresh.
    text.push(first.unwrap_or(char::REPLACEMENT_CHARACTER));
    Ok(if joined { 11 } else { 5 })
}

fn hex4(digits: &[u8]) -> Result<u16, Reason> {
    let mut value = 0;
    for place in 0..4 {
        let digit = digits.get(place).ok_or(Reason::Truncated)?;
        let digit = char::from(*digit).to_digit(16).ok_or(Reason::Syntax)?;
        value = value << 4 | digit;
    }
    u16::try_from(value).map_err(|_| Reason::Syntax)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(inside: &[u8]) -> String {
        let mut quoted = inside.to_vec();
        quoted.push(b'"');
        let (text, used) = scan(&quoted).unwrap();
        assert_eq!(used, quoted.len());
        text.into_owned()
    }

    #[test]
    fn a_plain_string_is_borrowed() {
        assert!(matches!(
            scan(b"10.0.0.1\",").unwrap(),
            (Cow::Borrowed("10.0.0.1"), 9)
        ));
        assert!(matches!(
            scan("büro\"".as_bytes()).unwrap(),
            (Cow::Borrowed("büro"), 6)
        ));
    }

    #[test]
    fn every_escape_is_resolved() {
        assert_eq!(
            text(br#"\"\\\/\b\f\n\r\t\u0041\u00e9"#),
            "\"\\/\u{8}\u{c}\n\r\tAé"
        );
    }

    #[test]
    fn surrogates_are_joined_and_half_ones_replaced() {
        assert_eq!(text(br"\ud83d\ude00!"), "😀!");
        assert_eq!(text(br"\ud83d!"), "\u{fffd}!");
        assert_eq!(text(br"\ude00\ud83d"), "\u{fffd}\u{fffd}");
        assert_eq!(text(br"\ud83d\u0041"), "\u{fffd}A");
        assert_eq!(text(br"\ud83d\n"), "\u{fffd}\n");
    }

    #[test]
    fn every_broken_byte_is_replaced_by_itself() {
        assert_eq!(text(b"a\xff\xe2\x82b"), "a\u{fffd}\u{fffd}\u{fffd}b");
        assert_eq!(text(b"\xed\xa0\x80"), "\u{fffd}\u{fffd}\u{fffd}");
    }

    #[test]
    fn control_characters_and_unknown_escapes_are_errors() {
        assert_eq!(scan(b"a\nb\"").unwrap_err(), (Reason::Syntax, 1));
        assert_eq!(scan(br#"\x41""#).unwrap_err().0, Reason::Syntax);
        assert_eq!(scan(br#"\'""#).unwrap_err().0, Reason::Syntax);
        assert_eq!(scan(br#"\u12G4""#).unwrap_err().0, Reason::Syntax);
        assert_eq!(scan(br"\u12").unwrap_err().0, Reason::Truncated);
        assert_eq!(scan(b"abc").unwrap_err(), (Reason::Truncated, 3));
    }
}
