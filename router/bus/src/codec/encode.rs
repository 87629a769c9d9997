//! To JSON, with the escapes that Go's encoder writes.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};

/// Encodes `value` byte for byte as Go's `json.Marshal` would.
///
/// # Errors
///
/// Fails when the value cannot be JSON, as a map with keys that are no strings.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = Vec::with_capacity(256);
    value.serialize(&mut Serializer::with_formatter(&mut bytes, GoFormatter))?;
    Ok(bytes)
}

struct GoFormatter;

impl Formatter for GoFormatter {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + Write,
    {
        // compat: Go escapes what could end a script element or a JavaScript line.
        let special = ['<', '>', '&', '\u{2028}', '\u{2029}'];
        for piece in fragment.split_inclusive(special) {
            let last = piece
                .chars()
                .next_back()
                .filter(|last| special.contains(last));
            let plain = last.map_or(piece, |last| piece.strip_suffix(last).unwrap_or(piece));
            writer.write_all(plain.as_bytes())?;
            if let Some(last) = last {
                write!(writer, "\\u{:04x}", u32::from(last))?;
            }
        }
        Ok(())
    }

    fn write_char_escape<W>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()>
    where
        W: ?Sized + Write,
    {
        match escape {
            CharEscape::Quote => writer.write_all(b"\\\""),
            CharEscape::ReverseSolidus => writer.write_all(b"\\\\"),
            CharEscape::Solidus => writer.write_all(b"/"),
            CharEscape::LineFeed => writer.write_all(b"\\n"),
            CharEscape::CarriageReturn => writer.write_all(b"\\r"),
            CharEscape::Tab => writer.write_all(b"\\t"),
            // compat: the short forms of these two came only with Go 1.22.
            CharEscape::Backspace => writer.write_all(b"\\u0008"),
            CharEscape::FormFeed => writer.write_all(b"\\u000c"),
            CharEscape::AsciiControl(byte) => write!(writer, "\\u{byte:04x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_as_go_does() {
        let bytes = encode(&"a<b>&\u{2028}\"\\/\n\r\t\u{8}\u{1f}é").unwrap();
        let expected = r#""a\u003cb\u003e\u0026\u2028\"\\/\n\r\t\u0008\u001fé""#;
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }
}
