//! The primitive types of R4 as JSON: which value is one, and the rule in words.

use serde_json::Value;

/// What is wrong with a value that should be of this primitive type; `None` if nothing is.
pub(super) fn problem(name: &str, value: &Value) -> Option<String> {
    let wanted = match name {
        "boolean" => return (!value.is_boolean()).then(|| "must be true or false".to_owned()),
        "decimal" => return (!value.is_number()).then(|| "must be a number".to_owned()),
        "integer" => return whole(value, i64::from(i32::MIN), "a whole number"),
        "unsignedInt" => return whole(value, 0, "a whole number from 0"),
        "positiveInt" => return whole(value, 1, "a whole number from 1"),
        _ => value,
    };
    let Some(text) = wanted.as_str() else {
        return Some(format!("must be text ({name})"));
    };
    if text.is_empty() {
        return Some("must not be empty: leave the element out".to_owned());
    }
    let (fits, rule) = match name {
        "id" => (
            glovebox_model::id::is_fhir_id(text),
            "must be 1 to 64 of A-Z, a-z, 0-9, - and .",
        ),
        "code" => (
            is_code(text),
            "must be a code: no white space but single blanks inside",
        ),
        "uri" | "url" | "canonical" => (
            !text.chars().any(char::is_whitespace),
            "must be a URI without white space",
        ),
        "oid" => (is_oid(text), "must look like urn:oid:1.2.3"),
        "uuid" => (
            is_uuid(text),
            "must look like urn:uuid:c757873d-ec9a-4326-a141-556f43239520",
        ),
        "date" => (is_date(text), "must be a date: YYYY, YYYY-MM or YYYY-MM-DD"),
        "dateTime" => (
            is_date_time(text),
            "must be YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with a time zone",
        ),
        "instant" => (
            is_instant(text),
            "must be YYYY-MM-DDThh:mm:ss with a time zone",
        ),
        "time" => (is_time(text), "must be hh:mm:ss"),
        "base64Binary" => (is_base64(text), "must be base64"),
        "xhtml" => (
            text.trim_start().starts_with("<div"),
            "must be an XHTML div",
        ),
        // string and markdown: whatever JSON text may hold, but no control characters
        _ => (
            !text
                .chars()
                .any(|c| c.is_control() && !['\t', '\n', '\r'].contains(&c)),
            "must not hold control characters",
        ),
    };
    (!fits).then(|| rule.to_owned())
}

fn whole(value: &Value, least: i64, what: &str) -> Option<String> {
    let fits = value
        .as_i64()
        .is_some_and(|number| (least..=i64::from(i32::MAX)).contains(&number));
    (!fits).then(|| format!("must be {what}, at most 2147483647"))
}

fn is_code(text: &str) -> bool {
    !text.starts_with(char::is_whitespace)
        && !text.ends_with(char::is_whitespace)
        && !text.contains("  ")
        && !text.chars().any(|c| c.is_whitespace() && c != ' ')
}

fn is_oid(text: &str) -> bool {
    text.strip_prefix("urn:oid:").is_some_and(|arcs| {
        let number = |arc: &str| {
            arc == "0" || (!arc.starts_with('0') && digits(arc, 1..=usize::MAX).is_some())
        };
        arcs.starts_with(['0', '1', '2']) && arcs.contains('.') && arcs.split('.').all(number)
    })
}

fn is_uuid(text: &str) -> bool {
    text.strip_prefix("urn:uuid:").is_some_and(|uuid| {
        let groups: Vec<&str> = uuid.split('-').collect();
        let hex = |group: &&str| group.bytes().all(|b| b.is_ascii_hexdigit());
        groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]) && groups.iter().all(hex)
    })
}

fn digits(text: &str, lengths: std::ops::RangeInclusive<usize>) -> Option<u32> {
    (lengths.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()))
        .then(|| text.parse().unwrap_or(u32::MAX))
}

fn is_date(text: &str) -> bool {
    let mut parts = text.split('-');
    let year = parts.next().and_then(|year| digits(year, 4..=4));
    let month = parts.next().map(|month| digits(month, 2..=2));
    let day = parts.next().map(|day| digits(day, 2..=2));
    let Some(year) = year.filter(|year| *year > 0) else {
        return false;
    };
    if parts.next().is_some() {
        return false;
    }
    match (month, day) {
        (None, None) => true,
        (Some(Some(month)), None) => (1..=12).contains(&month),
        (Some(Some(month)), Some(Some(day))) => {
            let month = u8::try_from(month).unwrap_or(0);
            let month = time::Month::try_from(month);
            month.is_ok_and(|month| {
                let year = i32::try_from(year).unwrap_or(1);
                day >= 1 && day <= u32::from(month.length(year))
            })
        }
        _ => false,
    }
}

fn is_time(text: &str) -> bool {
    let (clock, fraction) = match text.split_once('.') {
        Some((clock, fraction)) => (clock, Some(fraction)),
        None => (text, None),
    };
    if fraction.is_some_and(|fraction| digits(fraction, 1..=18).is_none()) {
        return false;
    }
    let parts: Vec<Option<u32>> = clock.split(':').map(|part| digits(part, 2..=2)).collect();
    matches!(parts.as_slice(), [Some(0..=23), Some(0..=59), Some(0..=60)])
}

fn is_zone(text: &str) -> bool {
    if text == "Z" {
        return true;
    }
    let Some((hours, minutes)) = text
        .strip_prefix(['+', '-'])
        .and_then(|zone| zone.split_once(':'))
    else {
        return false;
    };
    match (digits(hours, 2..=2), digits(minutes, 2..=2)) {
        (Some(14), Some(0)) => true,
        (Some(hours), Some(minutes)) => hours <= 13 && minutes <= 59,
        _ => false,
    }
}

fn is_instant(text: &str) -> bool {
    let Some((day, rest)) = text.split_once('T') else {
        return false;
    };
    let Some(at) = rest.find(['Z', '+', '-']) else {
        return false;
    };
    let (clock, zone) = rest.split_at_checked(at).unwrap_or_default();
    day.len() == 10 && is_date(day) && is_time(clock) && is_zone(zone)
}

fn is_date_time(text: &str) -> bool {
    if text.contains('T') {
        is_instant(text)
    } else {
        is_date(text)
    }
}

/// Groups of four, padded at the end; white space may stand anywhere.
fn is_base64(text: &str) -> bool {
    let mut count = 0_usize;
    let mut padding = 0_usize;
    for byte in text.bytes().filter(|b| !b.is_ascii_whitespace()) {
        let is_digit = byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
        match byte {
            b'=' => padding += 1,
            _ if !is_digit || padding > 0 => return false,
            _ => {}
        }
        count += 1;
    }
    count > 0 && count.is_multiple_of(4) && padding <= 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_primitive_type_tells_its_own_from_others() {
        for (name, good, bad) in [
            ("boolean", json!([true, false]), json!(["true", 1, null])),
            (
                "integer",
                json!([0, -3, 2147483647]),
                json!([1.5, "1", 2147483648_i64]),
            ),
            ("unsignedInt", json!([0, 9]), json!([-1])),
            ("positiveInt", json!([1]), json!([0])),
            ("decimal", json!([1.50, -2]), json!(["1.5"])),
            (
                "date",
                json!(["2026", "2026-11", "2024-02-29"]),
                json!([
                    "26",
                    "2026-13",
                    "2026-02-29",
                    "2026-1-1",
                    "2026-01-01T00:00:00Z",
                    "0000",
                    "2026-",
                    ""
                ]),
            ),
            (
                "dateTime",
                json!([
                    "2026",
                    "2026-11-23T23:59:59Z",
                    "2026-11-23T23:59:60.123+14:00"
                ]),
                json!([
                    "2026-11-23T23:59Z",
                    "2026-11-23T10:00:00",
                    "2026-11-23T24:00:00Z",
                    "2026-11T10:00:00Z",
                    "2026-11-23T10:00:00+15:00"
                ]),
            ),
            (
                "instant",
                json!(["2026-11-23T10:00:00.5-05:00"]),
                json!(["2026-11-23", "2026-11-23T10:00:00."]),
            ),
            (
                "time",
                json!(["10:00:00", "10:00:00.1"]),
                json!(["10:00", "25:00:00", "10:00:00Z"]),
            ),
            (
                "code",
                json!(["a", "a b"]),
                json!([" a", "a ", "a  b", "a\tb", ""]),
            ),
            ("uri", json!(["urn:x", "Patient/1"]), json!(["a b"])),
            ("id", json!(["a-1.B"]), json!(["a_b", "a/b"])),
            (
                "oid",
                json!(["urn:oid:1.2.3"]),
                json!(["1.2.3", "urn:oid:1", "urn:oid:3.1", "urn:oid:1.02"]),
            ),
            (
                "uuid",
                json!(["urn:uuid:c757873d-ec9a-4326-a141-556f43239520"]),
                json!(["urn:uuid:1", "c757873d-ec9a-4326-a141-556f43239520"]),
            ),
            (
                "base64Binary",
                json!(["aGk=", "aG kh\n"]),
                json!(["aGk", "a=Gk", "====", "a*=="]),
            ),
            ("string", json!(["a\n", "é"]), json!(["", "a\u{0}", 1])),
            (
                "xhtml",
                json!(["<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"]),
                json!(["x"]),
            ),
        ] {
            for value in good.as_array().unwrap() {
                assert_eq!(problem(name, value), None, "{name}: {value}");
            }
            for value in bad.as_array().unwrap() {
                assert!(problem(name, value).is_some(), "{name}: {value}");
            }
        }
    }
}
