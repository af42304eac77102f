//! How long a key set holds (RFC 9111 section 5.2.2).

use std::time::Duration;

/// A set whose server says nothing of it.
const UNSAID: Duration = Duration::from_secs(5 * 60);
/// No set holds longer: for so long a key that was stolen and taken out could be used.
const CAP: Duration = Duration::from_secs(60 * 60);

/// How long an answer holds from when it came. What forbids keeping it, and what cannot be
/// understood, is zero; of several `max-age` the shortest counts.
pub(super) fn holds_for(cache_control: &str, age: Duration) -> Duration {
    let mut shortest: Option<Duration> = None;
    for directive in cache_control.split(',') {
        let (name, value) = match directive.split_once('=') {
            Some((name, value)) => (name.trim(), value.trim()),
            None => (directive.trim(), ""),
        };
        if name.eq_ignore_ascii_case("no-store") || name.eq_ignore_ascii_case("no-cache") {
            return Duration::ZERO;
        }
        if name.eq_ignore_ascii_case("max-age") {
            let digits = value.trim_matches('"');
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            // A number too large to hold is very long (RFC 9111 section 1.2.2).
            let seconds = match is_number {
                true => digits.parse().unwrap_or(u64::MAX),
                false => 0,
            };
            let one = Duration::from_secs(seconds);
            shortest = Some(shortest.map_or(one, |known| known.min(one)));
        }
    }
    shortest.unwrap_or(UNSAID).min(CAP).saturating_sub(age)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_as_long_as_its_server_says_and_an_hour_at_most() {
        for (said, age, expected) in [
            ("", 0, 300),
            ("private", 0, 300),
            ("", 100, 200),
            ("max-age=0", 0, 0),
            ("max-age=60", 0, 60),
            ("MAX-AGE=\"60\", public", 0, 60),
            ("max-age=60", 45, 15),
            ("max-age=60", 90, 0),
            ("max-age=600, max-age=60", 0, 60),
            ("max-age=31536000", 0, 3_600),
            ("max-age=99999999999999999999999", 0, 3_600),
            ("max-age=-1", 0, 0),
            ("max-age=soon", 0, 0),
            ("max-age", 0, 0),
            ("no-store", 0, 0),
            ("max-age=60, no-cache", 0, 0),
            ("max-age=60, No-Store", 0, 0),
        ] {
            let holds = holds_for(said, Duration::from_secs(age));
            assert_eq!(holds, Duration::from_secs(expected), "{said} {age}");
        }
    }
}
