//! FHIR dates and instants for people: short and unambiguous to read, exact underneath.

use maud::{Markup, html};
use time::format_description::well_known::Rfc3339;
use time::{Date, Month, OffsetDateTime};

use crate::text::shown;

/// A FHIR `date`, `dateTime` or `instant` that could be read, at its own precision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Moment {
    /// Only the year is known.
    Year(i32),
    /// The month is known.
    Month(i32, Month),
    /// A calendar day.
    Day(Date),
    /// A point in time with the offset in which it was written.
    Instant(OffsetDateTime),
}

impl Moment {
    /// Reads FHIR date text (R4, datatypes); `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |part: Option<&str>| -> Option<i32> {
            let part = part?;
            part.bytes().all(|b| b.is_ascii_digit()).then_some(())?;
            part.parse().ok()
        };
        let month = |part: Option<&str>| Month::try_from(u8::try_from(number(part)?).ok()?).ok();
        match (text.len(), text.is_ascii()) {
            (4, true) => Some(Self::Year(number(Some(text))?)),
            (7, true) if text.get(4..5) == Some("-") => {
                Some(Self::Month(number(text.get(..4))?, month(text.get(5..))?))
            }
            (10, true) if text.get(4..5) == Some("-") && text.get(7..8) == Some("-") => {
                let day = u8::try_from(number(text.get(8..))?).ok()?;
                let (year, month) = (number(text.get(..4))?, month(text.get(5..7))?);
                Some(Self::Day(Date::from_calendar_date(year, month, day).ok()?))
            }
            (17..=40, true) => Some(Self::Instant(instant(text)?)),
            _ => None,
        }
    }

    /// Seconds since 1970 of the earliest instant that is meant, for geometry.
    pub fn seconds(self) -> Option<i64> {
        let day = |date: Date| date.midnight().assume_utc().unix_timestamp();
        Some(match self {
            Self::Year(year) => day(Date::from_calendar_date(year, Month::January, 1).ok()?),
            Self::Month(year, month) => day(Date::from_calendar_date(year, month, 1).ok()?),
            Self::Day(date) => day(date),
            Self::Instant(at) => at.unix_timestamp(),
        })
    }

    /// What people read: `2026`, `Mar 2026`, `12 Mar 2026`, `12 Mar 2026, 14:05`. A time
    /// is shown in the offset in which it was written, with `UTC` where that was UTC.
    pub fn readable(self) -> String {
        match self {
            Self::Year(year) => format!("{year:04}"),
            Self::Month(year, month) => format!("{} {year:04}", short(month)),
            Self::Day(date) => day_text(date),
            Self::Instant(at) => {
                let zone = if at.offset().is_utc() { " UTC" } else { "" };
                let (hour, minute) = (at.hour(), at.minute());
                format!("{}, {hour:02}:{minute:02}{zone}", day_text(at.date()))
            }
        }
    }
}

/// A `time` element: readable text, the exact text in `datetime` and `title`. What is no
/// date is shown as it came.
pub fn moment(text: &str) -> Markup {
    match Moment::parse(text) {
        Some(moment) => html! { time datetime=(text) title=(text) { (moment.readable()) } },
        None => html! { (shown(text)) },
    }
}

/// Age on `today` (`YYYY-MM-DD`, or an instant), in the words clinicians use: days below
/// one month, months below two years, then years. `None` when the birth date says too
/// little or lies ahead.
pub fn age(birth_date: &str, today: &str) -> Option<String> {
    let today = match Moment::parse(today)? {
        Moment::Day(date) => date,
        Moment::Instant(at) => at.date(),
        Moment::Year(_) | Moment::Month(..) => return None,
    };
    let birth = match Moment::parse(birth_date)? {
        Moment::Day(date) => date,
        Moment::Instant(at) => at.date(),
        // Without a day the age is known to a year at best.
        Moment::Year(year) | Moment::Month(year, _) => {
            let years = today.year() - year;
            return (years > 2).then(|| format!("about {years} years"));
        }
    };
    let days = (today - birth).whole_days();
    let months = (today.year() - birth.year()) * 12 + i32::from(u8::from(today.month()))
        - i32::from(u8::from(birth.month()))
        - i32::from(today.day() < birth.day());
    let counted = |count: i64, unit: &str| {
        let plural = if count == 1 { "" } else { "s" };
        format!("{count} {unit}{plural}")
    };
    match (days, months) {
        (..=-1, _) => None,
        (_, 0) => Some(counted(days, "day")),
        (_, ..24) => Some(counted(i64::from(months), "month")),
        _ => Some(counted(i64::from(months / 12), "year")),
    }
}

/// `12 Mar 2026`.
pub(crate) fn day_text(date: Date) -> String {
    format!("{} {} {:04}", date.day(), short(date.month()), date.year())
}

/// The first three letters.
pub(crate) fn short(month: Month) -> &'static str {
    match month {
        Month::January => "Jan",
        Month::February => "Feb",
        Month::March => "Mar",
        Month::April => "Apr",
        Month::May => "May",
        Month::June => "Jun",
        Month::July => "Jul",
        Month::August => "Aug",
        Month::September => "Sep",
        Month::October => "Oct",
        Month::November => "Nov",
        Month::December => "Dec",
    }
}

/// RFC 3339, and the form without seconds that some servers write.
fn instant(text: &str) -> Option<OffsetDateTime> {
    if let Ok(at) = OffsetDateTime::parse(text, &Rfc3339) {
        return Some(at);
    }
    let with_seconds = format!("{}:00{}", text.get(..16)?, text.get(16..)?);
    OffsetDateTime::parse(&with_seconds, &Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_readable_at_their_own_precision() {
        let cases = [
            ("2026", "2026"),
            ("2026-03", "Mar 2026"),
            ("2026-03-12", "12 Mar 2026"),
            ("2026-03-12T14:05:09+01:00", "12 Mar 2026, 14:05"),
            ("2026-03-12T14:05:09.123Z", "12 Mar 2026, 14:05 UTC"),
            ("2026-03-12T14:05Z", "12 Mar 2026, 14:05 UTC"),
        ];
        for (input, expected) in cases {
            let read = Moment::parse(input).map(Moment::readable);
            assert_eq!(read.as_deref(), Some(expected), "{input}");
        }
    }

    #[test]
    fn what_is_no_date_is_shown_as_it_came() {
        for bad in [
            "",
            "soon",
            "2026-13",
            "2026-02-30",
            "20260312",
            "+026",
            "2026/03/12",
            "2026-03-12T99:00:00Z",
        ] {
            assert_eq!(Moment::parse(bad), None, "{bad}");
            assert_eq!(moment(bad).into_string(), bad);
        }
        assert_eq!(moment("<b>").into_string(), "&lt;b&gt;");
    }

    #[test]
    fn the_exact_text_is_kept_beside_the_readable_one() {
        insta::assert_snapshot!(
            moment("2026-03-12T14:05:09+01:00").into_string(),
            @r#"<time datetime="2026-03-12T14:05:09+01:00" title="2026-03-12T14:05:09+01:00">12 Mar 2026, 14:05</time>"#
        );
    }

    #[test]
    fn age_is_in_days_months_and_years() {
        let cases = [
            ("2026-11-20", Some("3 days")),
            ("2026-11-22", Some("1 day")),
            ("2026-11-23", Some("0 days")),
            ("2025-11-24", Some("11 months")),
            ("2024-11-24", Some("23 months")),
            ("2024-11-23", Some("2 years")),
            ("1961-04-02", Some("65 years")),
            ("1961-11-24", Some("64 years")),
            ("1961", Some("about 65 years")),
            ("2027-01-01", None),
            ("unknown", None),
        ];
        for (birth, expected) in cases {
            assert_eq!(age(birth, "2026-11-23").as_deref(), expected, "{birth}");
            assert_eq!(age(birth, "2026-11-23T20:00:00Z").as_deref(), expected);
        }
    }
}
