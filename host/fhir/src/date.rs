//! FHIR dates of any precision as ranges of time (R4, search: date).

use time::{Date, Month, PrimitiveDateTime, Time, UtcOffset};

/// A half-open range `start..end` in microseconds since 1970-01-01T00:00:00Z. An open
/// start is `i64::MIN`, an open end `i64::MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DateRange {
    /// First microsecond that belongs to the range.
    pub start: i64,
    /// First microsecond after the range.
    pub end: i64,
}

const SECOND: i64 = 1_000_000;

impl DateRange {
    /// A single microsecond.
    pub fn instant(micros: i64) -> Self {
        Self {
            start: micros,
            end: micros.saturating_add(1),
        }
    }

    /// Three times as long, around the same middle; open ends stay open.
    pub(crate) fn widened(self) -> Self {
        let length = self.end.saturating_sub(self.start);
        Self {
            start: self.start.saturating_sub(length),
            end: self.end.saturating_add(length),
        }
    }

    /// Reads `YYYY`, `YYYY-MM`, `YYYY-MM-DD`, or a date and time with minutes, seconds or a
    /// fraction, with `Z`, an offset, or none. Text without an offset is taken as UTC.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > 40 || !text.is_ascii() {
            return None;
        }
        match text.split_once('T') {
            None => Self::parse_date(text),
            Some((date, time)) => Self::parse_time(date, time),
        }
    }

    fn parse_date(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let year = i32::from(digits(parts.next()?, 4)?);
        let month = parts.next();
        let day = parts.next();
        if parts.next().is_some() || year == 0 {
            return None;
        }
        let (first, after) = match (month, day) {
            (None, _) => (day_of(year, 1, 1)?, year_after(year)?),
            (Some(month), None) => {
                let month = digits(month, 2)?;
                let after = if month == 12 {
                    year_after(year)?
                } else {
                    day_of(year, month + 1, 1)?
                };
                (day_of(year, month, 1)?, after)
            }
            (Some(month), Some(day)) => {
                let date = day_of(year, digits(month, 2)?, digits(day, 2)?)?;
                (date, date.next_day()?)
            }
        };
        Some(Self {
            start: micros(first, Time::MIDNIGHT, UtcOffset::UTC)?,
            end: micros(after, Time::MIDNIGHT, UtcOffset::UTC)?,
        })
    }

    fn parse_time(date: &str, text: &str) -> Option<Self> {
        let mut parts = date.split('-');
        let year = i32::from(digits(parts.next()?, 4)?);
        let month = digits(parts.next()?, 2)?;
        let date = day_of(year, month, digits(parts.next()?, 2)?)?;
        if parts.next().is_some() {
            return None;
        }
        let (clock, offset) = split_offset(text)?;
        let mut parts = clock.split(':');
        let hour = digits(parts.next()?, 2)?;
        let minute = digits(parts.next()?, 2)?;
        let seconds = parts.next();
        if parts.next().is_some() {
            return None;
        }
        let at = |second: u16| {
            let time = Time::from_hms(
                u8::try_from(hour).ok()?,
                u8::try_from(minute).ok()?,
                // A leap second counts as the one before it.
                u8::try_from(second.min(59)).ok()?,
            );
            micros(date, time.ok()?, offset)
        };
        let (start, length) = match seconds.map(|text| text.split_once('.').ok_or(text)) {
            None => (at(0)?, 60 * SECOND),
            Some(Err(whole)) => (at(second(whole)?)?, SECOND),
            Some(Ok((whole, fraction))) => {
                let (part, length) = fraction_micros(fraction)?;
                (at(second(whole)?)?.checked_add(part)?, length)
            }
        };
        Some(Self {
            start,
            end: start.checked_add(length)?,
        })
    }
}

fn second(text: &str) -> Option<u16> {
    digits(text, 2).filter(|second| *second <= 60)
}

fn digits(text: &str, length: usize) -> Option<u16> {
    (text.len() == length && text.bytes().all(|b| b.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

fn day_of(year: i32, month: u16, day: u16) -> Option<Date> {
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    Date::from_calendar_date(year, month, u8::try_from(day).ok()?).ok()
}

/// The first day of the next year; for 9999 its last day, the latest that can be said.
fn year_after(year: i32) -> Option<Date> {
    day_of(year + 1, 1, 1).or_else(|| day_of(year, 12, 31))
}

fn micros(date: Date, time: Time, offset: UtcOffset) -> Option<i64> {
    let instant = PrimitiveDateTime::new(date, time).assume_offset(offset);
    instant.unix_timestamp().checked_mul(SECOND)
}

fn split_offset(text: &str) -> Option<(&str, UtcOffset)> {
    if let Some(clock) = text.strip_suffix('Z') {
        return Some((clock, UtcOffset::UTC));
    }
    let Some(at) = text.find(['+', '-']) else {
        return Some((text, UtcOffset::UTC));
    };
    let (clock, offset) = text.split_at_checked(at)?;
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let hours = i8::try_from(digits(hours, 2)?).ok()?;
    let minutes = i8::try_from(digits(minutes, 2)?).ok()?;
    if hours > 14 || minutes > 59 {
        return None;
    }
    let offset = UtcOffset::from_hms(sign * hours, sign * minutes, 0).ok()?;
    Some((clock, offset))
}

/// A fraction of a second: its value, and how long a range its digits mean.
fn fraction_micros(text: &str) -> Option<(i64, i64)> {
    if text.is_empty() || text.len() > 9 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let kept = text.get(..text.len().min(6))?;
    let length = 10_i64.pow(6 - u32::try_from(kept.len()).ok()?);
    Some((kept.parse::<i64>().ok()? * length, length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use glovebox_model::Timestamp;

    fn at(text: &str) -> i64 {
        Timestamp::parse(text).unwrap().micros()
    }

    #[test]
    fn each_precision_is_the_range_it_means() {
        for (text, start, end) in [
            ("2024", "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"),
            ("2024-02", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"),
            ("2024-12", "2024-12-01T00:00:00Z", "2025-01-01T00:00:00Z"),
            ("2024-02-29", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"),
            (
                "2024-02-29T10:00",
                "2024-02-29T10:00:00Z",
                "2024-02-29T10:01:00Z",
            ),
            (
                "2024-02-29T10:00:05Z",
                "2024-02-29T10:00:05Z",
                "2024-02-29T10:00:06Z",
            ),
            (
                "2024-02-29T10:00:05+02:00",
                "2024-02-29T08:00:05Z",
                "2024-02-29T08:00:06Z",
            ),
            (
                "2024-02-29T10:00:05-05:30",
                "2024-02-29T15:30:05Z",
                "2024-02-29T15:30:06Z",
            ),
            (
                "2024-02-29T10:00:05.25Z",
                "2024-02-29T10:00:05.25Z",
                "2024-02-29T10:00:05.26Z",
            ),
            ("1875-06-01", "1875-06-01T00:00:00Z", "1875-06-02T00:00:00Z"),
        ] {
            let range = DateRange {
                start: at(start),
                end: at(end),
            };
            assert_eq!(DateRange::parse(text), Some(range), "{text}");
        }
        let nanos = DateRange::parse("2024-02-29T10:00:05.123456789Z").unwrap();
        assert_eq!(nanos.end - nanos.start, 1);
        assert!(DateRange::parse("9999").is_some());
    }

    #[test]
    fn what_is_not_a_date_is_refused() {
        for text in [
            "",
            "24",
            "2024-",
            "2024-13",
            "2023-02-29",
            "2024-1-1",
            "2024-01-01T",
            "0000",
            "2024-01-01T25:00:00Z",
            "2024-01-01T10",
            "2024-01-01T10:00:61Z",
            "2024-01-01 10:00",
            "2024-01-01T10:00:00.Z",
            "2024-01-01T10:00:00+25:00",
            "２０２４",
            "2024-01-01-01",
        ] {
            assert_eq!(DateRange::parse(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "[0-9TZ:+.-]{0,40}|.*") {
            if let Some(range) = DateRange::parse(&text) {
                proptest::prop_assert!(range.start < range.end);
            }
        }
    }
}
