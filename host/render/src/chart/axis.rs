//! Round numbers for the value axis, calendar steps for the date axis.

use time::{Date, Month, OffsetDateTime};

use crate::moment::{day_text, short};

/// How many steps the value axis aims at.
const VALUE_STEPS: f64 = 5.0;
const HOUR: f64 = 3_600.0;
const DAY: f64 = 86_400.0;
/// No axis gets more ticks than this, whatever the numbers are.
const TICKS_MAX: usize = 24;

/// Ticks at 1, 2 or 5 times a power of ten, covering both ends.
pub(super) fn value_ticks(least: f64, greatest: f64) -> Vec<(f64, String)> {
    let raw = (greatest - least) / VALUE_STEPS;
    if !raw.is_finite() || raw <= 0.0 {
        return vec![
            (least, number_text(least, 0)),
            (greatest, number_text(greatest, 0)),
        ];
    }
    let exponent = raw.log10().floor();
    let power = 10_f64.powf(exponent);
    let factor = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|factor| raw <= factor * power * 1.000_001)
        .unwrap_or(10.0);
    let step = factor * power;
    if !step.is_normal() {
        return vec![
            (least, number_text(least, 0)),
            (greatest, number_text(greatest, 0)),
        ];
    }
    let digits = decimals(step);
    let first = (least / step + 1e-9).floor();
    let mut ticks = Vec::new();
    for index in 0..TICKS_MAX {
        #[expect(clippy::cast_precision_loss, reason = "a small index")]
        let value = (first + index as f64) * step;
        ticks.push((value, number_text(value, digits)));
        if value >= greatest - step * 1e-6 {
            break;
        }
    }
    ticks
}

/// How many decimals a step needs to be told apart.
fn decimals(step: f64) -> usize {
    (0..=6_usize)
        .find(|digits| {
            let scaled = step * 10_f64.powi(i32::try_from(*digits).unwrap_or(0));
            (scaled - scaled.round()).abs() < 1e-6 * scaled.max(1.0) && scaled >= 0.999
        })
        .unwrap_or(6)
}

fn number_text(value: f64, digits: usize) -> String {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-4..1e7).contains(&magnitude) {
        return format!("{value:.1e}");
    }
    let text = format!("{value:.digits$}");
    // No minus before zero.
    if text.trim_start_matches(['-', '0', '.']).is_empty() {
        text.trim_start_matches('-').to_owned()
    } else {
        text
    }
}

/// A step of the calendar.
#[derive(Clone, Copy)]
enum Step {
    Hours(i64),
    Days(i64),
    Months(i32),
}

impl Step {
    const ALL: [Self; 15] = [
        Self::Hours(1),
        Self::Hours(3),
        Self::Hours(6),
        Self::Hours(12),
        Self::Days(1),
        Self::Days(2),
        Self::Days(7),
        Self::Days(14),
        Self::Months(1),
        Self::Months(3),
        Self::Months(6),
        Self::Months(12),
        Self::Months(24),
        Self::Months(60),
        Self::Months(120),
    ];

    fn seconds(self) -> f64 {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "small")]
            Self::Hours(hours) => hours as f64 * HOUR,
            #[expect(clippy::cast_precision_loss, reason = "small")]
            Self::Days(days) => days as f64 * DAY,
            Self::Months(months) => f64::from(months) * 30.44 * DAY,
        }
    }
}

/// Ticks at round calendar places between two instants (seconds since 1970), about
/// `steps` of them.
pub(super) fn date_ticks(start: f64, end: f64, steps: f64) -> Vec<(f64, String)> {
    let raw = (end - start) / steps;
    let step = Step::ALL
        .into_iter()
        .find(|step| step.seconds() >= raw * 0.9);
    let ticks = match step {
        Some(Step::Hours(hours)) => even(start, end, hours * 3_600, true),
        Some(Step::Days(days)) => even(start, end, days * 86_400, false),
        Some(Step::Months(months)) => months_between(start, end, months),
        None => months_between(start, end, century_step(raw)),
    };
    if ticks.is_empty() {
        ends(start, end)
    } else {
        ticks
    }
}

/// Months of a step of whole decades that keeps the count of ticks small.
fn century_step(raw: f64) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "at most 10 000 years")]
    let decades = (raw / (3_652.5 * DAY)).ceil() as i32;
    decades.clamp(1, 1_000) * 120
}

fn even(start: f64, end: f64, step: i64, hours: bool) -> Vec<(f64, String)> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "seconds of years 0 to 9999"
    )]
    let mut at = (start as i64).div_euclid(step) * step;
    let mut ticks = Vec::new();
    #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
    while (at as f64) <= end && ticks.len() < TICKS_MAX {
        if (at as f64) >= start
            && let Ok(moment) = OffsetDateTime::from_unix_timestamp(at)
        {
            let date = moment.date();
            let label = if hours && moment.hour() != 0 {
                format!("{:02}:{:02}", moment.hour(), moment.minute())
            } else {
                format!("{} {}", date.day(), short(date.month()))
            };
            ticks.push((at as f64, label));
        }
        at += step;
    }
    ticks
}

fn months_between(start: f64, end: f64, step: i32) -> Vec<(f64, String)> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "seconds of years 0 to 9999"
    )]
    let Ok(first) = OffsetDateTime::from_unix_timestamp(start as i64) else {
        return Vec::new();
    };
    let mut index =
        (first.year() * 12 + i32::from(u8::from(first.month())) - 1).div_euclid(step) * step;
    let mut ticks = Vec::new();
    while ticks.len() < TICKS_MAX {
        let (year, month) = (index.div_euclid(12), index.rem_euclid(12) + 1);
        let date = u8::try_from(month)
            .ok()
            .and_then(|month| Month::try_from(month).ok());
        let Some(date) = date.and_then(|month| Date::from_calendar_date(year, month, 1).ok())
        else {
            break;
        };
        #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
        let at = date.midnight().assume_utc().unix_timestamp() as f64;
        if at > end {
            break;
        }
        if at >= start {
            let label = if step % 12 == 0 {
                format!("{year}")
            } else {
                format!("{} {year}", short(date.month()))
            };
            ticks.push((at, label));
        }
        index += step;
    }
    ticks
}

/// For a span without a round place in it: its two ends.
fn ends(start: f64, end: f64) -> Vec<(f64, String)> {
    [start, end]
        .into_iter()
        .filter_map(|at| {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "seconds of years 0 to 9999"
            )]
            let moment = OffsetDateTime::from_unix_timestamp(at as i64).ok()?;
            Some((at, day_text(moment.date())))
        })
        .collect()
}
