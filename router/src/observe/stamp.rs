//! Stamp: a moment as gorouter prints it, `2006-01-02T15:04:05.000000000Z`.

use std::time::{SystemTime, UNIX_EPOCH};

use super::zone::Zone;

/// Prints moments, and remembers the second that it printed last.
#[derive(Clone, Debug)]
pub struct Stamp {
    zone: Zone,
    second: i64,
    /// `2006-01-02T15:04:05.` of that second.
    text: [u8; 20],
}

impl Stamp {
    /// Prints in this zone.
    #[must_use]
    pub fn new(zone: Zone) -> Self {
        let mut stamp = Self {
            zone,
            second: 0,
            text: *b"1970-01-01T00:00:00.",
        };
        stamp.remember(0);
        stamp
    }

    /// Appends a moment with nine digits of a second.
    // compat: local time, but with a literal `Z` (gorouter accesslog/schema/access_log_record.go).
    pub fn write(&mut self, out: &mut Vec<u8>, moment: SystemTime) {
        let (second, nanos) = since_epoch(moment);
        if second != self.second {
            self.remember(second);
        }
        out.extend_from_slice(&self.text);
        padded(out, nanos, 1_000_000_000);
        out.push(b'Z');
    }

    fn remember(&mut self, second: i64) {
        let local = second + i64::from(self.zone.offset_seconds());
        let (year, month, day) = civil(local.div_euclid(DAY));
        let time = local.rem_euclid(DAY).unsigned_abs();
        let parts: [(usize, &[u8]); 6] = [
            (0, &digits::<4>(year)),
            (5, &digits::<2>(month)),
            (8, &digits::<2>(day)),
            (11, &digits::<2>(time / 3600)),
            (14, &digits::<2>(time / 60 % 60)),
            (17, &digits::<2>(time % 60)),
        ];
        for (at, digits) in parts {
            if let Some(place) = self.text.get_mut(at..at + digits.len()) {
                place.copy_from_slice(digits);
            }
        }
        self.second = second;
    }
}

/// Seconds since 1970, and the nanoseconds after them.
fn since_epoch(moment: SystemTime) -> (i64, u32) {
    match moment.duration_since(UNIX_EPOCH) {
        Ok(after) => (
            i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
            after.subsec_nanos(),
        ),
        Err(_before) => (0, 0), // a clock that was never set
    }
}

/// Year, month and day of a day counted from 1970-01-01, by the Gregorian calendar.
fn civil(day: i64) -> (u64, u64, u64) {
    // Years begin in March here, so that the leap day is the last one.
    let day = (day + DAYS_FROM_MARCH_OF_YEAR_0).max(0).unsigned_abs();
    let (cycle, day) = (day / DAYS_IN_400_YEARS, day % DAYS_IN_400_YEARS);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // From March on, months alternate 31 and 30 days in groups of five, 153 days long.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, wrapped) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (cycle * 400 + year + wrapped, month, day)
}

/// Appends the decimal digits of a value below `limit`, a power of ten, with leading zeros.
// The limit's own digit keeps the zeros, and is cut off.
pub(super) fn padded(out: &mut Vec<u8>, value: u32, limit: u32) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(limit.saturating_add(value)).as_bytes();
    out.extend_from_slice(digits.get(1..).unwrap_or_default());
}

/// The last `N` decimal digits of a value, with leading zeros.
fn digits<const N: usize>(mut value: u64) -> [u8; N] {
    let mut digits = [b'0'; N];
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(value % 10).unwrap_or_default();
        value /= 10;
    }
    digits
}

const DAY: i64 = 86_400;
const DAYS_IN_400_YEARS: u64 = 146_097;
const DAYS_FROM_MARCH_OF_YEAR_0: i64 = 719_468;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn print(zone: Zone, seconds: u64, nanos: u32) -> String {
        let mut out = Vec::new();
        Stamp::new(zone).write(&mut out, UNIX_EPOCH + Duration::new(seconds, nanos));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn moments_have_nine_digits_and_a_z() {
        assert_eq!(print(Zone::UTC, 0, 0), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(
            print(Zone::UTC, 1_784_541_296, 12),
            "2026-07-20T09:54:56.000000012Z"
        );
        assert_eq!(
            print(Zone::UTC, 951_782_399, 999_999_999),
            "2000-02-28T23:59:59.999999999Z"
        );
        assert_eq!(
            print(Zone::UTC, 951_868_799, 0),
            "2000-02-29T23:59:59.000000000Z"
        );
        assert_eq!(
            print(Zone::UTC, 4_102_444_799, 5_000),
            "2099-12-31T23:59:59.000005000Z"
        );
        assert_eq!(
            print(Zone::UTC, 4_107_542_400, 0),
            "2100-03-01T00:00:00.000000000Z"
        );
    }

    #[test]
    fn the_zone_moves_the_clock_but_not_the_z() {
        let noon = 1_784_548_800;
        assert_eq!(
            print(Zone::east(7_200), noon, 0),
            "2026-07-20T14:00:00.000000000Z"
        );
        assert_eq!(
            print(Zone::east(-12_600), noon, 0),
            "2026-07-20T08:30:00.000000000Z"
        );
        assert_eq!(
            print(Zone::east(-3_600), 0, 0),
            "1969-12-31T23:00:00.000000000Z"
        );
    }

    #[test]
    fn a_remembered_second_prints_like_a_new_one() {
        let mut stamp = Stamp::new(Zone::UTC);
        let mut out = Vec::new();
        for nanos in [1, 2] {
            stamp.write(&mut out, UNIX_EPOCH + Duration::new(86_400, nanos));
        }
        stamp.write(&mut out, UNIX_EPOCH + Duration::new(86_401, 3));
        let expected = "1970-01-02T00:00:00.000000001Z1970-01-02T00:00:00.000000002Z\
                        1970-01-02T00:00:01.000000003Z";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn every_day_of_four_centuries_follows_the_one_before() {
        let mut last = civil(0);
        for day in 1..146_097 {
            let (year, month, date) = civil(day);
            let (last_year, last_month, last_date) = last;
            let next_day = (year, month, date) == (last_year, last_month, last_date + 1);
            let next_month = (year, month, date) == (last_year, last_month + 1, 1);
            let next_year = (year, month, date) == (last_year + 1, 1, 1) && last_month == 12;
            assert!(
                next_day || (next_month || next_year) && last_date >= 28,
                "day {day}"
            );
            last = (year, month, date);
        }
        assert_eq!(last, (2369, 12, 31));
    }
}
