//! Dates as FHIR writes them, and the arithmetic a chart needs.

use time::{Date, Duration, Weekday};

/// A FHIR `date`: `2024-05-03`.
pub(crate) fn day(date: Date) -> String {
    format!(
        "{:04}-{:02}-{:02}",
        date.year(),
        u8::from(date.month()),
        date.day()
    )
}

/// A FHIR `instant` in UTC; `minute` counts from midnight.
pub(crate) fn instant(date: Date, minute: i64) -> String {
    let minute = minute.clamp(0, 24 * 60 - 1);
    format!("{}T{:02}:{:02}:00Z", day(date), minute / 60, minute % 60)
}

pub(crate) fn plus_days(date: Date, days: i64) -> Date {
    date.saturating_add(Duration::days(days))
}

/// Calendar months of average length; good enough for schedules.
pub(crate) fn plus_months(date: Date, months: i64) -> Date {
    plus_days(date, months * 487 / 16)
}

pub(crate) fn plus_years(date: Date, years: f64) -> Date {
    plus_days(date, (years * 365.25) as i64)
}

pub(crate) fn days_between(from: Date, to: Date) -> i64 {
    (to - from).whole_days()
}

pub(crate) fn years_between(from: Date, to: Date) -> f64 {
    days_between(from, to) as f64 / 365.25
}

pub(crate) fn months_between(from: Date, to: Date) -> f64 {
    days_between(from, to) as f64 / 30.4375
}

/// Completed years of age.
pub(crate) fn age(birth: Date, on: Date) -> i64 {
    let before_birthday = (on.month() as u8, on.day()) < (birth.month() as u8, birth.day());
    i64::from(on.year() - birth.year() - i32::from(before_birthday))
}

/// The Friday before, for a date on a weekend: clinics are closed.
pub(crate) fn working_day(date: Date) -> Date {
    match date.weekday() {
        Weekday::Saturday => plus_days(date, -1),
        Weekday::Sunday => plus_days(date, -2),
        _ => date,
    }
}
