//! Figures in words, and words in colour.

use std::ffi::OsString;
use std::time::Duration;

use serde_json::{Value, json};

use super::clock::Moment;
use super::figures::Figures;

/// Whether words are coloured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Paint {
    /// With ANSI colours.
    Colour,
    /// As they are.
    None,
}

impl Paint {
    /// What the environment variable `NO_COLOR` asks for: no colour unless it is empty.
    pub(super) fn wanted(no_color: Option<OsString>) -> Self {
        match no_color {
            Some(value) if !value.is_empty() => Self::None,
            Some(_) | None => Self::Colour,
        }
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.dress("1", text)
    }

    pub(super) fn green(self, text: &str) -> String {
        self.dress("32", text)
    }

    pub(super) fn red(self, text: &str) -> String {
        self.dress("31", text)
    }

    fn dress(self, code: &str, text: &str) -> String {
        match self {
            Self::Colour => format!("\x1b[{code}m{text}\x1b[0m"),
            Self::None => text.to_owned(),
        }
    }
}

/// `12:04:31  1,284 req/s   p50 0.21 ms   p99 0.90 ms   5xx 0   conns 64   rss 14 MB`
pub(super) fn figures(figures: &Figures, when: &str) -> String {
    format!(
        "{when}  {} req/s  p50 {}  p99 {}  5xx {}  conns {}  rss {}",
        grouped(figures.rate.round() as u64),
        latency(figures.p50),
        latency(figures.p99),
        grouped(figures.failures),
        grouped(figures.connections),
        memory(figures.rss_bytes),
    )
}

/// The same for a program, in base units.
pub(super) fn figures_json(figures: &Figures, now: Moment) -> Value {
    json!({
        "event": "figures",
        "time": now.to_string(),
        "requests_per_second": figures.rate,
        "p50_seconds": figures.p50.map(|p50| p50.as_secs_f64()),
        "p99_seconds": figures.p99.map(|p99| p99.as_secs_f64()),
        "responses_5xx_total": figures.failures,
        "client_connections": figures.connections,
        "rss_bytes": figures.rss_bytes,
    })
}

fn latency(value: Option<Duration>) -> String {
    let Some(value) = value else {
        return "-".to_owned();
    };
    let millis = value.as_secs_f64() * 1e3;
    match millis {
        ..10.0 => format!("{millis:.2} ms"),
        ..1000.0 => format!("{millis:.0} ms"),
        _ => format!("{:.1} s", millis / 1e3),
    }
}

fn memory(bytes: Option<u64>) -> String {
    bytes.map_or_else(
        || "-".to_owned(),
        |bytes| format!("{} MB", grouped(bytes.div_ceil(1 << 20))),
    )
}

/// `1284` as `1,284`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1284), "1,284");
        assert_eq!(grouped(1_000_000), "1,000,000");
    }

    #[test]
    fn a_latency_keeps_two_or_three_digits_that_matter() {
        let shown = |micros| latency(Some(Duration::from_micros(micros)));
        assert_eq!(shown(210), "0.21 ms");
        assert_eq!(shown(42_000), "42 ms");
        assert_eq!(shown(2_300_000), "2.3 s");
        assert_eq!(latency(None), "-");
    }

    #[test]
    fn an_empty_no_color_changes_nothing() {
        assert_eq!(Paint::wanted(Some("".into())), Paint::Colour);
        assert_eq!(Paint::wanted(Some("1".into())), Paint::None);
        assert_eq!(Paint::wanted(None), Paint::Colour);
    }
}
