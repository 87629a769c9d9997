//! Durations as Go writes them: `300ms`, `1.5h`, `2m30s`, `-1s`.

use std::time::Duration;

/// A signed span of time in nanoseconds, as Go has it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct GoDuration(i64);

impl GoDuration {
    /// Parses Go's form. A bare `0` is accepted too, quoted or not.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (sign, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        // compat: Go takes an unquoted 0 for a number and fails; nobody can mean anything else by it.
        if unsigned == "0" {
            return Some(Self(0));
        }
        let mut rest = unsigned;
        let mut total: i128 = 0;
        while !rest.is_empty() {
            let (nanoseconds, after) = component(rest)?;
            total = total.checked_add(nanoseconds)?;
            rest = after;
        }
        if unsigned.is_empty() {
            return None;
        }
        i64::try_from(sign * total).ok().map(Self)
    }

    /// The time, or `None` for a setting that is turned off by zero and below.
    pub(super) fn unless_off(self) -> Option<Duration> {
        u64::try_from(self.0)
            .ok()
            .filter(|&n| n > 0)
            .map(Duration::from_nanos)
    }

    /// The time, with zero for everything below it.
    pub(super) fn at_least_zero(self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0).unwrap_or(0))
    }
}

/// One number with its unit in nanoseconds, and the text behind it.
fn component(text: &str) -> Option<(i128, &str)> {
    let (whole, rest) = split_digits(text);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => split_digits(rest),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let end = rest
        .find(|c: char| c == '.' || c.is_ascii_digit())
        .unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(end);
    let scale = nanoseconds_per(unit)?;
    let whole = if whole.is_empty() {
        0
    } else {
        whole.parse::<i64>().ok()?
    };
    Some((i128::from(whole) * scale + part_of(fraction, scale), rest))
}

/// The digits behind the point, of a unit of `scale` nanoseconds.
fn part_of(fraction: &str, scale: i128) -> i128 {
    let digits = fraction.get(..MEANINGFUL_DIGITS).unwrap_or(fraction);
    let value = digits
        .bytes()
        .fold(0, |sum, digit| sum * 10 + i128::from(digit - b'0'));
    let one = digits.bytes().fold(1, |product, _| product * 10);
    value * scale / one
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at(end)
}

fn nanoseconds_per(unit: &str) -> Option<i128> {
    match unit {
        "ns" => Some(1),
        // U+00B5 and U+03BC look alike; Go takes both.
        "us" | "\u{b5}s" | "\u{3bc}s" => Some(1_000),
        "ms" => Some(1_000_000),
        "s" => Some(1_000_000_000),
        "m" => Some(60_000_000_000),
        "h" => Some(3_600_000_000_000),
        _ => None,
    }
}

/// More digits than a nanosecond's share of an hour can have.
const MEANINGFUL_DIGITS: usize = 15;

/// Writes a time in the largest unit that divides it: `900s`, `1500ms`.
pub(super) fn format(time: Duration) -> String {
    let nanoseconds = time.as_nanos();
    let units = [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)];
    let fits = units
        .into_iter()
        .find(|(_, scale)| nanoseconds.is_multiple_of(*scale));
    let (unit, scale) = fits.unwrap_or(("ns", 1));
    format!("{}{unit}", nanoseconds / scale)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::{Strategy, any, prop_assert_eq, proptest};

    use super::{GoDuration, format};

    fn nanoseconds(text: &str) -> Option<i64> {
        GoDuration::parse(text).map(|duration| duration.0)
    }

    #[test]
    fn every_form_of_go_is_understood() {
        for (text, expected) in [
            ("300ms", 300_000_000),
            ("1.5h", 5_400_000_000_000),
            ("2m30s", 150_000_000_000),
            ("1h2m3s4ms5us6ns", 3_723_004_005_006),
            ("0s", 0),
            ("0", 0),
            ("-0", 0),
            ("+5s", 5_000_000_000),
            ("-1.5s", -1_500_000_000),
            (".5s", 500_000_000),
            ("5.s", 5_000_000_000),
            ("1us", 1_000),
            ("1\u{b5}s", 1_000),
            ("1\u{3bc}s", 1_000),
            ("0.0000000001s", 0),
            ("2562047h47m16.854775807s", i64::MAX),
        ] {
            assert_eq!(nanoseconds(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for text in [
            "",
            "-",
            "+",
            "5",
            "1.5",
            ".",
            ".s",
            "s",
            "1d",
            "1 s",
            " 1s",
            "1s ",
            "1S",
            "--1s",
            "1e3s",
            "1s2",
            "2562047h47m16.854775808s",
            "99999999999999999999s",
            "9999999999h",
        ] {
            assert_eq!(nanoseconds(text), None, "{text:?}");
        }
    }

    #[test]
    fn zero_and_below_mean_off() {
        assert_eq!(GoDuration::parse("0s").unwrap().unless_off(), None);
        assert_eq!(GoDuration::parse("-1s").unwrap().unless_off(), None);
        assert_eq!(
            GoDuration::parse("1ns").unwrap().unless_off(),
            Some(Duration::from_nanos(1))
        );
        assert_eq!(
            GoDuration::parse("-1s").unwrap().at_least_zero(),
            Duration::ZERO
        );
    }

    #[test]
    fn a_time_is_written_in_its_largest_whole_unit() {
        assert_eq!(format(Duration::from_secs(900)), "900s");
        assert_eq!(format(Duration::from_millis(1500)), "1500ms");
        assert_eq!(format(Duration::from_micros(7)), "7us");
        assert_eq!(format(Duration::from_nanos(7)), "7ns");
        assert_eq!(format(Duration::ZERO), "0s");
    }

    proptest! {
        #[test]
        fn what_is_written_can_be_read(time in any::<i64>().prop_map(i64::unsigned_abs)) {
            let time = Duration::from_nanos(time >> 1);
            prop_assert_eq!(GoDuration::parse(&format(time)).unwrap().at_least_zero(), time);
        }

        #[test]
        fn no_text_panics(text in "[-+]?[0-9.]{0,24}[a-z\u{b5}]{0,2}[0-9.]{0,9}[smh]?") {
            let _ = GoDuration::parse(&text);
        }
    }
}
