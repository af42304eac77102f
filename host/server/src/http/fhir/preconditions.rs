//! Versions as entity tags, and the conditions that requests make of them (RFC 9110
//! section 13, R4 http "Managing Resource Contention").

use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue};
use glovebox_model::Timestamp;
use glovebox_model::id::is_fhir_id;
use time::OffsetDateTime;
use time::format_description::FormatItem;
use time::macros::format_description;

use super::route_error::RouteError;

/// The weak tag of a version.
pub(super) fn etag(version_id: &str) -> String {
    format!("W/\"{version_id}\"")
}

/// What `If-Match` demands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// Nothing was said.
    Unsaid,
    /// That there is one (`*`).
    Any,
    /// This version.
    Version(String),
}

/// Reads `If-Match`.
pub(super) fn if_match(headers: &HeaderMap) -> Result<Expected, RouteError> {
    let mut values = headers.get_all(header::IF_MATCH).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(Expected::Unsaid),
        (Some(value), None) => value.to_str().unwrap_or_default().trim(),
        (Some(_), Some(_)) => "",
    };
    if value == "*" {
        return Ok(Expected::Any);
    }
    let named = version(value).map(|version| Expected::Version(version.to_owned()));
    named.ok_or_else(|| {
        RouteError::Invalid("`If-Match` names one version, such as `W/\"3\"`".to_owned())
    })
}

/// The version in a tag, weak or strong.
fn version(tag: &str) -> Option<&str> {
    let quoted = tag.strip_prefix("W/").unwrap_or(tag);
    let version = quoted.strip_prefix('"')?.strip_suffix('"')?;
    is_fhir_id(version).then_some(version)
}

/// Whether the caller has this version already: `If-None-Match`, else `If-Modified-Since`.
pub(in crate::http) fn is_known(
    headers: &HeaderMap,
    tag: &str,
    changed: Option<Timestamp>,
) -> bool {
    let mut tags = headers.get_all(header::IF_NONE_MATCH).iter().peekable();
    if tags.peek().is_some() {
        let weak = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        let own = weak(tag);
        return tags.any(|value| {
            let listed = value.to_str().unwrap_or_default().split(',');
            listed
                .into_iter()
                .any(|one| one.trim() == "*" || weak(one) == own)
        });
    }
    let since = headers.get(header::IF_MODIFIED_SINCE).and_then(http_time);
    match (since, changed) {
        (Some(since), Some(changed)) => changed.seconds() <= since,
        _ => false,
    }
}

/// `If-None-Exist`: a search, as a query or as an address with one.
pub(super) fn if_none_exist(headers: &HeaderMap) -> Result<Option<String>, RouteError> {
    const NAME: HeaderName = HeaderName::from_static("if-none-exist");
    let mut values = headers.get_all(NAME).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            let text = value.to_str().unwrap_or_default().trim();
            let query = text.split_once('?').map_or(text, |(_, query)| query);
            if query.is_empty() {
                return Err(RouteError::Invalid(
                    "`If-None-Exist` holds a search".to_owned(),
                ));
            }
            Ok(Some(query.to_owned()))
        }
        (Some(_), Some(_)) => Err(RouteError::Invalid("give `If-None-Exist` once".to_owned())),
    }
}

const FORM: &[FormatItem<'_>] = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);

/// IMF-fixdate (RFC 9110 section 5.6.7).
pub(super) fn http_date(instant: Timestamp) -> String {
    let instant = OffsetDateTime::from_unix_timestamp(instant.seconds()).ok();
    instant
        .and_then(|instant| instant.format(FORM).ok())
        .unwrap_or_default()
}

fn http_time(value: &HeaderValue) -> Option<i64> {
    let text = value.to_str().ok()?;
    let read = time::PrimitiveDateTime::parse(text.trim(), FORM).ok()?;
    Some(read.assume_utc().unix_timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: HeaderName, values: &[&'static str]) -> HeaderMap {
        let values = values
            .iter()
            .map(|value| (name.clone(), HeaderValue::from_static(value)));
        let mut headers = HeaderMap::new();
        for (name, value) in values {
            headers.append(name, value);
        }
        headers
    }

    #[test]
    fn if_match_names_one_version_weak_or_strong() {
        let read = |values: &[&'static str]| if_match(&with(header::IF_MATCH, values));
        let three = Expected::Version("3".to_owned());
        assert_eq!(read(&[]).unwrap(), Expected::Unsaid);
        assert_eq!(read(&["W/\"3\""]).unwrap(), three);
        assert_eq!(read(&["\"3\""]).unwrap(), three);
        assert_eq!(read(&["*"]).unwrap(), Expected::Any);
        for values in [
            &["3"][..],
            &["W/3"],
            &["\"\""],
            &["\"1\", \"2\""],
            &["\"1\"", "\"1\""],
        ] {
            assert!(read(values).is_err(), "{values:?}");
        }
    }

    #[test]
    fn who_has_the_version_is_told_so() {
        let changed = Timestamp::parse("2024-05-06T07:08:09.250Z");
        let known = |headers: &HeaderMap| is_known(headers, "W/\"3\"", changed);
        let tags = |values: &[&'static str]| with(header::IF_NONE_MATCH, values);
        let since = |value| with(header::IF_MODIFIED_SINCE, &[value]);
        assert!(!known(&HeaderMap::new()));
        assert!(known(&tags(&["W/\"3\""])));
        assert!(known(&tags(&["\"3\""])));
        assert!(known(&tags(&["\"1\", W/\"3\""])));
        assert!(known(&tags(&["*"])));
        assert!(!known(&tags(&["W/\"2\""])));
        assert!(known(&since("Mon, 06 May 2024 07:08:09 GMT")));
        assert!(!known(&since("Mon, 06 May 2024 07:08:08 GMT")));
        assert!(!known(&since("yesterday")));
        // The tag is the better witness (RFC 9110 section 13.1.3).
        let mut both = since("Mon, 06 May 2024 08:00:00 GMT");
        both.insert(header::IF_NONE_MATCH, HeaderValue::from_static("W/\"2\""));
        assert!(!known(&both));
    }

    #[test]
    fn a_conditional_create_carries_a_search() {
        let read = |values: &[&'static str]| {
            if_none_exist(&with(HeaderName::from_static("if-none-exist"), values))
        };
        assert_eq!(read(&[]).unwrap(), None);
        assert_eq!(
            read(&["identifier=a|b"]).unwrap().as_deref(),
            Some("identifier=a|b")
        );
        assert_eq!(
            read(&["Patient?identifier=b"]).unwrap().as_deref(),
            Some("identifier=b")
        );
        for values in [&[""][..], &["?"], &["a=b", "a=c"]] {
            assert!(read(values).is_err(), "{values:?}");
        }
    }

    #[test]
    fn dates_are_written_as_http_writes_them() {
        let instant = Timestamp::parse("2024-05-06T07:08:09Z").unwrap();
        assert_eq!(http_date(instant), "Mon, 06 May 2024 07:08:09 GMT");
    }
}
