//! The content of a Binary, for who asks for another form than FHIR's (R4, binary: "serving
//! binary resources using the RESTful API"). It came from anybody: what a browser could run
//! is given a type that it does not run.

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use glovebox_fhir::{Limits, Resource};
use serde_json::Value;

use super::format::accepts;
use super::route_error::RouteError;

/// Types that no browser runs, given out under their own name.
const PASSIVE: [&str; 11] = [
    "application/dicom",
    "application/pdf",
    "audio/mpeg",
    "image/bmp",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/tiff",
    "image/webp",
    "text/plain",
    "video/mp4",
];
const UNNAMED: &str = "application/octet-stream";

/// What a Binary holds, under its type, if that is asked for.
pub(super) fn content(
    headers: &HeaderMap,
    binary: &[u8],
) -> Result<(&'static str, Bytes), RouteError> {
    let binary = Resource::parse(binary, Limits::RESOURCE)
        .map_err(|problem| RouteError::failed(&problem))?;
    let text = |name: &str| {
        binary
            .value()
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let named = text("contentType")
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    let wanted = accepts(headers, named) || accepts(headers, UNNAMED);
    if !wanted {
        return Err(RouteError::NotAcceptable);
    }
    let passive = PASSIVE
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(named));
    let data: String = text("data").split_ascii_whitespace().collect();
    let data = STANDARD
        .decode(data)
        .map_err(|_| RouteError::NotAcceptable)?;
    Ok((passive.unwrap_or(UNNAMED), data.into()))
}

#[cfg(test)]
mod tests {
    use axum::http::header;

    use super::*;

    fn asked(accept: &str, content_type: &str) -> Option<&'static str> {
        let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
        let binary =
            format!(r#"{{"resourceType":"Binary","contentType":"{content_type}","data":"aGk="}}"#);
        let (form, data) = content(&headers, binary.as_bytes()).ok()?;
        assert_eq!(data, "hi");
        Some(form)
    }

    #[test]
    fn a_type_that_no_browser_runs_is_named_and_others_are_just_bytes() {
        for (accept, content_type, given) in [
            (
                "application/pdf",
                "application/pdf",
                Some("application/pdf"),
            ),
            ("image/*", "image/png", Some("image/png")),
            (
                "text/plain;q=0.5",
                "text/plain; charset=utf-8",
                Some("text/plain"),
            ),
            ("text/html", "text/html", Some(UNNAMED)),
            ("image/svg+xml", "image/svg+xml", Some(UNNAMED)),
            (
                "application/xhtml+xml",
                "application/xhtml+xml",
                Some(UNNAMED),
            ),
            ("application/octet-stream", "text/html", Some(UNNAMED)),
            ("image/png", "text/html", None),
            ("application/fhir+xml", "application/pdf", None),
            ("application/pdf;q=0", "application/pdf", None),
        ] {
            assert_eq!(
                asked(accept, content_type),
                given,
                "{accept} of {content_type}"
            );
        }
    }
}
