//! Instants as clients read and write them.

use std::time::{SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::model::Micros;

/// The present instant.
#[must_use]
pub fn now() -> Micros {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// An instant in UTC with whole seconds, as in `2026-01-02T03:04:05Z`.
#[must_use]
pub fn rfc3339(instant: Micros) -> String {
    OffsetDateTime::from_unix_timestamp(instant.seconds())
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| "1970-01-01T00:00:00Z".to_owned())
}

/// Reads an instant, or `None` when it is ill-formed.
pub(super) fn parse(text: &str) -> Option<Micros> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    let micros = time.unix_timestamp_nanos().div_euclid(1000);
    i64::try_from(micros).ok().map(Micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_told_in_whole_seconds_of_utc() {
        assert_eq!(
            rfc3339(Micros(1_767_323_045_999_999)),
            "2026-01-02T03:04:05Z"
        );
    }

    #[test]
    fn what_is_told_can_be_read() {
        let instant = Micros::from_seconds(1_767_323_045);
        assert_eq!(parse(&rfc3339(instant)), Some(instant));
        assert_eq!(parse("yesterday"), None);
    }
}
