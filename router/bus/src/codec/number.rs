//! JSON numbers: their grammar, and the types that a message wants them as.

use super::decode::Decode;
use super::error::{DecodeError, Kind, Reason};
use super::reader::Reader;

/// A number that may also come as a string: both `1.25` and `"1.25"`.
// compat: gorouter changed `hash_balance` from one to the other and back again (gorouter 1.3).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LenientFloat(pub f64);

const FLOAT: &str = "a floating-point number";

impl<'a> Decode<'a> for LenientFloat {
    fn decode(&mut self, reader: &mut Reader<'a>) -> Result<(), DecodeError> {
        if reader.kind()? != Kind::Text {
            return self.0.decode(reader);
        }
        let quoted = reader.text()?;
        // compat: Go's `,string` option takes a quoted null for null.
        if quoted == "null" {
            return Ok(());
        }
        let whole = scan(quoted.as_bytes()).is_ok_and(|literal| literal.len() == quoted.len());
        self.0 = whole
            .then(|| finite(&quoted))
            .flatten()
            .ok_or_else(|| reader.error(Reason::Range { expected: FLOAT }))?;
        Ok(())
    }
}

impl<'a> Decode<'a> for f64 {
    fn decode(&mut self, reader: &mut Reader<'a>) -> Result<(), DecodeError> {
        if !reader.null()? {
            *self = finite(reader.number(FLOAT)?)
                .ok_or_else(|| reader.error(Reason::Range { expected: FLOAT }))?;
        }
        Ok(())
    }
}

macro_rules! integers {
    ($($type:ty: $name:literal),+ $(,)?) => {$(
        impl<'a> Decode<'a> for $type {
            fn decode(&mut self, reader: &mut Reader<'a>) -> Result<(), DecodeError> {
                if !reader.null()? {
                    // compat: `1.0` and `1e3` are no integers to Go either.
                    *self = reader
                        .number($name)?
                        .parse()
                        .map_err(|_| reader.error(Reason::Range { expected: $name }))?;
                }
                Ok(())
            }
        }
    )+};
}

integers! {
    i32: "a signed 32-bit integer",
    i64: "a signed 64-bit integer",
    u16: "an unsigned 16-bit integer",
    u32: "an unsigned 32-bit integer",
    u64: "an unsigned 64-bit integer",
}

fn finite(literal: &str) -> Option<f64> {
    literal
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
}

/// The longest number literal at the start of `bytes`.
pub(super) fn scan(bytes: &[u8]) -> Result<&str, (Reason, usize)> {
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    match bytes.get(at) {
        // A leading zero stands alone; a digit behind it is somebody else's syntax error.
        Some(b'0') => at += 1,
        _ => at = digits(bytes, at)?,
    }
    if bytes.get(at) == Some(&b'.') {
        at = digits(bytes, at + 1)?;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        at = digits(bytes, at + 1 + sign)?;
    }
    let literal = bytes
        .get(..at)
        .and_then(|literal| std::str::from_utf8(literal).ok());
    literal.ok_or((Reason::Syntax, at))
}

/// The place behind the digits at `at`, of which there must be at least one.
fn digits(bytes: &[u8], at: usize) -> Result<usize, (Reason, usize)> {
    let rest = bytes.get(at..).unwrap_or_default();
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match (count, rest.is_empty()) {
        (0, true) => Err((Reason::Truncated, at)),
        (0, false) => Err((Reason::Syntax, at)),
        _ => Ok(at + count),
    }
}

#[cfg(test)]
mod tests {
    use super::super::decode::from_slice;
    use super::*;

    #[test]
    fn integers_take_only_whole_numbers_in_range() {
        assert_eq!(from_slice::<u16>(b"65535").unwrap(), 65535);
        assert_eq!(from_slice::<i64>(b"-0").unwrap(), 0);
        assert_eq!(from_slice::<i64>(b"9223372036854775807").unwrap(), i64::MAX);
        for wrong in [
            "65536", "-1", "1.0", "1e3", "\"80\"", "true", "[]", "{}", "080",
        ] {
            assert!(from_slice::<u16>(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn floats_must_be_finite() {
        assert_eq!(from_slice::<f64>(b"-2.5e-1").unwrap(), -0.25);
        assert!(from_slice::<f64>(b"1e999").is_err());
    }

    #[test]
    fn a_lenient_float_may_be_quoted() {
        for same in ["1.25", "\"1.25\"", "\"\\u0031.25\""] {
            assert_eq!(
                from_slice::<LenientFloat>(same.as_bytes()).unwrap().0,
                1.25,
                "{same}"
            );
        }
        for zero in ["null", "\"null\""] {
            assert_eq!(
                from_slice::<LenientFloat>(zero.as_bytes()).unwrap().0,
                0.0,
                "{zero}"
            );
        }
        for wrong in [
            "\"\"",
            "\"1.25 \"",
            "\"inf\"",
            "\"NaN\"",
            "\"+1\"",
            "true",
            "\"1e999\"",
        ] {
            assert!(
                from_slice::<LenientFloat>(wrong.as_bytes()).is_err(),
                "{wrong}"
            );
        }
    }
}
