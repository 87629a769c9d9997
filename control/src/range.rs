//! Which part of a file a request wants.

/// What a `Range` field asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Part {
    /// Bytes `first..=last`.
    Bytes {
        /// The first one.
        first: u64,
        /// The last one, inclusive.
        last: u64,
    },
    /// Bytes that the file does not have.
    Outside,
    /// All of it: the field is malformed, or asks for several parts, which may be left out.
    Whole,
}

/// Reads the field for a file of `length` bytes.
pub(crate) fn part(field: &str, length: u64) -> Part {
    let Some((from, to)) = field
        .strip_prefix("bytes=")
        .and_then(|range| range.trim().split_once('-'))
    else {
        return Part::Whole;
    };
    match (number(from), number(to)) {
        (Ok(Some(first)), Ok(to)) => {
            if to.is_some_and(|to| to < first) {
                return Part::Whole;
            }
            if first >= length {
                return Part::Outside;
            }
            let last = to.unwrap_or(u64::MAX).min(length - 1);
            Part::Bytes { first, last }
        }
        (Ok(None), Ok(Some(0))) => Part::Outside,
        (Ok(None), Ok(Some(_))) if length == 0 => Part::Outside,
        (Ok(None), Ok(Some(suffix))) => Part::Bytes {
            first: length.saturating_sub(suffix),
            last: length - 1,
        },
        (Ok(None), Ok(None)) | (Err(()), _) | (_, Err(())) => Part::Whole,
    }
}

fn number(text: &str) -> Result<Option<u64>, ()> {
    if text.is_empty() {
        return Ok(None);
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(());
    }
    text.parse().map(Some).map_err(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_range() {
        let bytes = |first, last| Part::Bytes { first, last };
        for (field, length, expected) in [
            ("bytes=0-0", 10, bytes(0, 0)),
            ("bytes=2-5", 10, bytes(2, 5)),
            ("bytes=2-99", 10, bytes(2, 9)),
            ("bytes=7-", 10, bytes(7, 9)),
            ("bytes=-3", 10, bytes(7, 9)),
            ("bytes=-99", 10, bytes(0, 9)),
            ("bytes=10-", 10, Part::Outside),
            ("bytes=-0", 10, Part::Outside),
            ("bytes=-1", 0, Part::Outside),
            ("bytes=0-", 0, Part::Outside),
            ("bytes=5-2", 10, Part::Whole),
            ("bytes=1-2,4-5", 10, Part::Whole),
            ("bytes=-", 10, Part::Whole),
            ("bytes=a-b", 10, Part::Whole),
            ("bytes=+1-2", 10, Part::Whole),
            ("lines=1-2", 10, Part::Whole),
            ("bytes=99999999999999999999-", 10, Part::Whole),
        ] {
            assert_eq!(part(field, length), expected, "{field} of {length}");
        }
    }
}
