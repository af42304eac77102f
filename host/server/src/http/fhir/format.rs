//! Which form is asked for and which form came: JSON in UTF-8, both ways (R4, http,
//! "Content Types and encodings"). XML is never parsed.

use axum::http::{HeaderMap, header};

use super::query::Pairs;
use super::route_error::RouteError;

/// Media type of every answer.
pub(super) const FHIR_JSON: &str = "application/fhir+json; charset=utf-8";

/// What a body may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyForm {
    /// A FHIR resource.
    Resource,
    /// A JSON Patch document (RFC 6902).
    JsonPatch,
    /// A form.
    Form,
}

/// Checks that JSON will do: `_format` wins over `Accept`. Takes `_format` and `_pretty`
/// out of the pairs.
pub(super) fn check_accepted(headers: &HeaderMap, pairs: &mut Pairs) -> Result<(), RouteError> {
    let asked: Vec<String> = pairs.take("_format");
    pairs.take("_pretty");
    let fine = if asked.is_empty() {
        let values = headers.get_all(header::ACCEPT);
        let texts: Vec<&str> = values.iter().map(|v| v.to_str().unwrap_or("-")).collect();
        // A browser's own list is answered with JSON: it is somebody having a look.
        texts.is_empty() || texts.join(",").split(',').any(accepts_json)
    } else {
        asked.iter().all(|format| accepts_json(format))
    };
    let charsets = headers
        .get(header::ACCEPT_CHARSET)
        .map(|v| v.to_str().unwrap_or("-"));
    let utf8 = charsets.is_none_or(|text| {
        let names = text
            .split(',')
            .map(|name| name.split(';').next().unwrap_or_default().trim());
        names.into_iter().any(|name| name == "*" || is_utf8(name))
    });
    if fine && utf8 {
        Ok(())
    } else {
        Err(RouteError::NotAcceptable)
    }
}

/// Whether `Accept` names this media type, or a range that holds it.
pub(super) fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    let family = media_type.split('/').next().unwrap_or_default();
    let values = headers.get_all(header::ACCEPT).iter();
    values
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let is_meant = name.eq_ignore_ascii_case(media_type)
                || name == "*/*"
                || name
                    .strip_suffix("/*")
                    .is_some_and(|one| one.eq_ignore_ascii_case(family));
            let is_wanted = parts.all(|parameter| !matches!(parameter, "q=0" | "q=0.0"));
            is_meant && is_wanted
        })
}

fn accepts_json(range: &str) -> bool {
    let mut parts = range.split(';').map(str::trim);
    // A plus sign that was not escaped in an address arrives as a space.
    let name = parts
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase()
        .replace(' ', "+");
    let known = matches!(
        name.as_str(),
        "" | "json"
            | "application/json"
            | "application/fhir+json"
            | "text/json"
            | "application/*"
            | "*/*"
    );
    known
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.eq_ignore_ascii_case("charset") => is_utf8(value),
            Some((name, value)) if name.eq_ignore_ascii_case("q") => {
                value.parse::<f32>().is_ok_and(|weight| weight > 0.0)
            }
            Some((name, value)) if name.eq_ignore_ascii_case("fhirversion") => {
                value.trim_matches('"').starts_with("4.0")
            }
            _ => true,
        })
}

fn is_utf8(charset: &str) -> bool {
    let charset = charset.trim().trim_matches('"');
    charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("utf8")
}

/// What a body says it is. `None` for one that says nothing.
pub(super) fn body_form(headers: &HeaderMap) -> Result<Option<BodyForm>, RouteError> {
    let identity = |value: &axum::http::HeaderValue| value.as_bytes() == b"identity";
    if !headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .all(identity)
    {
        return Err(RouteError::UnsupportedMediaType);
    }
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value
            .to_str()
            .map_err(|_| RouteError::UnsupportedMediaType)?,
        (Some(_), Some(_)) => return Err(RouteError::UnsupportedMediaType),
    };
    let mut parts = value.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    let form = match name.as_str() {
        "application/fhir+json" | "application/json" => BodyForm::Resource,
        "application/json-patch+json" => BodyForm::JsonPatch,
        "application/x-www-form-urlencoded" => BodyForm::Form,
        _ => return Err(RouteError::UnsupportedMediaType),
    };
    let utf8 = parts.all(|parameter| match parameter.split_once('=') {
        Some((name, value)) if name.eq_ignore_ascii_case("charset") => is_utf8(value),
        Some((name, value)) if name.eq_ignore_ascii_case("fhirversion") => {
            value.trim_matches('"').starts_with("4.0")
        }
        _ => true,
    });
    if utf8 {
        Ok(Some(form))
    } else {
        Err(RouteError::UnsupportedMediaType)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn with(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn json_is_given_to_whoever_takes_it_and_nothing_else_is_promised() {
        let asked = |accept: Option<&'static str>, query: &str| {
            let headers = accept
                .map(|accept| with(header::ACCEPT, accept))
                .unwrap_or_default();
            let mut pairs = Pairs::parse(query).unwrap();
            let fine = check_accepted(&headers, &mut pairs).is_ok();
            assert!(pairs.is_empty(), "{query}");
            fine
        };
        for (accept, query) in [
            (None, ""),
            (Some("application/fhir+json; fhirVersion=4.0"), ""),
            (Some("application/json"), ""),
            (Some("application/json;charset=UTF-8"), ""),
            (Some("text/html,*/*;q=0.8"), ""),
            (
                Some("application/fhir+xml, application/fhir+json;q=0.1"),
                "",
            ),
            (Some("application/fhir+xml"), "_format=json"),
            (None, "_format=application/fhir+json"),
            (None, "_format=application%2Ffhir%2Bjson"),
            (None, "_format=json&_pretty=true"),
        ] {
            assert!(asked(accept, query), "{accept:?} {query}");
        }
        for (accept, query) in [
            (Some("application/fhir+xml"), ""),
            (Some("text/turtle"), ""),
            (Some("application/fhir+json; fhirVersion=5.0"), ""),
            (Some("application/json;q=0, application/xml"), ""),
            (Some("application/json; charset=utf-16"), ""),
            (None, "_format=xml"),
            (None, "_format=ttl"),
            (None, "_format=application/fhir+xml"),
            (None, "_format=json&_format=xml"),
        ] {
            assert!(!asked(accept, query), "{accept:?} {query}");
        }
        let headers = with(header::ACCEPT_CHARSET, "iso-8859-1");
        assert!(check_accepted(&headers, &mut Pairs::default()).is_err());
        let headers = with(header::ACCEPT_CHARSET, "iso-8859-1, utf-8;q=0.5");
        assert!(check_accepted(&headers, &mut Pairs::default()).is_ok());
    }

    #[test]
    fn a_body_is_json_in_utf_8_and_says_so() {
        for (value, form) in [
            ("application/fhir+json", BodyForm::Resource),
            ("Application/FHIR+JSON; charset=UTF-8", BodyForm::Resource),
            (
                "application/json;charset=utf-8; fhirVersion=4.0",
                BodyForm::Resource,
            ),
            ("application/json-patch+json", BodyForm::JsonPatch),
            ("application/x-www-form-urlencoded", BodyForm::Form),
        ] {
            let found = body_form(&with(header::CONTENT_TYPE, value)).unwrap();
            assert_eq!(found, Some(form), "{value}");
        }
        assert_eq!(body_form(&HeaderMap::new()).unwrap(), None);
        for value in [
            "application/fhir+xml",
            "application/xml",
            "text/plain",
            "text/html",
            "multipart/form-data; boundary=x",
            "application/fhir+json; charset=utf-16",
            "application/fhir+json; fhirVersion=3.0",
            "application/fhir+jsonx",
        ] {
            assert!(
                body_form(&with(header::CONTENT_TYPE, value)).is_err(),
                "{value}"
            );
        }
        let mut headers = with(header::CONTENT_TYPE, "application/json");
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert!(body_form(&headers).is_err());
        let mut headers = with(header::CONTENT_TYPE, "application/json");
        headers.append(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        assert!(body_form(&headers).is_err(), "two content types");
    }
}
