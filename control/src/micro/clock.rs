//! The time of day in UTC, for lines that end up in a log.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// A moment, shown as `2026-11-22T12:04:31Z`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Moment {
    seconds: u64,
}

impl Moment {
    /// This moment, by the system's clock.
    pub(super) fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            seconds: since.map_or(0, |since| since.as_secs()),
        }
    }

    /// The time of day alone: `12:04:31`.
    pub(super) fn time_of_day(self) -> String {
        let second = self.seconds % DAY;
        format!(
            "{:02}:{:02}:{:02}",
            second / 3600,
            second / 60 % 60,
            second % 60
        )
    }

    /// Year, month and day of the Gregorian calendar.
    fn date(self) -> (u64, u64, u64) {
        // Counted from 1 March of the year 0, so that a leap day is the last day of its year.
        let days = self.seconds / DAY + 719_468;
        let era = days / 146_097;
        let day_of_era = days % 146_097;
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let (month, next_year) = match month_from_march {
            0..=9 => (month_from_march + 3, 0),
            _ => (month_from_march - 9, 1),
        };
        (era * 400 + year_of_era + next_year, month, day)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        write!(out, "{year:04}-{month:02}-{day:02}T{}Z", self.time_of_day())
    }
}

const DAY: u64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_around_leap_days_are_right() {
        let cases = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ];
        for (seconds, shown) in cases {
            assert_eq!(Moment { seconds }.to_string(), shown);
        }
    }
}
