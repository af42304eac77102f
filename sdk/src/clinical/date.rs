//! FHIR date, dateTime and instant: enough to order them and to go back some years.

/// Seconds since 1970 in UTC: what orders dates of different precision and offset. A
/// partial date counts as its first moment. `None` for what is not a FHIR date.
pub fn order_key(date: &str) -> Option<i64> {
    let (day, time) = match date.split_once('T') {
        Some((day, time)) => (day, Some(time)),
        None => (date, None),
    };
    let mut parts = day.split('-');
    let year = number(parts.next()?, 4)?;
    let month = parts.next().map_or(Some(1), |month| number(month, 2))?;
    let day = parts.next().map_or(Some(1), |day| number(day, 2))?;
    if parts.next().is_some() || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let midnight = days_since_1970(year, month, day) * 86_400;
    match time {
        Some(time) => Some(midnight + seconds_of_day(time)?),
        None => Some(midnight),
    }
}

/// The date that many years before `date`, as `YYYY-MM-DD`. The 29th of February
/// becomes the 28th.
pub fn years_before(date: &str, years: u16) -> Option<String> {
    let year = number(date.get(..4)?, 4)?;
    let rest = date.get(4..10).unwrap_or("-01-01");
    let rest = if rest == "-02-29" { "-02-28" } else { rest };
    let then = format!("{:04}{rest}", year - i64::from(years));
    order_key(&then).map(|_| then)
}

/// Seconds from `HH:MM:SS[.fff](Z|±HH:MM)`, moved to UTC; seconds and offset may lack.
fn seconds_of_day(time: &str) -> Option<i64> {
    let (clock, offset) = match time.find(['Z', '+', '-']) {
        Some(at) => time.split_at_checked(at)?,
        None => (time, "Z"),
    };
    let mut parts = clock.split(':');
    let hours = number(parts.next()?, 2)?;
    let minutes = number(parts.next()?, 2)?;
    let seconds = match parts.next() {
        Some(seconds) => number(seconds.split('.').next()?, 2)?,
        None => 0,
    };
    let shift = match offset.split_at_checked(1)? {
        ("Z", "") => 0,
        (sign, offset) => {
            let (hours, minutes) = offset.split_once(':')?;
            let shift = number(hours, 2)? * 3_600 + number(minutes, 2)? * 60;
            if sign == "-" { -shift } else { shift }
        }
    };
    Some(hours * 3_600 + minutes * 60 + seconds - shift)
}

fn number(text: &str, digits: usize) -> Option<i64> {
    let fine = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    fine.then(|| text.parse().ok()).flatten()
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar; years begin in March, so
/// that the leap day is the last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}
