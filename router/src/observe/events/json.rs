//! JSON: strings as Go's encoder prints them.

/// Appends a JSON string, escaped as Go's `encoding/json` does: `<`, `>` and `&` too.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text;
    while let Some(at) = rest.find(is_special) {
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain.as_bytes());
        let mut characters = special.chars();
        if let Some(character) = characters.next() {
            write_special(out, character);
        }
        rest = characters.as_str();
    }
    out.extend_from_slice(rest.as_bytes());
    out.push(b'"');
}

fn is_special(character: char) -> bool {
    matches!(
        character,
        '\0'..='\x1f' | '"' | '\\' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}'
    )
}

fn write_special(out: &mut Vec<u8>, character: char) {
    let short = match character {
        '"' => b'"',
        '\\' => b'\\',
        '\x08' => b'b',
        '\x0c' => b'f',
        '\n' => b'n',
        '\r' => b'r',
        '\t' => b't',
        _ => return write_code(out, character),
    };
    out.extend_from_slice(&[b'\\', short]);
}

fn write_code(out: &mut Vec<u8>, character: char) {
    out.extend_from_slice(b"\\u");
    let code = u32::from(character);
    let digits = [12, 8, 4, 0].map(|shift| char::from_digit((code >> shift) & 0xf, 16));
    out.extend(digits.into_iter().flatten().map(|digit| digit as u8));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(text: &str) -> String {
        let mut out = Vec::new();
        write_string(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn strings_are_escaped_as_go_escapes_them() {
        assert_eq!(string("plain, ünïcode"), "\"plain, ünïcode\"");
        assert_eq!(string("a\"b\\c"), r#""a\"b\\c""#);
        assert_eq!(
            string("\n\r\t\x08\x0c\x01\x7f"),
            "\"\\n\\r\\t\\b\\f\\u0001\x7f\""
        );
        assert_eq!(string("<a&b>\u{2028}"), r#""\u003ca\u0026b\u003e\u2028""#);
        assert_eq!(string(""), "\"\"");
    }

    #[test]
    fn what_is_written_is_read_back() {
        let text: String = (0..0x500).filter_map(char::from_u32).collect();
        assert_eq!(
            serde_json::from_str::<String>(&string(&text)).unwrap(),
            text
        );
    }
}
